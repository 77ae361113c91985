"""E-mail, handed in to a real SMTP server."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from alerts import outbox
from alerts.channels.base import Letter
from alerts.channels.email import Email
from alerts.errors import ChannelError
from alerts.incident import Change, IncidentEvent, State
from alerts.message import Link, Picture, incident_message
from alerts.routing import Route, Timing
from tests.alerts.conftest import Begin
from tests.support.incidents import DAY0, HOSTILE, opened
from tests.support.mail_server import MailServer, certificate, mail_server
from tests.support.post import Post

MINUTE = timedelta(minutes=1)


@pytest.fixture
def smtp() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


def mail(server: MailServer, *to: str, **changes: Any) -> Email:
    values = {"smtp": f"smtp://127.0.0.1:{server.port}?starttls=never", "timeout": 5.0} | changes
    return Email(to=to or ("ml@corp.example",), sender="Driftline <driftline@corp.example>", **values)


def make(begin: Begin, channel: Email) -> Post:
    return Post(begin, {"team": channel}, [Route(("team",), timing=Timing(group_interval=timedelta(0)))])


def event(change: Change = Change.OPENED, **changes: Any) -> IncidentEvent:
    incident = replace(opened(now=DAY0).incident, **changes)
    if change is Change.RESOLVED:
        incident = replace(incident, state=State.RESOLVED, resolved_at=DAY0)
    return IncidentEvent(change, incident, DAY0, f"reason of {change.value}")


def parts(message: EmailMessage) -> tuple[str, str]:
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    return plain.get_content(), html.get_content()


def test_html_and_text_say_the_same(begin: Begin, smtp: MailServer) -> None:
    post = make(begin, mail(smtp))
    post.say(event())
    assert post.run(DAY0) == 1
    message = smtp.mails[0].parsed
    assert message["From"] == "Driftline <driftline@corp.example>"
    assert message["To"] == "ml@corp.example"
    assert message["Subject"] == f"flight-delay: drift ({event().incident.id})"
    assert message["Auto-Submitted"] == "auto-generated"
    for body in parts(message):
        for said in ("wind_speed", "0.42", "0.15", "flight-delay, version 3, owner flights", event().incident.action):
            assert said in " ".join(body.split())


def test_a_chart_is_inside_the_mail_and_said_in_words(begin: Begin, smtp: MailServer) -> None:
    picture = Picture(b"\x89PNG-bytes", 368, 392, 'KS of "a" <b>: last 0.3')
    post = make(begin, mail(smtp))
    post.say(event())
    post.run(DAY0, {event().incident.id: picture})
    message = smtp.mails[0].parsed
    (image,) = [part for part in message.walk() if part.get_content_type() == "image/png"]
    assert image.get_content() == b"\x89PNG-bytes"
    assert image.get_content_disposition() == "inline"
    plain, html = parts(message)
    assert f'src="cid:{image["Content-ID"].strip("<>")}"' in html
    assert 'alt="KS of &#34;a&#34; &lt;b&gt;: last 0.3"' in html
    assert 'Chart: KS of "a" <b>: last 0.3' in plain
    related = next(part for part in message.walk() if part.get_content_type() == "multipart/related")
    assert [part.get_content_type() for part in related.iter_parts()] == ["text/html", "image/png"]


def test_an_incident_is_one_conversation(begin: Begin, smtp: MailServer) -> None:
    post = make(begin, mail(smtp))
    for number, change in enumerate((Change.OPENED, Change.UPDATED, Change.RESOLVED)):
        post.say(event(change))
        post.run(DAY0 + number * MINUTE)
    first, *others = [one.parsed for one in smtp.mails]
    assert len(others) == 2
    assert {other["Subject"] for other in others} == {first["Subject"]}
    assert {other["References"] for other in others} == {first["Message-ID"]}
    assert {other["In-Reply-To"] for other in others} == {first["Message-ID"]}
    assert len({one.parsed["Message-ID"] for one in smtp.mails}) == 3
    assert first["References"] is None


def test_a_mail_sent_again_is_the_same_mail(begin: Begin, smtp: MailServer) -> None:
    smtp.reject = ["451 try later"]
    post = make(begin, mail(smtp))
    post.say(event())
    assert post.run(DAY0) == 0
    assert post.run(DAY0 + MINUTE) == 1
    assert smtp.mails == smtp.rejected


def test_one_recipient_that_is_refused_for_good_does_not_cost_the_others(begin: Begin, smtp: MailServer) -> None:
    smtp.refuse["gone@corp.example"] = "550 no such user"
    post = make(begin, mail(smtp, "a@corp.example", "gone@corp.example", "b@corp.example"))
    post.say(event())
    assert post.run(DAY0) == 1
    assert smtp.mails[0].recipients == ["a@corp.example", "b@corp.example"]
    assert post.deliveries()[0]["error"] == "refused for gone@corp.example (550 no such user)"


def test_one_recipient_that_is_busy_gets_it_later_and_the_others_once(begin: Begin, smtp: MailServer) -> None:
    smtp.refuse["busy@corp.example"] = "450 mailbox busy"
    post = make(begin, mail(smtp, "a@corp.example", "busy@corp.example"))
    post.say(event())
    assert post.run(DAY0) == 0
    assert "not yet accepted for busy@corp.example (450 mailbox busy)" in post.deliveries()[0]["error"]
    smtp.refuse.clear()
    assert post.run(DAY0 + MINUTE) == 1
    assert [one.recipients for one in smtp.mails] == [["a@corp.example"], ["busy@corp.example"]]


def test_nobody_left_is_a_dead_letter(begin: Begin, smtp: MailServer) -> None:
    smtp.refuse["ml@corp.example"] = "550 no"
    post = make(begin, mail(smtp))
    post.say(event())
    post.run(DAY0)
    assert post.outcomes()[0][1:] == ("dead", "team: refused for ml@corp.example (550 no)")


@pytest.mark.parametrize(("answer", "state"), [("451 greylisted", "pending"), ("554 spam", "dead")])
def test_a_mail_that_is_refused(begin: Begin, smtp: MailServer, answer: str, state: str) -> None:
    smtp.reject = [answer]
    post = make(begin, mail(smtp))
    post.say(event())
    post.run(DAY0)
    assert post.deliveries()[0]["state"] == state


def test_starttls_and_login(begin: Begin, tmp_path: Path) -> None:
    serving, trusting = certificate(tmp_path)
    with mail_server(serving, login=True) as server:
        url = f"smtp://us%40er:geheim@127.0.0.1:{server.port}"
        post = make(begin, mail(server, smtp=url, context=trusting))
        post.say(event())
        assert post.run(DAY0) == 1
        assert server.logins == [("us@er", "geheim")]
        wrong = make(begin, mail(server, smtp=url.replace("geheim", "falsch"), context=trusting))
        wrong.say(event(Change.UPDATED))
        wrong.run(DAY0)
        assert wrong.deliveries()[1]["state"] == "pending"
        assert "535" in wrong.deliveries()[1]["error"]
        assert "falsch" not in str(wrong.deliveries())


def test_tls_from_the_start(begin: Begin, tmp_path: Path) -> None:
    serving, trusting = certificate(tmp_path)
    with mail_server(serving, smtps=True) as server:
        post = make(begin, mail(server, smtp=f"smtps://127.0.0.1:{server.port}", context=trusting))
        post.say(event())
        assert post.run(DAY0) == 1


def test_a_certificate_nobody_vouches_for_is_refused(begin: Begin, tmp_path: Path) -> None:
    serving, _ = certificate(tmp_path)
    with mail_server(serving) as server:
        strict = mail(server, smtp=f"smtp://127.0.0.1:{server.port}", context=ssl.create_default_context())
        post = make(begin, strict)
        post.say(event())
        assert post.run(DAY0) == 0
        assert "certificate" in post.deliveries()[0]["error"].lower()
        assert server.mails == []


def test_a_server_without_starttls_gets_nothing_and_the_error_says_what_to_write(
    begin: Begin, smtp: MailServer
) -> None:
    post = make(begin, mail(smtp, smtp=f"smtp://127.0.0.1:{smtp.port}"))
    post.say(event())
    assert post.run(DAY0) == 0
    assert "starttls=never" in post.deliveries()[0]["error"]
    assert smtp.mails == []


def test_hostile_names_stay_text(begin: Begin, smtp: MailServer) -> None:
    post = make(begin, mail(smtp))
    post.say(
        event(model=HOSTILE, summary=HOSTILE, action=HOSTILE, subjects=(HOSTILE, "b"), diagnosis=HOSTILE, owner=HOSTILE)
    )
    assert post.run(DAY0) == 1
    message = smtp.mails[0].parsed
    assert smtp.mails[0].recipients == ["ml@corp.example"]
    assert message["Bcc"] is None
    assert "\r" not in message["Subject"]
    plain, html = parts(message)
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert Tags.of(html).isdisjoint({"script", "img", "iframe", "link"})
    assert not any(line.startswith("Bcc:") for line in plain.splitlines())
    assert "\x1b" not in plain


def test_nothing_is_fetched_to_show_it() -> None:
    html = _letter_html()
    assert "src=" not in html
    assert "url(" not in html
    assert html.count("http") == html.count("https://d.example/incidents/")


def test_a_report_comes_as_body_and_attachment(begin: Begin, smtp: MailServer, tmp_path: Path) -> None:
    page = tmp_path / "week 18.html"
    page.write_text("<h1>The whole report</h1>" * 20_000)
    post = make(begin, mail(smtp))
    with begin() as conn:
        outbox.add_report_intent(
            conn, name="weekly", title="Weekly report, 6 May", summary="2 models need you", channels=["team"], at=DAY0,
            key="weekly:6", lines=["57 healthy"], html="<p>Digest of the week</p>", attachments=[page],
        )  # fmt: skip
    assert post.run(DAY0) == 1
    message = smtp.mails[0].parsed
    plain, html = parts(message)
    assert message["Subject"] == "Weekly report, 6 May"
    assert "57 healthy" in plain
    assert "Digest of the week" in html
    (attached,) = message.iter_attachments()
    assert attached.get_filename() == "week 18.html"
    assert attached.get_content() == page.read_text()


@pytest.mark.parametrize(
    "wrong",
    [
        {"smtp": "http://x"}, {"smtp": "smtp://"}, {"smtp": "smtp://h:notaport"}, {"smtp": "smtp://h?tls=1"},
        {"to": ()}, {"to": ("nobody",)}, {"to": ("a@b\r\nBcc: c@d",)}, {"sender": "x"},
    ],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ChannelError):
        Email(**({"smtp": "smtp://u:hidden@h", "to": ("a@b.example",)} | wrong))


def test_the_password_is_in_no_representation() -> None:
    assert "hidden" not in repr(Email("smtp://u:hidden@h", ("a@b.example",)))


class Tags(HTMLParser):
    """The tags of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)

    @classmethod
    def of(cls, html: str) -> set[str]:
        parser = cls()
        parser.feed(html)
        return parser.found


def _letter() -> Letter:
    return Letter("msg_1", "stream", 1, "team", first=True)


def _message() -> Any:
    return incident_message(event(), links=[Link("Open the incident", "https://d.example/incidents/1")])


def _letter_html() -> str:
    raw = Email("smtp://h", ("a@b.example",)).render(_message(), _letter())
    parsed = message_from_bytes(raw, policy=policy.default)
    return parts(parsed)[1]
