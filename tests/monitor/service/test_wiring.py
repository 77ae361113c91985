"""From settings to what delivers."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier

from alerts import outbox
from alerts.channels.console import Console
from alerts.channels.email import Email
from alerts.channels.slack import Slack
from alerts.channels.webhook import Webhook
from alerts.errors import AlertError
from alerts.incident import Track
from alerts.routing import Route, Timing
from alerts.triggers import retrainings
from alerts.triggers.policy import Mode, Trigger, on_incidents
from detectors.result import Kind
from monitor.service.wiring import make_deliverer, make_triggers, wire
from monitor.settings import Settings
from monitor.store.engine import Store, make_engine
from tests.support.http_server import http_server
from tests.support.incidents import DAY0, opened

SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
CHANNELS = {
    "oncall": {"slack": {"token": "xoxb-1", "channel": "C1", "mention": "<!here>"}},
    "hook": {"slack": {"webhook": "https://hooks.example/x"}},
    "team": {"email": {"smtp": "smtp://h", "to": ["ml@corp.example"], "from": "d@corp.example"}},
    "pipe": {"webhook": {"url": "https://h.example/x", "secret": SECRET, "allow": ["10.0.0.0/8"]}},
    "screen": {"console": {"color": False}},
}


def settings(alerts: dict[str, Any] | None = None, **others: Any) -> Settings:
    return Settings.model_validate({"alerts": alerts or {}, **others})


def test_each_kind_of_channel() -> None:
    wired = wire(settings({"channels": CHANNELS}), io.StringIO())
    assert {name: type(channel) for name, channel in wired.channels.items()} == {
        "oncall": Slack, "hook": Slack, "team": Email, "pipe": Webhook, "screen": Console,
    }  # fmt: skip
    assert wired.notes == ()


def test_with_no_channels_everything_is_printed_and_said_so() -> None:
    wired = wire(settings(), io.StringIO())
    assert list(wired.channels) == ["console"]
    assert wired.routes == (Route(("console",)),)
    assert "no channels are configured" in wired.notes[0]


def test_a_channel_without_its_secret_prints_and_says_so() -> None:
    given = {"oncall": {"slack": {"token": "", "channel": "C1"}, "console": {}}}
    wired = wire(settings({"channels": given}), io.StringIO())
    assert isinstance(wired.channels["oncall"], Console)
    assert wired.notes == ("channel oncall: no secret for slack is set, so its messages are printed here",)


def test_routes_as_written() -> None:
    routes = [
        {"match": {"severity": "critical", "model": ["a", "~b.*"]}, "to": ["oncall"], "continue": True},
        {"to": ["team"], "group_wait": "5m", "group_interval": "1d"},
    ]
    assert wire(settings({"channels": CHANNELS, "routes": routes}), io.StringIO()).routes == (
        Route(("oncall",), {"severity": ("critical",), "model": ("a", "~b.*")}, go_on=True),
        Route(("team",), {}, timing=Timing(timedelta(minutes=5), timedelta(days=1))),
    )


@pytest.mark.parametrize(
    ("names", "to"), [(["oncall", "screen"], ("screen",)), (["oncall", "team"], ("oncall", "team"))]
)
def test_without_routes_nobody_is_forgotten(names: list[str], to: tuple[str, ...]) -> None:
    given = {name: CHANNELS[name] for name in names}
    assert wire(settings({"channels": given}), io.StringIO()).routes == (Route(to),)


@pytest.mark.parametrize(
    ("alerts", "says"),
    [
        ({"channels": {"pipe": {"webhook": {"url": "https://h.example", "secret": "nonsense!"}}}}, "^pipe: .*whsec_"),
        ({"channels": {"pipe": {"webhook": {"url": "https://h.example", "allow": ["ten"]}}}}, "^pipe: allow"),
        ({"channels": {"team": {"email": {"smtp": "mail.example", "to": ["a@b.example"]}}}}, "^team: .*smtp://"),
        ({"channels": {"team": {"email": {"smtp": "smtp://h", "to": ["nobody"]}}}}, "^team: .*no address"),
    ],
)
def test_what_cannot_work_is_refused_by_name(alerts: dict[str, Any], says: str) -> None:
    with pytest.raises(AlertError, match=says):
        wire(settings(alerts), io.StringIO())


def test_triggers_as_their_policy_sees_them() -> None:
    url = "https://h.example"
    given = {
        "retrain": {
            "url": url,
            "when": "drift",
            "cooldown": "3d",
            "confirm": 3,
            "at_most": "2 per 60d",
            "approval": True,
        },
        "rehearse": {"url": url, "dry_run": True},
    }
    model = settings(models={"m": {"triggers": given}}).models["m"]
    assert make_triggers("m", model) == [
        Trigger("retrain", "m", "drift", timedelta(days=3), 3, 2, timedelta(days=60), Mode.APPROVAL),
        Trigger("rehearse", "m", mode=Mode.DRY_RUN),
    ]


@pytest.mark.parametrize(
    ("trigger", "says"),
    [
        ({"dry_run": True}, "exactly one of url, airflow or github"),
        ({"url": "https://h.example", "github": {"repository": "a/b", "workflow": "w", "token": "t"}}, "exactly one"),
        ({"github": {"repository": "a", "workflow": "w", "token": "t"}}, "owner/name"),
        ({"url": "https://h.example", "at_most": "often"}, "2 per 30d"),
        ({"url": "https://h.example", "approval": True, "dry_run": True}, "needs no approval"),
        ({"url": "https://h.example", "cron": "0 0 * * *"}, "cron goes with when: schedule"),
    ],
)
def test_a_trigger_that_makes_no_sense_is_refused(trigger: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        settings(models={"m": {"triggers": {"t": trigger}}})


def test_a_breach_reaches_the_retraining_job_signed_and_once(tmp_path: Path) -> None:
    store = Store(make_engine(f"sqlite:///{tmp_path / 'state.db'}"))
    outbox.METADATA.create_all(store.engine)
    with http_server() as server:
        trigger = {"url": server.url, "secret": SECRET, "allow": ["127.0.0.0/8"]}
        config = settings(models={"flight-delay": {"triggers": {"retrain": trigger}}})
        deliverer = make_deliverer(config, store.begin, io.StringIO())
        incident = opened(kind=Kind.PERFORMANCE, detector="auc", statistic=0.6, threshold=0.05, effect=0.1).incident
        track = Track(DAY0, DAY0, DAY0, breaches=2)
        triggers = make_triggers("flight-delay", config.models["flight-delay"])
        for _ in range(3):
            with store.begin() as conn:
                past = retrainings.history(conn, "flight-delay")
                decisions = on_incidents(triggers, [replace(incident, tracks={"1d": track})], past, DAY0)
                for firing in (decision.firing for decision in decisions if decision.firing):
                    payload = firing.payload()
                    retrainings.add(conn, firing, payload, DAY0)
                    outbox.add_trigger_intent(conn, firing.model, firing.trigger, firing.key, payload, DAY0)
            deliverer.flush(DAY0)
            deliverer.deliver(DAY0, wait=60)
        deliverer.close()
        (request,) = server.requests
        body = json.loads(request.body)
        assert body["type"] == "driftline.retrain.requested"
        assert body["data"]["model"] == "flight-delay"
        assert body["data"]["key"] == request.headers["webhook-id"]
        assert Verifier(SECRET).sign(
            request.headers["webhook-id"],
            DAY0,
            request.body.decode(),
        ) in request.headers["webhook-signature"].split(" ")
    store.close()
