"""What a config would have raised over a stretch of the past, in the figures by which a budget is chosen.

In: a config, what is to be otherwise in it, the outcomes of a replay. Out: configs, and one `Raised` a model.
Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from alerts.incident import Change, Incident
from detectors.result import Status, iso
from monitor.config import Config
from monitor.cycle import Outcome
from monitor.settings import DetectorSettings

_DAY = timedelta(days=1)
_MONTH = 30
_RAISED = (Change.OPENED, Change.REOPENED)


@dataclass(frozen=True, slots=True)
class Raised:
    """What one model would have raised: `openings` counts each incident and each time one came back.

    `days` is the length of the stretch, `days_in_alarm` how much of it an incident was open; `incidents` are as they
    stood at its end, in the order they opened; those told with their cause count nowhere.
    """

    model: str
    days: float
    windows: int = 0
    breaches: int = 0
    openings: int = 0
    days_in_alarm: float = 0.0
    first: datetime | None = None
    incidents: tuple[Incident, ...] = ()

    @property
    def subjects(self) -> tuple[str, ...]:
        """What was named in any alarm, in the order it was."""
        return tuple(dict.fromkeys(subject for incident in self.incidents for subject in incident.subjects))

    @property
    def a_month(self) -> float | None:
        """Openings in 30 days that were not in alarm; None where there was no such time."""
        quiet = self.days - self.days_in_alarm
        return self.openings * _MONTH / quiet if quiet > 0.0 else None

    def to_json(self) -> dict[str, Any]:
        """The figures as one JSON object, without type and config."""
        return {
            "model": self.model,
            "days": round(self.days, 3),
            "windows": self.windows,
            "breaches": self.breaches,
            "openings": self.openings,
            "openings_per_30_quiet_days": None if self.a_month is None else round(self.a_month, 3),
            "days_in_alarm": round(self.days_in_alarm, 3),
            "first": None if self.first is None else iso(self.first),
            "subjects": list(self.subjects),
            "incidents": [incident.id for incident in self.incidents],
        }


@dataclass
class Count:
    """Outcomes of a replay, counted as they come."""

    start: datetime
    end: datetime
    _events: dict[str, list[tuple[datetime, Change, Incident]]] = field(default_factory=dict)
    _windows: dict[str, int] = field(default_factory=dict)
    _breaches: dict[str, int] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        """Count one outcome."""
        model = outcome.model
        self._windows[model] = self._windows.get(model, 0) + len(outcome.evaluations)
        found = (f.status is Status.BREACH for one in outcome.evaluations for f in one.findings)
        self._breaches[model] = self._breaches.get(model, 0) + sum(found)
        self._events.setdefault(model, []).extend((e.at, e.event, e.incident) for e in outcome.events)

    def raised(self, models: Iterable[str]) -> list[Raised]:
        """The figures of each model, in the order given."""
        return [self._raised(model) for model in models]

    def _raised(self, model: str) -> Raised:
        latest: dict[str, Incident] = {}
        since: dict[str, datetime] = {}
        spans: list[tuple[datetime, datetime]] = []
        openings, first = 0, None
        for at, event, incident in self._events.get(model, []):
            if incident.cause is not None:
                continue
            latest[incident.id] = incident
            if event in _RAISED:
                openings, first = openings + 1, first or at
                since.setdefault(incident.id, at)
            if incident.resolved and incident.id in since:
                spans.append((since.pop(incident.id), at))
        spans += [(at, self.end) for at in since.values()]
        return Raised(
            model=model,
            days=(self.end - self.start) / _DAY,
            windows=self._windows.get(model, 0),
            breaches=self._breaches.get(model, 0),
            openings=openings,
            days_in_alarm=_covered(spans) / _DAY,
            first=first,
            incidents=tuple(latest.values()),
        )


def with_budget(config: Config, models: Iterable[str], budget: str) -> Config:
    """The config with another false-alarm budget for these models, whatever they or their routes say."""
    return _changed(config, models, {"false_alarms": budget})


def with_thresholds(config: Config, models: Iterable[str], thresholds: Mapping[str, float]) -> Config:
    """The config with fixed thresholds alone: these, and the detectors' own where none is given."""
    chosen: Config = config
    for model in models:
        detectors = dict(config.settings.models[model].detectors)
        for name, threshold in thresholds.items():
            detectors[name] = detectors.get(name, DetectorSettings()).model_copy(
                update={"threshold": threshold, "enabled": True}
            )
        chosen = _changed(chosen, [model], {"false_alarms": None, "detectors": detectors})
    return chosen


def _changed(config: Config, models: Iterable[str], update: Mapping[str, Any]) -> Config:
    known = dict(config.settings.models)
    known |= {name: known[name].model_copy(update=dict(update)) for name in models}
    return replace(config, settings=config.settings.model_copy(update={"models": known}))


def _covered(spans: Sequence[tuple[datetime, datetime]]) -> timedelta:
    """How much time spans cover that may overlap."""
    total, until = timedelta(0), None
    for start, end in sorted(spans):
        begin = start if until is None or start > until else until
        if end > begin:
            total += end - begin
            until = end
    return total
