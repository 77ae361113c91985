"""One problem of one model over time: the values.

In: plain values. Out: frozen `Incident` and `IncidentEvent`, both to and from plain JSON.
Kept: nothing; `lifecycle.py` and `by_hand.py` move incidents on, the store keeps them.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from detectors.result import Severity, Window, iso
from detectors.trouble import Trouble

# The reason of a change that opens an incident again because somebody wants it so begins with this.
BY_HAND = "reopened by "


class State(StrEnum):
    """Where an incident stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    STANDING = "standing"
    RESOLVED = "resolved"


class Verdict(StrEnum):
    """What a person found out when closing an incident by hand."""

    FIXED = "fixed"
    EXPECTED = "expected"
    ACCEPTED = "accepted"
    FALSE_ALARM = "false alarm"


class Change(StrEnum):
    """What happened to an incident.

    `reopened` is reported as `opened` with `"reopened": true` beside it; `standing`, `reminded` and `escalated` (that
    it was said again, or to others) as `updated`, with themselves beside it.
    """

    OPENED = "opened"
    UPDATED = "updated"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    STANDING = "standing"
    REMINDED = "reminded"
    ESCALATED = "escalated"


# The contract's consumers know four events.
_REPORTED_AS = {
    Change.REOPENED: Change.OPENED,
    Change.STANDING: Change.UPDATED,
    Change.REMINDED: Change.UPDATED,
    Change.ESCALATED: Change.UPDATED,
}


@dataclass(frozen=True, slots=True)
class Track:
    """What one horizon has said about an incident.

    `first` and `last` are the ends of the first and the latest window that breached, `until` the end of the latest
    window that counted either way, `breaches` the windows that breached, `clean` the clean ones since the last breach;
    `own` tells that it found something no shorter horizon had.
    """

    first: datetime
    last: datetime
    until: datetime
    breaches: int = 1
    clean: int = 0
    own: bool = False


@dataclass(frozen=True, slots=True)
class Incident:
    """One problem of one model.

    `window` is the first that breached, `latest` the most recent; `tracks` holds one entry a horizon that breached
    ("run" stands for all runs of a batch model); `evidence` is a bounded list of plain JSON figures, strongest first;
    `told` is the worst figure its readers have been told of, as a multiple of its limit; `timezone` is the clock its
    windows follow. `stretch` is the end of the window that opened it or brought it back, `easing` how many windows in a
    row have been far better than what was told. `cause` is the incident that explains it: then it is recorded, and not
    told by itself. `lead` is the first incident of a fleet with the same in other models: they are told together.
    `judged_at` is when somebody gave the `verdict` (the moment it was closed, or later); `accepted_from` is where the
    new normal begins, for one that was accepted. `also` names further columns that changed, listed with false-discovery
    control: no alarm of their own.
    `source` tells the log it was found in from another. `cost` says what it is expected to cost, `ruled_out` what else
    was looked at and is as usual.
    """

    id: str
    model: str
    version: str
    owner: str | None
    trouble: Trouble
    diagnosis: str
    severity: Severity
    state: State
    subjects: tuple[str, ...]
    summary: str
    action: str
    opened_at: datetime
    updated_at: datetime
    window: Window
    latest: Window
    tracks: Mapping[str, Track]
    evidence: tuple[Mapping[str, Any], ...] = ()
    told: float | None = None
    baseline_id: str = ""
    timezone: str = "UTC"
    resolved_at: datetime | None = None
    acknowledged_at: datetime | None = None
    actor: str | None = None
    verdict: Verdict | None = None
    reopened: int = 0
    stretch: datetime | None = None
    easing: int = 0
    cause: str | None = None
    lead: str | None = None
    judged_at: datetime | None = None
    accepted_from: datetime | None = None
    also: tuple[str, ...] = ()
    source: str = ""
    cost: str = ""
    ruled_out: str = ""

    @property
    def stream(self) -> str:
        """What its messages belong to: the fleet's first incident, or itself."""
        return self.lead or self.id

    @property
    def resolved(self) -> bool:
        """Whether it is over."""
        return self.state is State.RESOLVED

    @property
    def horizons(self) -> tuple[str, ...]:
        """The horizons that breached, shortest first."""
        return tuple(sorted(self.tracks, key=horizon_hours))

    @property
    def seen_until(self) -> datetime:
        """End of the latest window that counted either way; grace runs from here."""
        return max(track.until for track in self.tracks.values())

    @property
    def span(self) -> tuple[datetime, datetime]:
        """The time that breached: from the first window of its shortest horizon to the end of the latest."""
        shortest = self.horizons[0]
        track = self.tracks[shortest]
        if horizon_name(self.window) == shortest:
            return self.window.start, track.last
        return track.first - timedelta(hours=horizon_hours(shortest)), track.last

    @property
    def breaches(self) -> int:
        """How many windows have breached since it opened or came back, of the horizon that breached most."""
        return max(track.breaches for track in self.tracks.values())

    def to_json(self) -> dict[str, Any]:
        """Plain JSON that `from_json` reads back unchanged."""
        return {
            "id": self.id,
            "model": self.model,
            "version": self.version,
            "owner": self.owner,
            "trouble": self.trouble.value,
            "diagnosis": self.diagnosis,
            "severity": self.severity.value,
            "state": self.state.value,
            "subjects": list(self.subjects),
            "summary": self.summary,
            "action": self.action,
            "opened_at": iso(self.opened_at),
            "updated_at": iso(self.updated_at),
            "window": window_json(self.window),
            "latest": window_json(self.latest),
            "tracks": {
                horizon: {
                    "first": iso(track.first),
                    "last": iso(track.last),
                    "until": iso(track.until),
                    "breaches": track.breaches,
                    "clean": track.clean,
                    "own": track.own,
                }
                for horizon, track in self.tracks.items()
            },
            "evidence": [dict(figure) for figure in self.evidence],
            "told": self.told,
            "baseline_id": self.baseline_id,
            "timezone": self.timezone,
            "resolved_at": _iso(self.resolved_at),
            "acknowledged_at": _iso(self.acknowledged_at),
            "actor": self.actor,
            "verdict": self.verdict.value if self.verdict else None,
            "reopened": self.reopened,
            "stretch": _iso(self.stretch),
            "easing": self.easing,
            "cause": self.cause,
            "lead": self.lead,
            "judged_at": _iso(self.judged_at),
            "accepted_from": _iso(self.accepted_from),
            "also": list(self.also),
            "source": self.source,
            "cost": self.cost,
            "ruled_out": self.ruled_out,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Incident:
        """The incident `to_json` wrote. Raises KeyError or ValueError on anything else."""
        return cls(
            id=data["id"],
            model=data["model"],
            version=data["version"],
            owner=data["owner"],
            trouble=Trouble(data["trouble"]),
            diagnosis=data["diagnosis"],
            severity=Severity(data["severity"]),
            state=State(data["state"]),
            subjects=tuple(data["subjects"]),
            summary=data["summary"],
            action=data["action"],
            opened_at=_moment(data["opened_at"]),
            updated_at=_moment(data["updated_at"]),
            window=window_of(data["window"]),
            latest=window_of(data["latest"]),
            tracks={
                horizon: Track(
                    first=_moment(track["first"]),
                    last=_moment(track["last"]),
                    until=_moment(track["until"]),
                    breaches=track["breaches"],
                    clean=track["clean"],
                    own=track["own"],
                )
                for horizon, track in data["tracks"].items()
            },
            evidence=tuple(dict(figure) for figure in data["evidence"]),
            told=data["told"],
            baseline_id=data["baseline_id"],
            timezone=data["timezone"],
            resolved_at=_maybe(data["resolved_at"]),
            acknowledged_at=_maybe(data["acknowledged_at"]),
            actor=data["actor"],
            verdict=Verdict(data["verdict"]) if data["verdict"] else None,
            reopened=data["reopened"],
            # Incidents of earlier versions of Driftline have none of these.
            stretch=_maybe(data.get("stretch")),
            easing=data.get("easing", 0),
            cause=data.get("cause"),
            lead=data.get("lead"),
            judged_at=_maybe(data.get("judged_at")),
            accepted_from=_maybe(data.get("accepted_from")),
            also=tuple(data.get("also", ())),
            source=data.get("source", ""),
            cost=data.get("cost", ""),
            ruled_out=data.get("ruled_out", ""),
        )


@dataclass(frozen=True, slots=True)
class IncidentEvent:
    """One change of an incident worth telling: the incident after it, when, and why."""

    event: Change
    incident: Incident
    at: datetime
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """The contract's JSON object (`{"type": "incident", …}`)."""
        data: dict[str, Any] = {
            "type": "incident",
            "event": _REPORTED_AS.get(self.event, self.event).value,
            "id": self.incident.id,
            "model": self.incident.model,
            "at": iso(self.at),
            "severity": self.incident.severity.value,
            "diagnosis": self.incident.diagnosis,
            "subjects": list(self.incident.subjects),
            "summary": self.incident.summary,
        }
        if self.event in _REPORTED_AS:
            data[self.event.value] = True
        return data


def incident_id(model: str, version: str, trouble: Trouble, window: Window) -> str:
    """A short id that a replay of the same history gives again: 10 letters and digits, none mistaken for another."""
    text = "\0".join((model, version, trouble.value, window.horizon, iso(window.start)))
    code = base64.b32encode(hashlib.sha256(text.encode()).digest()).decode().lower()
    return code[:10].translate(str.maketrans("lo", "89"))


def horizon_name(window: Window) -> str:
    """The horizon a window is tracked under: its own, or "run" for every run of a batch model."""
    return "run" if window.horizon.startswith("run:") else window.horizon


def horizon_hours(horizon: str) -> float:
    """How long a horizon is, in hours; a batch run counts as longer than none and shorter than any other."""
    if horizon == "run":
        return 0.5
    return int(horizon[:-1]) * {"h": 1, "d": 24, "w": 168}[horizon[-1]]


def window_json(window: Window) -> dict[str, str]:
    """A window as the contract writes it."""
    return {"horizon": window.horizon, "start": iso(window.start), "end": iso(window.end)}


def window_of(data: Mapping[str, str]) -> Window:
    """The window `window_json` wrote."""
    return Window(data["horizon"], _moment(data["start"]), _moment(data["end"]))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _maybe(text: str | None) -> datetime | None:
    return _moment(text) if text else None


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)
