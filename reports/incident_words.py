"""What an incident's page says in words: how it stands, what was sent.

In: an `IncidentPage`. Out: plain sentences, not yet escaped. Kept: nothing.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from reports.figures import State
from reports.incident import IncidentPage, Measured
from reports.wording import duration, plain, plural

NAME = 80


def title(page: IncidentPage) -> str:
    """What it is, and where: "Data bug in flight-delay"."""
    what = page.record.diagnosis or "trouble"
    return f"{what[:1].upper()}{what[1:]} in {page.model}"


def look(page: IncidentPage) -> State:
    """The state whose shape and colour the page begins with."""
    if page.record.state == "resolved":
        return State.OK
    return State.BREACH if page.record.severity == "critical" else State.WATCH


def chip(page: IncidentPage) -> str:
    """Severity and state in two or three words: "Critical · open", "Over · closed as fixed"."""
    record = page.record
    if record.state == "resolved":
        return f"Over · closed as {record.closing}" if record.closing else "Over"
    return f"{record.severity.capitalize()} · {record.state}"


def standing(page: IncidentPage) -> str:
    """How long it has lasted, who has taken it on, what it turned out to be."""
    record, by = page.record, f" by {plain(page.actor, NAME)}" if page.actor else ""
    end = record.resolved_at or page.generated_at
    lasted = _between(record.opened_at, end)
    said = []
    if record.state == "resolved":
        said.append(f"Over after {lasted}.")
        if record.closing:
            said.append(f"Closed{by} as {record.closing}{f': {page.follows}' if page.follows else ''}.")
        else:
            said.append("Nobody has said yet what it was.")
    elif record.state == "standing":
        said.append(f"It has lasted {lasted} and is no longer repeated; it stays in the reports until it is over.")
    else:
        said.append(f"Open for {lasted}.")
    if page.acknowledged_at is not None:
        took = "" if record.state == "resolved" and record.closing else by
        said.append(f"Acknowledged{took} after {_between(record.opened_at, page.acknowledged_at)}.")
    elif record.state == "open":
        said.append("Nobody has acknowledged it yet.")
    if page.reopened:
        said.append(f"It came back {plural(page.reopened, 'time')} after it was resolved.")
    return " ".join(said)


def sent(page: IncidentPage) -> str:
    """What was said to whom, in a sentence."""
    if not page.notices:
        return "Nothing has been said of it to anyone."
    arrived = Counter(notice.channel for notice in page.notices if notice.state is State.OK)
    lost = [notice for notice in page.notices if notice.state is State.BREACH]
    held = [notice for notice in page.notices if notice.state is State.MISSING]
    said = [f"{plural(n, 'message')} to {plain(name, NAME)}" for name, n in arrived.items()]
    parts = [", ".join(said) if said else "no message arrived"]
    if lost:
        parts.append(f"{len(lost)} could not be delivered")
    if held:
        parts.append(f"{len(held)} not sent by itself")
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."


def times_limit(measured: Measured) -> float | None:
    """How many times its limit a figure is; None where nothing tells."""
    figure = measured.figure
    size = figure.value if figure.effect is None else figure.effect
    return None if size is None or not measured.tolerance else abs(size) / abs(measured.tolerance)


def _between(start: datetime, end: datetime) -> str:
    return duration(max((end - start).total_seconds(), 0.0) / 60)
