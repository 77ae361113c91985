"""Time that is no reference: known events, and incidents that are open, were expected, or were a fault that was fixed.

In: a connection, a model's settings, spans. Out: the spans that are left. Kept: nothing; verdicts and the config are
read anew each time, so that a verdict taken back gives its days back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.engine import Connection

from detectors.result import Window
from detectors.trouble import Trouble
from monitor.settings import ModelSettings
from monitor.store import incidents
from monitor.windows import days, local_day

Span = tuple[datetime, datetime]
# Late labels and an unreadable log say nothing against the rows themselves.
_ABOUT_ROWS = (Trouble.DATA, Trouble.DRIFT, Trouble.SILENCE)


def incident_spans(connection: Connection, model: str) -> list[Span]:
    """The time of incidents that is no reference, as they stand now."""
    found = [one for one in incidents.left_out(connection, model) if one.trouble in _ABOUT_ROWS]
    return [one.span for one in found]


def without(spans: Sequence[Span], settings: ModelSettings, troubled: Sequence[Span] = ()) -> list[Span]:
    """The spans (days or hours, in order) that lie on no day of an event and touch none of the `troubled` spans."""
    return [
        (start, end)
        for start, end in spans
        if settings.event_on(local_day(start, settings.zone)) is None
        and not any(start < last and first < end for first, last in troubled)
    ]


def only_event(settings: ModelSettings, window: Window) -> str | None:
    """The known event a window lies in as a whole; None where any of its days is like others."""
    if not settings.events:
        return None
    names = [
        settings.event_on(local_day(start, settings.zone)) for start, _ in days(window.start, window.end, settings.zone)
    ]
    return names[0] if all(names) else None


def kept(settings: ModelSettings, start: datetime, end: datetime, troubled: Sequence[Span] = ()) -> list[Span]:
    """What is left of `[start, end)`: whole local days go, and what remains is joined into as few spans as it takes."""
    pieces = [(max(first, start), min(last, end)) for first, last in days(start, end, settings.zone)]
    joined: list[Span] = []
    for first, last in without(pieces, settings, troubled):
        if joined and joined[-1][1] == first:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return joined
