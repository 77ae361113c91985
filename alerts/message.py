"""What an alert says, before any channel gives it a form.

In: an incident event (or a report, a test, a retraining request). Out: a frozen `Message` every renderer starts from.
Kept: nothing. The texts may hold anything a column or a category is called: escaping is the renderer's duty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal
from zoneinfo import ZoneInfo

from alerts.incident import Change, Incident, IncidentEvent, Verdict, window_json
from detectors.diagnosis import Trouble
from detectors.performance import MEASURES
from detectors.registry import DETECTORS, Unit
from detectors.result import Severity, Window, iso

_SHOWN = 3
_SUBJECTS = 6
_TROUBLES = {
    Trouble.DATA: "data problem",
    Trouble.DRIFT: "drift",
    Trouble.PERFORMANCE: "performance",
    Trouble.SILENCE: "silence",
    Trouble.BLIND: "monitor blind",
}


class Tone(StrEnum):
    """How it is coloured."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"
    GOOD = "good"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure, ready to show: what was measured on what, before, after, and its limit."""

    subject: str
    measure: str
    value: str
    limit: str
    before: str = ""
    after: str = ""
    segment: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a short label and what stands beside it."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Link:
    """A link; `url` is ours, never from data."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes along."""

    name: str
    content: bytes
    media_type: str = "text/html"


@dataclass(frozen=True, slots=True)
class Message:
    """The content of one alert.

    `conversation` names what it belongs to and never changes over an incident's life (a mail's subject);
    `change` says in one line what this message adds; `data` is the JSON a machine gets.
    Without figures it is at most ten lines: title, summary, `lines`, links.
    """

    kind: Literal["incident", "report", "trigger", "test"]
    event: str
    tone: Tone
    title: str
    summary: str
    conversation: str
    at: datetime
    change: str = ""
    lines: tuple[Line, ...] = ()
    figures: tuple[Figure, ...] = ()
    more_figures: int = 0
    links: tuple[Link, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    urgent: bool = False
    html: str | None = None
    attachments: tuple[Attachment, ...] = ()


def incident_message(event: IncidentEvent, *, public_url: str | None = None, missed: Sequence[str] = ()) -> Message:
    """What to say about a change of an incident; `missed` are the reasons of earlier changes told along with it."""
    incident = event.incident
    figures, more = _figures(incident)
    links = (Link("Open the incident", f"{public_url.rstrip('/')}/incidents/{incident.id}"),) if public_url else ()
    return Message(
        kind="incident",
        event=event.event.value,
        tone=Tone.GOOD if incident.resolved else Tone(incident.severity.value),
        title=_title(event),
        summary=incident.summary,
        conversation=f"{incident.model}: {_TROUBLES[incident.trouble]} ({incident.id})",
        at=event.at,
        change="; ".join([*missed, event.reason]),
        lines=tuple(_lines(event)),
        figures=figures,
        more_figures=more,
        links=links,
        data={**event.to_json(), "detail": _detail(incident, event)},
        urgent=incident.severity is Severity.CRITICAL and event.event in (Change.OPENED, Change.REOPENED),
    )


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
        title=title,
        summary=summary,
        conversation=title,
        at=at,
        lines=tuple(Line("", line) for line in lines),
        links=(Link("Open the report", url),) if url else (),
        data={"type": "report", "name": name, "title": title, "summary": summary, "lines": list(lines), "url": url},
        html=html,
        attachments=tuple(attachments),
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


def trigger_message(payload: Mapping[str, Any], at: datetime) -> Message:
    """A request to retrain; the payload is what `triggers.policy` built."""
    model, reasons = str(payload["model"]), [str(reason) for reason in payload["reasons"]]
    return Message(
        kind="trigger",
        event="requested",
        tone=Tone.INFO,
        title=f"Retraining of {model} requested",
        summary="; ".join(reasons),
        conversation=f"{model}: retraining",
        at=at,
        lines=(Line("Model", f"{model}, version {payload['version']}"), Line("Trigger", str(payload["trigger"]))),
        data=payload,
    )


def _title(event: IncidentEvent) -> str:
    incident = event.incident
    what = f"{incident.diagnosis} in {incident.model}"
    if event.event is Change.RESOLVED:
        return f"Resolved: {what}"
    word = {
        Change.REOPENED: f"{incident.severity.value.capitalize()} again",
        Change.ACKNOWLEDGED: "Acknowledged",
    }.get(event.event, incident.severity.value.capitalize())
    return f"{word}: {what}"


def _lines(event: IncidentEvent) -> list[Line]:
    incident = event.incident
    zone = ZoneInfo(incident.timezone)
    version = f", version {incident.version}" if incident.version else ""
    owner = f", owner {incident.owner}" if incident.owner else ""
    lines = [Line("Model", f"{incident.model}{version}{owner}, incident {incident.id}")]
    seen = f"seen {moment_text(incident.opened_at, zone)}"
    lines.append(Line("Since", f"{moment_text(incident.window.start, zone)}, {seen}"))
    rows = max((int(figure["n"]) for figure in _current(incident)), default=0)
    lines.append(Line("Window", window_text(incident.latest, zone) + (f", {rows:,} rows" if rows else "")))
    if len(incident.subjects) > 1:
        more = len(incident.subjects) - _SUBJECTS
        named = ", ".join(incident.subjects[:_SUBJECTS])
        lines.append(Line("Affected", named + (f" and {more} more" if more > 0 else "")))
    if not incident.resolved:
        lines.append(Line("Look first", incident.action))
    elif incident.resolved_at is not None:
        lasted = duration_text(incident.resolved_at - incident.opened_at)
        how = {None: event.reason, Verdict.FALSE_ALARM: f"{event.reason}; it counts against the budget"}
        lines.append(Line("Over", f"after {lasted}: {how.get(incident.verdict, event.reason)}"))
    return lines


def _current(incident: Incident) -> list[Mapping[str, Any]]:
    """The figures of the latest windows, where there are any: what is over needs no line."""
    newest = max((str(figure["end"]) for figure in incident.evidence), default="")
    return [figure for figure in incident.evidence if figure["end"] == newest]


def _figures(incident: Incident) -> tuple[tuple[Figure, ...], int]:
    """The strongest figure of each subject, three of them, and how many more subjects have one."""
    strongest: dict[tuple[str, str], Mapping[str, Any]] = {}
    for figure in _current(incident):
        strongest.setdefault((str(figure["subject"]), str(figure["segment"] or "")), figure)
    shown = [_figure(figure) for figure in strongest.values()][:_SHOWN]
    return tuple(shown), max(0, len(strongest) - _SHOWN)


def _figure(figure: Mapping[str, Any]) -> Figure:
    name, statistic, effect = str(figure["detector"]), figure["statistic"], figure["effect"]
    subject, segment = str(figure["subject"]), str(figure["segment"] or "")
    before, after = text_of(figure["before"]), text_of(figure["after"])
    if name in MEASURES and statistic is not None and effect is not None:
        measure = MEASURES[name]
        sign = 1.0 if measure.higher_is_better else -1.0
        usual = statistic / (1.0 - sign * effect) if measure.relative else statistic + sign * effect
        show: Callable[[float], str] = Unit.SHARE.show if measure.relative else text_of
        value = f"{'fell' if measure.higher_is_better else 'rose'} by {show(effect)}"
        title, before, after = measure.title, before or text_of(usual), after or text_of(statistic)
    elif name in DETECTORS:
        title, show = DETECTORS[name].title, DETECTORS[name].unit.show
        value = _shown(statistic, show)
    else:
        title, show = name.replace("_", " "), Unit.SHARE.show if name == "volume" else text_of
        value = _shown(statistic, show)
    return Figure(subject, title, value, _shown(figure["threshold"], show), before, after, segment)


def _shown(value: float | None, show: Callable[[float], str]) -> str:
    return "" if value is None else show(value)


def _detail(incident: Incident, event: IncidentEvent) -> dict[str, Any]:
    """What a machine gets beside the contract's object."""
    return {
        "version": incident.version,
        "owner": incident.owner,
        "kind": incident.trouble.value,
        "state": incident.state.value,
        "action": incident.action,
        "reason": event.reason,
        "opened_at": iso(incident.opened_at),
        "resolved_at": iso(incident.resolved_at) if incident.resolved_at else None,
        "verdict": incident.verdict.value if incident.verdict else None,
        "window": window_json(incident.window),
        "latest": window_json(incident.latest),
        "baseline": incident.baseline_id,
        "figures": [dict(figure) for figure in incident.evidence],
    }


def text_of(value: object) -> str:
    """A figure with the digits that matter (`0.312`, `1,204`), text as it is, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int) or (1000 <= abs(value) < 1e15):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def moment_text(moment: datetime, zone: ZoneInfo) -> str:
    """An instant on a reader's clock: `3 May 2013 00:00 EDT`."""
    local = moment.astimezone(zone)
    return f"{local.day} {local:%b %Y %H:%M} {_zone_name(local)}"


def window_text(window: Window, zone: ZoneInfo) -> str:
    """A window in words: `3 May 2013 (1d)`, `27 Apr to 3 May 2013 (7d)`, hours where it does not follow days."""
    first, end = window.start.astimezone(zone), window.end.astimezone(zone)
    name = f"run {window.horizon[4:]}" if window.horizon.startswith("run:") else window.horizon
    whole_days = not (first.hour or first.minute or end.hour or end.minute) and first.date() != end.date()
    if not whole_days:
        return f"{moment_text(window.start, zone)} to {end.day} {end:%b %H:%M} ({name})"
    last = end - timedelta(days=1)
    if first.date() == last.date():
        return f"{first.day} {first:%b %Y} ({name})"
    year = "" if first.year == last.year else f" {first.year}"
    return f"{first.day} {first:%b}{year} to {last.day} {last:%b %Y} ({name})"


def duration_text(span: timedelta) -> str:
    """`3 d 4 h`, `25 min`: two units at most."""
    minutes = max(0, int(span.total_seconds() // 60))
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [(days, "d"), (hours, "h"), (rest, "min")] if not days else [(days, "d"), (hours, "h")]
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "under a minute"


def _zone_name(local: datetime) -> str:
    name = local.tzname() or "UTC"
    return name if name.isalpha() else f"UTC{name}"
