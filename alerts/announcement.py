"""What is said beside incidents: reports, digests, word about silences, retraining requests, tests, our own troubles.

In: what it is about, as plain values. Out: a frozen `Message`. Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from alerts.message import LONGEST_LINE, LONGEST_NAME, LONGEST_TITLE, Attachment, Line, Link, Message, Tone
from alerts.text import said
from detectors.result import iso


def report_message(
    *,
    name: str,
    title: str,
    summary: str,
    at: datetime,
    lines: Sequence[str] = (),
    html: str | None = None,
    attachments: Sequence[Attachment] = (),
    url: str | None = None,
) -> Message:
    """A report that is ready: a title, a few lines of text, and the pages themselves where a channel can carry them."""
    return Message(
        kind="report",
        event="ready",
        tone=Tone.INFO,
        title=said(title, LONGEST_TITLE),
        summary=said(summary, LONGEST_LINE) if summary != title else "",
        conversation=said(title, LONGEST_TITLE),
        at=at,
        lines=tuple(Line("", said(line, LONGEST_LINE)) for line in lines),
        links=(Link("Open the report", url),) if url else (),
        data={"type": "report", "name": name, "title": title, "summary": summary, "lines": list(lines), "url": url},
        html=html,
        attachments=tuple(attachments),
    )


def notice_message(kind: Literal["digest", "notice"], payload: Mapping[str, Any], at: datetime) -> Message:
    """A digest, or word about a silence; the payload is what `digest` or `noticing` built."""
    return Message(
        kind=kind,
        event="ready" if kind == "digest" else "ending",
        tone=Tone.INFO,
        title=said(payload["title"], LONGEST_TITLE),
        summary=said(payload["summary"], LONGEST_LINE),
        conversation=said(payload["title"], LONGEST_TITLE),
        at=at,
        lines=tuple(Line("", said(line, LONGEST_LINE)) for line in payload["lines"]),
        data={"type": kind, **payload},
    )


def trial_message(channel: str, at: datetime, *, public_url: str | None = None) -> Message:
    """What `driftline alerts test CHANNEL` sends."""
    text = f"If you can read this, the channel {channel} works. Nothing is wrong with any model."
    return Message(
        kind="test",
        event="sent",
        tone=Tone.INFO,
        title="A test message from Driftline",
        summary=text,
        conversation="A test message from Driftline",
        at=at,
        links=(Link("Open Driftline", public_url),) if public_url else (),
        data={"type": "test", "channel": channel, "at": iso(at), "summary": text},
    )


def own_message(title: str, summary: str, tone: Tone, at: datetime) -> Message:
    """Something about Driftline itself, told beside all queues."""
    return Message(
        kind="own",
        event="state",
        tone=tone,
        title=said(title, LONGEST_TITLE),
        summary=said(summary, LONGEST_LINE),
        conversation="Driftline's own state",
        at=at,
        data={"type": "own", "title": title, "summary": summary, "at": iso(at)},
        urgent=tone is Tone.CRITICAL,
    )


def trigger_message(payload: Mapping[str, Any], at: datetime) -> Message:
    """A request to retrain; the payload is what `triggers.policy` built."""
    model, reasons = said(str(payload["model"]), LONGEST_NAME), [str(reason) for reason in payload["reasons"]]
    return Message(
        kind="trigger",
        event="requested",
        tone=Tone.INFO,
        title=said(f"Retraining of {model} requested", LONGEST_TITLE),
        summary=said("; ".join(reasons), LONGEST_LINE),
        conversation=said(f"{model}: retraining", LONGEST_TITLE),
        at=at,
        facts=(Line("Model", f"{model}, version {payload['version']}"), Line("Trigger", str(payload["trigger"]))),
        data=payload,
    )
