"""One problem of one model over time: the values, and what a person may do with it.

In: plain values. Out: frozen `Incident` and `IncidentEvent`, both to and from plain JSON.
Kept: nothing; `lifecycle.py` moves incidents on, the store keeps them.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from alerts.errors import IncidentError
from detectors.diagnosis import Trouble
from detectors.result import Severity, Window, iso


class State(StrEnum):
    """Where an incident stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Verdict(StrEnum):
    """What a person found out when closing an incident by hand."""

    FIXED = "fixed"
    EXPECTED = "expected"
    ACCEPTED = "accepted"
    FALSE_ALARM = "false alarm"


class Change(StrEnum):
    """What happened to an incident. `reopened` is reported as `opened`, with `"reopened": true` beside it."""

    OPENED = "opened"
    UPDATED = "updated"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    REOPENED = "reopened"


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
    windows follow.
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
    def breaches(self) -> int:
        """How many windows of its shortest horizon have breached."""
        return self.tracks[self.horizons[0]].breaches

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
            resolved_at=_moment(data["resolved_at"]) if data["resolved_at"] else None,
            acknowledged_at=_moment(data["acknowledged_at"]) if data["acknowledged_at"] else None,
            actor=data["actor"],
            verdict=Verdict(data["verdict"]) if data["verdict"] else None,
            reopened=data["reopened"],
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
            "event": (Change.OPENED if self.event is Change.REOPENED else self.event).value,
            "id": self.incident.id,
            "model": self.incident.model,
            "at": iso(self.at),
            "severity": self.incident.severity.value,
            "diagnosis": self.incident.diagnosis,
            "subjects": list(self.incident.subjects),
            "summary": self.incident.summary,
        }
        if self.event is Change.REOPENED:
            data["reopened"] = True
        return data


def acknowledge(incident: Incident, actor: str, at: datetime) -> IncidentEvent:
    """Someone has taken it on. Raises IncidentError if it is not open."""
    if incident.state is not State.OPEN:
        raise IncidentError(f"incident {incident.id} is {incident.state.value}; only an open one can be acknowledged")
    changed = replace(incident, state=State.ACKNOWLEDGED, acknowledged_at=at, updated_at=at, actor=actor)
    return IncidentEvent(Change.ACKNOWLEDGED, changed, at, f"acknowledged by {actor}")


def close(incident: Incident, verdict: Verdict, actor: str, at: datetime) -> IncidentEvent:
    """Someone has closed it with a verdict. Raises IncidentError if it is over already."""
    if incident.resolved:
        raise IncidentError(f"incident {incident.id} is resolved already")
    changed = replace(incident, state=State.RESOLVED, resolved_at=at, updated_at=at, actor=actor, verdict=verdict)
    return IncidentEvent(Change.RESOLVED, changed, at, f"closed by {actor} as {verdict.value}")


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


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)
