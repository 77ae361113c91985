"""The console: readable, and safe to look at."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from alerts.channels.base import Delivery, DeliveryError, Letter
from alerts.channels.console import Console
from alerts.incident import IncidentEvent
from alerts.message import incident_message
from tests.support.incidents import DAY0, HOSTILE, opened


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def printed(stream: io.StringIO, event: IncidentEvent | None = None, **options: object) -> str:
    channel = Console(stream, **options)  # type: ignore[arg-type]
    body = channel.render(incident_message(event or opened(now=DAY0)), Letter("k", "s", 1, "team", first=True))
    channel.send(Delivery(1, "k", "s", 1, "team", "opened", body, 1, 0, False, DAY0, DAY0))
    return stream.getvalue()


def test_a_block_an_event() -> None:
    incident = opened(now=DAY0).incident
    assert printed(io.StringIO()).splitlines() == [
        "2013-05-01T04:00:00Z  Warning: drift in flight-delay",
        f"    {incident.summary}",
        f"    Model      flight-delay, version 3, owner flights, incident {incident.id}",
        "    Since      1 May 2013 04:00 UTC, seen 1 May 2013 04:00 UTC; latest window 1 May 2013 04:00 UTC",
        "               to 2 May 04:00 (1d), 900 rows",
        "    · wind_speed: KS 0.42 (limit 0.15)",
        "    Look first Compare the distributions in the report; the predictions have not moved: see whether",
        "               the change is expected before retraining.",
        "",
    ]


def test_it_says_whose_place_it_takes() -> None:
    assert printed(io.StringIO(), note="slack").splitlines()[0].endswith("[to team, slack]")


def test_colours_only_on_a_terminal_that_wants_them() -> None:
    assert "\x1b[1;33m" in printed(Terminal())
    assert "\x1b" not in printed(Terminal(), color=False)
    assert "\x1b" not in printed(io.StringIO())


def test_data_cannot_steer_the_terminal() -> None:
    incident = replace(opened().incident, model=HOSTILE, summary=HOSTILE, action=HOSTILE, subjects=(HOSTILE, "b"))
    text = printed(io.StringIO(), replace(opened(), incident=incident))
    assert "\x1b" not in text
    assert "\r" not in text
    assert all(line.startswith("    ") for line in text.splitlines()[1:-1])


def test_a_closed_console_is_a_dead_letter() -> None:
    stream = io.StringIO()
    stream.close()
    with pytest.raises(DeliveryError) as caught:
        printed(stream)
    assert not caught.value.retryable
