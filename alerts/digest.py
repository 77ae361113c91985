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
    models: int = 1


def write(post: Post, entries: Sequence[Entry]) -> None:
    """One intent for each channel's digest."""
    for channel in dict.fromkeys(entry.channel for entry in entries):
        ours = [entry for entry in entries if entry.channel == channel]
        stream = f"digest:{channel}:{iso(post.now)}"
        intents.add(
            post.conn, kind="digest", stream=stream, payload=payload(ours), at=post.now, channels=[channel], key=stream
        )


def payload(entries: Sequence[Entry]) -> dict[str, Any]:
    """The digest as plain JSON: how many of each, and a line for the worst."""
    over = [entry for entry in entries if entry.event.incident.resolved]
    still = sorted(
        (entry for entry in entries if not entry.event.incident.resolved),
        key=lambda one: (-one.event.incident.severity.rank, one.event.incident.opened_at),
    )
    counts = [f"{len(still)} open" if still else "", f"{len(over)} over" if over else ""]
    shown = [*still, *over][:_LINES]
    lines = [_line(entry) for entry in shown]
    if len(entries) > len(shown):
        lines.append(f"and {len(entries) - len(shown)} more; driftline incidents list shows all")
    return {
        "title": f"Digest of incidents: {', '.join(part for part in counts if part)}",
        "summary": "",
        "lines": lines,
        "incidents": [entry.event.to_json() for entry in (*still, *over)],
    }


def _line(entry: Entry) -> str:
    incident = entry.event.incident
    word = "over" if incident.resolved else incident.severity.value
    where = incident.model if entry.models < 2 else f"{entry.models} models"
    return said(f"{word}: {where}: {incident.summary} ({incident.id})", _LINE)
