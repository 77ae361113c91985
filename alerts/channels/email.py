"""E-mail by SMTP: HTML and text, one conversation an incident.

In: an SMTP URL, sender, recipients. Out: which recipients have it, and which were refused. Kept: nothing. The whole
message is frozen, Message-ID included, so that a copy sent twice is seen to be one. `smtp://` insists on STARTTLS
unless it says `?starttls=never`; `smtps://` is TLS from the start.
"""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from alerts.channels.base import Delivery, DeliveryError, Letter
from alerts.errors import ChannelError
from alerts.message import Message
from alerts.text import one_line, shortened

if TYPE_CHECKING:
    from jinja2 import Environment

_SUBJECT = 150


@dataclass(frozen=True)
class Server:
    """Where mail is handed in."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    tls: bool = False
    starttls: bool = True


@dataclass(frozen=True)
class Email:
    """An e-mail channel; `smtp` is `smtp://user:password@host:587` or `smtps://…:465`."""

    kind: ClassVar = "email"
    lanes: ClassVar = 2
    smtp: str = field(repr=False)
    to: tuple[str, ...]
    sender: str = "driftline@localhost"
    timeout: float = 15.0
    context: ssl.SSLContext | None = None
    _server: Server = field(init=False)

    def __post_init__(self) -> None:
        for address in (*self.to, self.sender):
            _address(address)
        if not self.to:
            raise ChannelError("email: there are no recipients")
        object.__setattr__(self, "_server", _server(self.smtp))

    @property
    def endpoint(self) -> str:
        return f"{self._server.host}:{self._server.port}"

    def render(self, message: Message, letter: Letter) -> bytes:
        """The whole mail as bytes."""
        mail = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
        domain = _address(self.sender).domain
        root = f"<{hashlib.sha256(f'{letter.stream} {letter.channel}'.encode()).hexdigest()[:32]}@{domain}>"
        mail["From"] = _address(self.sender)
        mail["To"] = [_address(address) for address in self.to]
        mail["Subject"] = shortened(one_line(message.conversation), _SUBJECT)
        mail["Date"] = format_datetime(message.at)
        mail["Message-ID"] = root if letter.seq == 1 else f"<{letter.key}@{domain}>"
        if letter.seq > 1:
            mail["In-Reply-To"] = root
            mail["References"] = root
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        if message.urgent:
            mail["Importance"] = "high"
        cid = f"chart.{letter.key}@{domain}"
        facts = {"message": message, "letter": letter, "cid": cid}
        mail.set_content(_templates().get_template("email.txt.j2").render(facts))
        html = message.html or _templates().get_template("email.html.j2").render(facts)
        mail.add_alternative(html, subtype="html")
        if message.picture is not None:
            *_, page = mail.iter_parts()
            page.add_related(message.picture.png, "image", "png", cid=f"<{cid}>", disposition="inline")
        for attachment in message.attachments:
            main, _, sub = attachment.media_type.partition("/")
            mail.add_attachment(attachment.content, maintype=main, subtype=sub, filename=one_line(attachment.name))
        return mail.as_bytes()

    def send(self, delivery: Delivery) -> Mapping[str, Any]:
        """Hand the mail in for every recipient that has neither got it nor been refused for good."""
        done = list(delivery.progress.get("done", []))
        refused = dict(delivery.progress.get("refused", {}))
        left = [address for address in self.to if address not in done and address not in refused]
        if not left:
            return _result(done, refused)
        later = self._hand_in(delivery.body, left)
        done += [address for address in left if address not in later]
        refused |= {address: why for address, (code, why) in later.items() if code >= 500}
        waiting = {address: why for address, (code, why) in later.items() if code < 500}
        if waiting:
            text = f"not yet accepted for {_listed(waiting)}" + (f"; accepted for {', '.join(done)}" if done else "")
            raise DeliveryError(text, retryable=True, progress={"done": done, "refused": refused})
        if not done:
            raise DeliveryError(f"refused for {_listed(refused)}", retryable=False)
        return _result(done, refused)

    def _hand_in(self, body: bytes, recipients: list[str]) -> dict[str, tuple[int, str]]:
        """One SMTP session; the recipients that were refused, each with code and reason."""
        server = self._server
        sender = _address(self.sender).addr_spec
        names = {_address(address).addr_spec: address for address in recipients}
        try:
            with self._connected() as session:
                if server.starttls:
                    session.starttls(context=self._tls())
                if server.user:
                    session.login(server.user, server.password)
                later = session.sendmail(sender, list(names), body)
        except smtplib.SMTPRecipientsRefused as error:
            later = error.recipients
        except smtplib.SMTPNotSupportedError as error:
            text = f"{server.host}: {error}; where plain text is meant, write ?starttls=never behind the smtp URL"
            raise DeliveryError(text, retryable=True) from error
        except smtplib.SMTPAuthenticationError as error:
            # Someone can mend the password; the mail is as good then as now.
            raise DeliveryError(f"{server.host}: {_said(error)}", retryable=True) from error
        except smtplib.SMTPResponseException as error:
            raise DeliveryError(f"{server.host}: {_said(error)}", retryable=error.smtp_code < 500) from error
        except (smtplib.SMTPException, OSError) as error:
            text = f"{server.host}:{server.port}: {type(error).__name__}: {error}"
            raise DeliveryError(text, retryable=True, ambiguous=True) from error
        return {names[address]: (code, _text(code, why)) for address, (code, why) in later.items()}

    def _connected(self) -> smtplib.SMTP:
        server = self._server
        if server.tls:
            return smtplib.SMTP_SSL(server.host, server.port, timeout=self.timeout, context=self._tls())
        return smtplib.SMTP(server.host, server.port, timeout=self.timeout)

    def _tls(self) -> ssl.SSLContext:
        return self.context or ssl.create_default_context()


def _server(url: str) -> Server:
    """Read an SMTP URL. Raises ChannelError, without the password."""
    parts = urlsplit(url)
    options = parse_qs(parts.query)
    starttls = options.pop("starttls", ["always"])[0]
    try:
        port = parts.port
    except ValueError as error:
        raise ChannelError(f"email: {error}") from error
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or options or starttls not in ("always", "never"):
        raise ChannelError(
            "email: write smtp://user:password@host:587, smtps://host:465, or smtp://host?starttls=never"
        )
    tls = parts.scheme == "smtps"
    return Server(
        host=parts.hostname,
        port=port or (465 if tls else 587),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        tls=tls,
        starttls=not tls and starttls == "always",
    )


def _address(text: str) -> Address:
    """`Name <who@host>` or `who@host`. Raises ChannelError."""
    name, spec = parseaddr(text)
    if not spec or "@" not in spec or text != one_line(text):
        raise ChannelError(f"email: {one_line(text)!r} is no address")
    try:
        return Address(display_name=name, addr_spec=spec)
    except (ValueError, IndexError) as error:
        raise ChannelError(f"email: {one_line(text)!r} is no address: {error}") from error


def _result(done: list[str], refused: Mapping[str, str]) -> dict[str, Any]:
    note = {"note": f"refused for {_listed(refused)}"} if refused else {}
    return {"done": done, "refused": dict(refused), **note}


def _listed(whys: Mapping[str, str]) -> str:
    return ", ".join(f"{address} ({why})" for address, why in whys.items())


def _said(error: smtplib.SMTPResponseException) -> str:
    return _text(error.smtp_code, error.smtp_error)


def _text(code: int, why: bytes | str) -> str:
    said = why.decode(errors="replace") if isinstance(why, bytes) else why
    return shortened(f"{code} {one_line(said)}", 200)


@lru_cache
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["line"] = one_line
    return made
