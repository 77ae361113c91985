"""The digest: what is not urgent enough for a message of its own, once a day or a week.

In: what one channel is to hear of several incidents. Out: one intent a channel. Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alerts import intents
from alerts.freezing import Post
from alerts.incident import IncidentEvent
from alerts.text import said
from detectors.result import iso

# With title and counts, ten lines.
_LINES = 8
_LINE = 300


@dataclass(frozen=True, slots=True)
class Entry:
    """What a digest of one channel is to say of one incident."""

    channel: str
    event: IncidentEvent


def write(post: Post, entries: Sequence[Entry]) -> None:
    """One intent for each channel's digest."""
    for channel in dict.fromkeys(entry.channel for entry in entries):
        ours = [entry.event for entry in entries if entry.channel == channel]
        stream = f"digest:{channel}:{iso(post.now)}"
        intents.add(
            post.conn, kind="digest", stream=stream, payload=payload(ours), at=post.now, channels=[channel], key=stream
        )


def payload(events: Sequence[IncidentEvent]) -> dict[str, Any]:
    """The digest as plain JSON: how many of each, and a line for the worst."""
    over = [event for event in events if event.incident.resolved]
    still = sorted(
        (event for event in events if not event.incident.resolved),
        key=lambda one: (-one.incident.severity.rank, one.incident.opened_at),
    )
    counts = [f"{len(still)} open" if still else "", f"{len(over)} over" if over else ""]
    shown = [*still, *over][:_LINES]
    lines = [_line(event) for event in shown]
    if len(events) > len(shown):
        lines.append(f"and {len(events) - len(shown)} more: `driftline incidents list`")
    return {
        "title": f"Digest of incidents: {', '.join(part for part in counts if part)}",
        "summary": "",
        "lines": lines,
        "incidents": [event.to_json() for event in (*still, *over)],
    }


def _line(event: IncidentEvent) -> str:
    incident = event.incident
    word = "over" if incident.resolved else incident.severity.value
    return said(f"{word}: {incident.model}: {incident.summary} ({incident.id})", _LINE)
