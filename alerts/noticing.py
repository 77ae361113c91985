"""Word that a silence is about to end, while it can still be extended.

In: a write transaction, silences near their end. Out: an intent for each that holds something back. Kept: nothing.
"""

from __future__ import annotations

from alerts import deliveries, intents, silences
from alerts.freezing import Post
from alerts.incident import Incident
from alerts.outbox import event_of
from alerts.routing import Silence, decide
from alerts.text import said
from detectors.result import iso

_LINES = 6


def announce(post: Post) -> None:
    """Tell those who are about to hear what a silence has held back; a silence that holds back nothing ends quietly."""
    for silence in silences.to_notice(post.conn, post.now):
        held: list[Incident] = []
        channels: dict[str, None] = dict.fromkeys(silence.notify)
        for stream in intents.muted_by(post.conn, silence.id):
            told = {name for name, what in deliveries.heard(post.conn, stream).items() if what.told}
            for member in intents.members(post.conn, stream).values():
                incident = event_of(member.newest.payload).incident
                if incident.resolved:
                    continue
                held.append(incident)
                if not silence.notify:
                    channels |= dict.fromkeys(
                        decide(incident, post.outlet.routes, (), post.now, member.served & told).channels
                    )
        if held and channels:
            _write(post, silence, held, list(channels))


def _write(post: Post, silence: Silence, held: list[Incident], channels: list[str]) -> None:
    mutes = ", ".join(f"{key}={value}" for key, values in silence.matchers.items() for value in values)
    shown = [said(f"{one.severity.value}: {one.model}: {one.summary} ({one.id})", 300) for one in held[:_LINES]]
    if len(held) > _LINES:
        shown.append(f"and {len(held) - _LINES} more")
    many = "incident it holds back is" if len(held) == 1 else "incidents it holds back are"
    payload = {
        "title": f"Silence {silence.id} ends at {silence.ends_at:%H:%M} UTC: {len(held)} {many} still open",
        "summary": f"{mutes}, by {silence.author} ({silence.reason}). "
        f"To extend it: driftline silence extend {silence.id} --for 4h",
        "lines": shown,
        "silence": silence.id,
        "ends_at": iso(silence.ends_at),
        "incidents": [one.id for one in held],
    }
    key = f"silence:{silence.id}:{iso(silence.ends_at)}"
    intents.add(post.conn, kind="notice", stream=key, payload=payload, at=post.now, channels=channels, key=key)
