"""What an alert says, before any channel gives it a form.

In: an incident event (or a report, a test, a retraining request). Out: a frozen `Message` every renderer starts from.
Kept: nothing. Texts are one bounded line each, and may hold anything a column or a category is called: escaping is the
renderer's duty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal
from zoneinfo import ZoneInfo

from alerts.conversation import names
from alerts.incident import Change, Incident, IncidentEvent, State, window_json
from alerts.text import said
from alerts.verdicts import choices, what_follows
from alerts.wording import duration_text, moment_text, text_of, window_text
from detectors.conclusion import Conclusion
from detectors.performance import MEASURES
from detectors.registry import Unit, entry_of
from detectors.result import Severity, iso
from detectors.trouble import Trouble

_MOST = 10
_SHOWN = 3
_MODELS = 6
_SPARED = ("Also changed", "Ruled out")
_URGENT = (Change.OPENED, Change.REOPENED, Change.ESCALATED)
_SUBJECTS = 6
LONGEST_TITLE, LONGEST_LINE, LONGEST_NAME = 200, 700, 80
_TROUBLES = {
    Trouble.DATA: "data problem",
    Trouble.DRIFT: "drift",
    Trouble.PERFORMANCE: "performance",
    Trouble.SILENCE: "silence",
    Trouble.BLIND: "monitor blind",
    Trouble.CHANNEL: "channel dead",
    Trouble.LABELS: "labels",
}


class Tone(StrEnum):
    """How it is coloured."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"
    GOOD = "good"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure, ready to show: what was measured on what, before, after, and its limit.

    `value` is the measure itself, empty where `after` says the same; `measure` is empty where `subject` does.
    """

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
class Picture:
    """A chart: PNG bytes, its size in CSS pixels, what it shows in words, and where it is served (None: nowhere)."""

    png: bytes = field(repr=False)
    width: int
    height: int
    alt: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """The content of one alert.

    `conversation` names what it belongs to and never changes over an incident's life (a mail's subject);
    `change` says in one line what this message adds; `data` is the JSON a machine gets.
    In this order it is at most ten lines: title, summary, `facts`, `figures` (three, or as many as there is room for),
    `lines`, links.
    """

    kind: Literal["incident", "report", "trigger", "test", "own", "digest", "notice"]
    event: str
    tone: Tone
    title: str
    summary: str
    conversation: str
    at: datetime
    change: str = ""
    facts: tuple[Line, ...] = ()
    lines: tuple[Line, ...] = ()
    figures: tuple[Figure, ...] = ()
    more_figures: int = 0
    links: tuple[Link, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    urgent: bool = False
    html: str | None = None
    attachments: tuple[Attachment, ...] = ()
    picture: Picture | None = None


def incident_message(
    event: IncidentEvent,
    *,
    links: Sequence[Link] = (),
    missed: Sequence[str] = (),
    fleet: Sequence[Incident] = (),
    picture: Picture | None = None,
) -> Message:
    """What to say about a change of an incident; `missed` are the reasons of earlier changes told along with it.

    `fleet`: every incident it stands for, itself among them, where several models have the same. `links` are ours;
    `picture` is a chart of it.
    """
    incident = event.incident
    facts = _facts(incident, fleet)
    room = _MOST - 2 - len(facts) - bool(links)
    lines = _fitting(_lines(event), room - (not incident.resolved))
    figures, more = ((), 0) if incident.resolved else _figures(incident, min(_SHOWN, room - len(lines)))
    # A fleet's conversation is named after its first model, whichever of them is shown.
    lead = next(iter(fleet), incident)
    return Message(
        kind="incident",
        event=event.event.value,
        tone=Tone.GOOD if incident.resolved else Tone(incident.severity.value),
        title=said(_title(event, fleet), LONGEST_TITLE),
        summary=said(f"It was: {incident.summary}" if incident.resolved else incident.summary, LONGEST_LINE),
        conversation=f"{said(lead.model, LONGEST_NAME)}: {_TROUBLES[lead.trouble]} ({lead.id})",
        at=event.at,
        change=said("; ".join([*missed, event.reason]), LONGEST_LINE),
        facts=facts,
        lines=lines,
        figures=figures,
        more_figures=more,
        links=tuple(links),
        data={**event.to_json(), "detail": _detail(incident, event, fleet)},
        urgent=incident.severity is Severity.CRITICAL and event.event in _URGENT,
        picture=picture,
    )


def _title(event: IncidentEvent, fleet: Sequence[Incident]) -> str:
    incident = event.incident
    still = [one for one in fleet if not one.resolved] or fleet
    where = f"{len(still)} models" if len(still) > 1 else said(incident.model, LONGEST_NAME)
    # That nothing is known of the harm is no headline: then the kind of trouble is.
    name = _TROUBLES[incident.trouble] if incident.diagnosis == Conclusion.UNKNOWN else incident.diagnosis
    what = f"{name} in {where}"
    if event.event is Change.RESOLVED:
        return f"Resolved: {what}"
    word = {
        Change.REOPENED: f"{incident.severity.value.capitalize()} again",
        Change.ACKNOWLEDGED: "Acknowledged",
        Change.STANDING: "Standing",
        Change.REMINDED: f"Still {incident.severity.value}",
        Change.ESCALATED: f"{incident.severity.value.capitalize()}, not acknowledged",
    }.get(event.event, incident.severity.value.capitalize())
    return f"{word}: {what}"


def _facts(incident: Incident, fleet: Sequence[Incident]) -> tuple[Line, ...]:
    """Which model or models, since when, seen when, in which window, on how many rows."""
    zone = ZoneInfo(incident.timezone)
    version = f", version {said(incident.version, LONGEST_NAME)}" if incident.version else ""
    owner = f", owner {said(incident.owner, LONGEST_NAME)}" if incident.owner else ""
    rows = max((int(figure["n"]) for figure in _current(incident)), default=0)
    since = f"{moment_text(incident.window.start, zone)}, seen {moment_text(incident.opened_at, zone)}"
    latest = f"latest window {window_text(incident.latest, zone)}" + (f", {rows:,} rows" if rows else "")
    if len(fleet) > 1:
        open_first = sorted(fleet, key=lambda one: (one.resolved, one.opened_at))
        listed = names([said(one.model, LONGEST_NAME) for one in open_first], _MODELS)
        over = sum(one.resolved for one in fleet)
        ended = f", over in {over}" if 0 < over < len(fleet) else ""
        model = Line("Models", f"{listed}{ended}, incident {incident.stream}")
    else:
        model = Line("Model", f"{said(incident.model, LONGEST_NAME)}{version}{owner}, incident {incident.id}")
    return model, Line("Since", f"{since}; {latest}")


def _lines(event: IncidentEvent) -> list[Line]:
    incident = event.incident
    lines = []
    affected = _affected(incident)
    if affected:
        lines.append(Line("Affected", affected))
    if incident.also and not incident.resolved:
        lines.append(Line("Also changed", said(_also(incident.also), LONGEST_LINE)))
    if not incident.resolved:
        lines += [
            Line(label, said(text, LONGEST_LINE))
            for label, text in (("Cost", incident.cost), ("Ruled out", incident.ruled_out))
            if text
        ]
        lines.append(Line("Look first", said(incident.action, LONGEST_LINE)))
        if incident.state is State.ACKNOWLEDGED:
            lines.append(Line("Then", said(choices(incident), LONGEST_LINE)))
    elif incident.resolved_at is not None:
        lasted = duration_text(incident.resolved_at - incident.opened_at)
        follows = what_follows(incident)
        how = f"{event.reason}; {follows}" if follows else event.reason
        lines.append(Line("Over", said(f"after {lasted}: {how}", LONGEST_LINE)))
    return lines


def _fitting(lines: Sequence[Line], most: int) -> tuple[Line, ...]:
    """The lines, without those that can be spared where there are too many."""
    kept = list(lines)
    for label in _SPARED:
        if len(kept) > most:
            kept = [line for line in kept if line.label != label]
    return tuple(kept)


def _affected(incident: Incident) -> str:
    """Which columns, where they are more than the figures show, and which segments."""
    told = (str(figure["segment"]) for figure in _current(incident) if figure["segment"])
    segments = dict.fromkeys(said(segment, LONGEST_NAME) for segment in told)
    subjects = [said(subject, LONGEST_NAME) for subject in incident.subjects]
    parts = [names(subjects, _SUBJECTS) if len(subjects) > _SHOWN else "", names(tuple(segments), _SHOWN)]
    return ", where ".join(parts) if all(parts) else "".join(parts)


def _also(subjects: Sequence[str]) -> str:
    """Columns listed beside those that alarm, with false-discovery control over all that are named."""
    named = names([said(subject, LONGEST_NAME) for subject in subjects], _SUBJECTS)
    return f"{named} (less sure: of all columns named, one in ten may be chance)"


def shown_figure(incident: Incident) -> Mapping[str, Any] | None:
    """The strongest figure of its latest windows: what a picture of it shows."""
    return next(iter(_current(incident)), None)


def _current(incident: Incident) -> list[Mapping[str, Any]]:
    """The figures of the latest windows, where there are any: what is over needs no line."""
    newest = max((str(figure["end"]) for figure in incident.evidence), default="")
    return [figure for figure in incident.evidence if figure["end"] == newest]


def _figures(incident: Incident, most: int) -> tuple[tuple[Figure, ...], int]:
    """The strongest figure of each subject (of each measure, for performance), `most` of them, and how many more."""
    strongest: dict[tuple[str, str, str], Mapping[str, Any]] = {}
    for figure in _current(incident):
        measure = str(figure["detector"]) if incident.trouble is Trouble.PERFORMANCE else ""
        strongest.setdefault((str(figure["subject"]), str(figure["segment"] or ""), measure), figure)
    shown = [_figure(figure) for figure in strongest.values()][:most]
    return tuple(shown), max(0, len(strongest) - most)


def _figure(figure: Mapping[str, Any]) -> Figure:
    name, statistic, effect = str(figure["detector"]), figure["statistic"], figure["effect"]
    subject, segment = said(str(figure["subject"]), LONGEST_NAME), said(str(figure["segment"] or ""), LONGEST_NAME)
    before, after = said(text_of(figure["before"]), LONGEST_NAME), said(text_of(figure["after"]), LONGEST_NAME)
    if name in MEASURES and statistic is not None and effect is not None:
        measure = MEASURES[name]
        sign = 1.0 if measure.higher_is_better else -1.0
        usual = statistic / (1.0 - sign * effect) if measure.relative else statistic + sign * effect
        show: Callable[[float], str] = Unit.SHARE.show if measure.relative else text_of
        moved = f"{'fell' if measure.higher_is_better else 'rose'} by {show(effect)}"
        value = f"{show(effect)} further from 0" if measure.signed else moved
        title, before, after = measure.title, before or _level(usual), after or _level(statistic)
    elif (detector := entry_of(name)) is not None:
        title, show = detector.title, detector.unit.show
        value = _shown(statistic, show)
    else:
        title, show = name.replace("_", " "), Unit.SHARE.show if name == "volume" else text_of
        value = _shown(statistic, show)
    # Nothing is said twice: "62%, missing 62%", "AUC: AUC fell".
    value, title = "" if value == after else value, "" if title == subject else title
    return Figure(subject, title, value, _shown(figure["threshold"], show), before, after, segment)


def _level(value: float) -> str:
    """A measure beside another of its kind: as many decimals as it."""
    return f"{value:.3f}" if abs(value) < 10 else text_of(value)


def _shown(value: float | None, show: Callable[[float], str]) -> str:
    return "" if value is None else show(value)


def _detail(incident: Incident, event: IncidentEvent, fleet: Sequence[Incident]) -> dict[str, Any]:
    """What a machine gets beside the contract's object."""
    models = [{"model": one.model, "incident": one.id, "state": one.state.value} for one in fleet]
    return {
        **({"fleet": models} if models else {}),
        "version": incident.version,
        "owner": incident.owner,
        "kind": incident.trouble.value,
        "state": incident.state.value,
        "action": incident.action,
        "cost": incident.cost,
        "ruled_out": incident.ruled_out,
        "reason": event.reason,
        "opened_at": iso(incident.opened_at),
        "resolved_at": iso(incident.resolved_at) if incident.resolved_at else None,
        "verdict": incident.verdict.value if incident.verdict else None,
        "window": window_json(incident.window),
        "latest": window_json(incident.latest),
        "baseline": incident.baseline_id,
        "also": list(incident.also),
        "accepted_from": iso(incident.accepted_from) if incident.accepted_from else None,
        "figures": [dict(figure) for figure in incident.evidence],
    }
