"""Buttons in Slack, over a real websocket to a server that behaves as Slack's Socket Mode does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts import silences
from alerts.channels.buttons import ACKNOWLEDGE, CLOSE, MUTE, pressed
from alerts.incident import State
from alerts.intents import INTENTS
from monitor.service.pulse import Pulse
from monitor.service.slack_buttons import SlackButtons, apps_of
from monitor.settings import Settings
from monitor.store import Store, incidents, open_store
from tests.monitor.web.test_actions import Fixed
from tests.support.incidents import opened
from tests.support.service import until
from tests.support.slack_sockets import APP_TOKEN, Sockets, slack_sockets

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def slack() -> Iterator[Sockets]:
    with slack_sockets() as server:
        yield server


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_store(f"sqlite:///{tmp_path / 'state.db'}")
    event = opened()
    with made.begin() as connection:
        incidents.apply(connection, [event.incident], [event])
    yield made
    made.close()


def settings(slack: Sockets, token: str = APP_TOKEN) -> Settings:
    one = {"token": "xoxb-test", "channel": "C1", "app_token": token, "api_url": f"{slack.url}/api/"}
    return Settings.model_validate({"alerts": {"channels": {"oncall": {"slack": one}}}})


@pytest.fixture
def buttons(slack: Sockets, store: Store) -> Iterator[SlackButtons]:
    slack.answers.clear()
    made = SlackButtons(store, Fixed(), Pulse({}), lambda: None)
    count = len(slack.connections)
    made.use(settings(slack))
    until(lambda: len(slack.connections) > count, "connected")
    yield made
    made.close(0.0)


def incident(store: Store) -> Any:
    with store.read() as connection:
        return incidents.listing(connection)[0]


def told(store: Store) -> list[tuple[str, Any]]:
    with store.read() as connection:
        return [(row.payload["reason"], row.channels) for row in connection.execute(INTENTS.select())]


def test_acknowledging_is_recorded_under_the_slack_name_and_told(
    slack: Sockets, store: Store, buttons: SlackButtons
) -> None:
    assert slack.press(incident(store).id, ACKNOWLEDGE) < 3.0
    until(lambda: incident(store).state is State.ACKNOWLEDGED, "acknowledged")
    assert incident(store).actor == "maria (Slack U7)"
    assert told(store) == [("acknowledged by maria (Slack U7)", None)]
    assert buttons.status() == {"slack buttons (oncall)": "connected"}
    assert slack.answers == []


def test_closing_takes_the_verdict_that_was_chosen(slack: Sockets, store: Store, buttons: SlackButtons) -> None:
    slack.press(incident(store).id, CLOSE, chosen="false alarm")
    until(lambda: incident(store).resolved, "closed")
    assert incident(store).verdict == "false alarm"


def test_muting_is_told_to_the_channel_it_was_pressed_in_though_it_is_muted(
    slack: Sockets, store: Store, buttons: SlackButtons
) -> None:
    slack.press(incident(store).id, MUTE)
    (silence,) = until(lambda: _silences(store), "muted")
    assert silence.author == "maria (Slack U7)"
    assert silence.ends_at - silence.starts_at == timedelta(days=1)
    assert told(store) == [("muted until 2026-03-03 09:00 UTC by maria (Slack U7)", ["oncall"])]


def _silences(store: Store) -> list[Any]:
    with store.read() as connection:
        return list(silences.active(connection, NOW))


def test_an_envelope_that_comes_twice_acts_once(slack: Sockets, store: Store, buttons: SlackButtons) -> None:
    for envelope in ("env-1", "env-1", "env-2"):
        slack.press(incident(store).id, MUTE, envelope=envelope)
    slack.press(incident(store).id, ACKNOWLEDGE, envelope="env-3", stamp="1700.2")
    until(lambda: incident(store).state is State.ACKNOWLEDGED, "acknowledged")
    assert len(_silences(store)) == 1


def test_what_cannot_be_done_is_told_to_whoever_pressed(slack: Sockets, store: Store, buttons: SlackButtons) -> None:
    slack.press("nosuchone", ACKNOWLEDGE)
    until(lambda: slack.answers, "answered")
    assert slack.answers[0]["response_type"] == "ephemeral"
    assert "there is no incident 'nosuchone'" in slack.answers[0]["text"]


def test_the_envelope_is_answered_though_the_state_is_busy(slack: Sockets, store: Store, buttons: SlackButtons) -> None:
    with store.begin():
        assert slack.press(incident(store).id, ACKNOWLEDGE) < 3.0
        assert incident(store).state is State.OPEN
    until(lambda: incident(store).state is State.ACKNOWLEDGED, "acknowledged")


@pytest.mark.parametrize("how", ["asked to", "closed"])
def test_it_connects_again(slack: Sockets, store: Store, buttons: SlackButtons, how: str) -> None:
    count = len(slack.connections)
    if how == "asked to":
        slack.send(type="disconnect", reason="refresh_requested")
    else:
        slack.connections[-1].close()
    until(lambda: len(slack.connections) > count, "connected again")
    slack.press(incident(store).id, ACKNOWLEDGE)
    until(lambda: incident(store).state is State.ACKNOWLEDGED, "acknowledged")


def test_without_slack_it_says_so_and_does_not_hold_up_the_end(slack: Sockets, store: Store) -> None:
    pulse = Pulse({})
    made = SlackButtons(store, Fixed(), pulse, lambda: None)
    made.use(settings(slack, token="xapp-revoked"))
    until(lambda: "invalid_auth" in made.status()["slack buttons (oncall)"], "refused")
    assert pulse.health().healthy
    begun = time.monotonic()
    made.close()
    assert time.monotonic() - begun < 2.0


def test_health_sees_a_thread_that_has_died(slack: Sockets, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.service.slack_buttons._STALLED", 0.0)
    pulse = Pulse({})
    made = SlackButtons(store, Fixed(), pulse, lambda: None)
    made.use(settings(slack, token="xapp-revoked"))
    made.close(5.0)
    assert not pulse.health().healthy
    made.use(Settings())
    assert pulse.health().healthy
    assert made.status() == {}


def test_channels_of_one_app_share_a_connection(slack: Sockets) -> None:
    channel = {"token": "xoxb-test", "app_token": APP_TOKEN}
    given = {
        "a": {"slack": {**channel, "channel": "C1"}},
        "b": {"slack": {**channel, "channel": "C2"}},
        "c": {"slack": {"token": "xoxb-test", "channel": "C3"}},
        "d": {"slack": {"token": "", "channel": "C4", "app_token": ""}, "console": {}},
    }
    (app,) = apps_of(Settings.model_validate({"alerts": {"channels": given}}))
    assert app.channels == (("C1", "a"), ("C2", "b"))
    assert [app.channel(one) for one in ("C2", "C1", "C9")] == ["b", "a", "a"]


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"type": "view_submission"},
        {"type": "block_actions", "actions": [{"action_id": "other", "block_id": "driftline:1"}]},
        {"type": "block_actions", "actions": [{"action_id": MUTE, "block_id": "theirs"}]},
        {
            "type": "block_actions",
            "actions": [{"action_id": CLOSE, "block_id": "driftline:1", "selected_option": {"value": "x"}}],
        },
    ],
)
def test_what_is_none_of_our_buttons_does_nothing(payload: dict[str, Any]) -> None:
    assert pressed(payload) is None
