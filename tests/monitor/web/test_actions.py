"""Changing incidents over a real HTTP server: tokens and their scopes, signed links, scanners, hosts, long bodies."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest

from alerts import outbox, silences
from alerts.incident import State
from alerts.permits import Permit, signed
from alerts.triggers import retrainings
from alerts.triggers.policy import Firing, Mode
from monitor.service.metrics import Metrics
from monitor.service.pulse import Pulse
from monitor.settings import Settings
from monitor.store import Store, incidents, open_store
from monitor.web.actions import Desk
from monitor.web.serve import serving
from tests.monitor.store.test_incidents import opened
from tests.monitor.web.test_serve import free_port

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECRET, TOKEN, NARROW = "a secret that signs links", "a token for everything", "a token for muting"


class Fixed:
    def now(self) -> datetime:
        return NOW

    def seconds_until(self, moment: datetime) -> float:
        return 0.0


@dataclass(frozen=True)
class Site:
    port: int
    store: Store
    id: str

    def ask(self, method: str, path: str, body: str = "", headers: Mapping[str, str] | None = None) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path, body.encode(), dict(headers or {}))
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def call(self, act: str, token: str, body: Mapping[str, object] | None = None) -> tuple[int, dict[str, str]]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        status, text = self.ask("POST", f"/api/incidents/{self.id}/{act}", json.dumps(body or {}), headers)
        return status, json.loads(text)

    def link(self, *, secret: str = SECRET, until: datetime = NOW + timedelta(days=1), incident: str = "") -> str:
        return "/respond/" + signed(Permit(incident or self.id, "oncall", until), secret)

    @property
    def state(self) -> State:
        with self.store.read() as connection:
            found = incidents.get(connection, self.id)
        assert found is not None
        return found.state


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    port = free_port()
    tokens = {
        "ci": {"token": TOKEN, "scopes": ["acknowledge", "close", "mute", "retrain"]},
        "muter": {"token": NARROW, "scopes": ["mute"]},
        "empty": {"token": "", "scopes": ["close"]},
    }
    settings = Settings.model_validate(
        {
            "server": {
                "listen": f"127.0.0.1:{port}",
                "metrics": None,
                "public_url": "https://drift.example",
                "actions": {"secret": SECRET, "tokens": tokens},
            }
        }
    )
    store = open_store(f"sqlite:///{tmp_path / 'state.db'}")
    one = opened()
    with store.begin() as connection:
        incidents.apply(connection, [one], [])
    with serving(settings, Pulse({}), Metrics(), dict, {}.get, {}.get, Desk(store, lambda: settings.server, Fixed())):
        yield Site(port, store, one.id)
    store.close()


def test_a_token_acts_within_its_scopes_and_is_recorded_as_the_actor(site: Site) -> None:
    assert site.call("acknowledge", "")[0] == 401
    assert site.call("acknowledge", "some other token, long enough")[0] == 401
    status, answer = site.call("acknowledge", NARROW)
    assert (status, answer["error"]) == (403, "the token muter may not acknowledge; its scopes are mute")
    assert site.state is State.OPEN
    status, answer = site.call("acknowledge", TOKEN, {"by": "maria"})
    assert (status, answer["said"]) == (200, "acknowledged by maria (ci)")
    assert site.state is State.ACKNOWLEDGED
    assert site.call("acknowledge", TOKEN)[0] == 409, "only an open one"
    assert site.call("close", TOKEN, {"verdict": "whatever"})[0] == 400
    assert site.call("close", TOKEN, {"verdict": "fixed"})[1]["said"] == "closed by ci as fixed"
    with site.store.read() as connection:
        assert {row["event"] for row in outbox.listed(connection, incident=site.id)} <= {"acknowledged", "resolved"}
        assert [event for _, event, _, _ in incidents.timeline(connection, incident=site.id)] == [
            "acknowledged",
            "resolved",
        ]


def test_an_empty_token_of_the_config_lets_nobody_in(site: Site) -> None:
    assert site.ask("POST", f"/api/incidents/{site.id}/close", "{}", {"Authorization": "Bearer "})[0] == 401


def test_muting_writes_a_silence_for_a_time(site: Site) -> None:
    assert site.call("mute", NARROW, {"for": "400d"})[0] == 400
    assert site.call("mute", NARROW, {"for": "4h"})[0] == 200
    with site.store.read() as connection:
        (silence,) = silences.active(connection, NOW)
    assert (silence.ends_at, silence.author) == (NOW + timedelta(hours=4), "muter")
    assert site.state is State.OPEN


def test_opening_a_link_changes_nothing_and_sending_its_form_does(site: Site) -> None:
    link = site.link()
    for method in ("GET", "HEAD"):
        assert site.ask(method, link)[0] in (200, 405)
    status, page = site.ask("GET", link)
    assert status == 200
    assert 'method="post"' in page
    assert site.state is State.OPEN
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert site.ask("POST", link, urlencode({"act": "acknowledge", "by": "  "}), form)[0] == 400
    assert site.state is State.OPEN
    status, page = site.ask("POST", link, urlencode({"act": "acknowledge", "by": "Maria <b>"}), form)
    assert status == 200
    assert "Maria &lt;b&gt; (link sent to oncall)" in page
    assert site.state is State.ACKNOWLEDGED


@pytest.mark.parametrize(
    "broken",
    [
        lambda site: site.link(secret="another secret, as long"),
        lambda site: site.link(until=NOW),
        lambda site: site.link()[:-1],
        lambda site: site.link().replace("/respond/", "/respond/x"),
        lambda site: "/respond/nonsense",
        lambda site: "/respond/%C3%A4.%C3%A4",
    ],
)
def test_a_link_that_is_not_whole_ours_or_in_time_permits_nothing(site: Site, broken: object) -> None:
    path = broken(site)  # type: ignore[operator]
    status, page = site.ask("POST", path, urlencode({"act": "close", "verdict": "fixed", "by": "x"}))
    assert status == 403
    assert "Nothing was changed" in page
    assert site.state is State.OPEN


def test_a_link_permits_nothing_but_its_own_incident(site: Site) -> None:
    assert site.ask("GET", site.link(incident="another"))[0] == 404


def test_other_hosts_and_long_bodies_are_refused(site: Site) -> None:
    path, ours = f"/api/incidents/{site.id}/acknowledge", {"Authorization": f"Bearer {TOKEN}"}
    assert site.ask("POST", path, "{}", {**ours, "Host": "evil.example"})[0] == 400
    assert site.ask("GET", site.link(), "", {"Host": "evil.example"})[0] == 400
    assert site.ask("POST", path, "x" * 70_000, ours)[0] == 413
    assert site.ask("POST", path, "[1]", ours)[0] == 400
    assert site.state is State.OPEN
    assert site.ask("POST", path, "{}", {**ours, "Host": "drift.example"})[0] == 200


def test_health_is_told_to_whoever_asks_under_any_name(site: Site) -> None:
    assert site.ask("GET", "/healthz", "", {"Host": "10.1.2.3:8787"})[0] in (200, 503)


def test_a_training_job_says_that_it_is_done(site: Site) -> None:
    one = Firing("retrain", "m", "1", "retrain_1", NOW, ("worse",), incident=site.id, mode=Mode.APPROVAL)
    with site.store.begin() as connection:
        retrainings.add(connection, one, one.payload(), NOW)

    def say(act: str, token: str, body: Mapping[str, str]) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {token}"}
        return site.ask("POST", f"/api/retrainings/retrain_1/{act}", json.dumps(body), headers)

    assert say("approve", NARROW, {})[0] == 403
    assert say("done", TOKEN, {"status": "succeeded"})[0] == 409, "it waits for approval"
    assert say("approve", TOKEN, {"by": "maria"})[0] == 200
    assert say("done", TOKEN, {"status": "perhaps"})[0] == 400
    status, answer = say("done", TOKEN, {"status": "succeeded", "version": "2"})
    assert (status, json.loads(answer)["stage"]) == (200, "succeeded")
    assert site.state is State.RESOLVED
    assert (
        site.ask("POST", "/api/retrainings/other/done", '{"status": "failed"}', {"Authorization": f"Bearer {TOKEN}"})[0]
        == 404
    )
