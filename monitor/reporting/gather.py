"""Everything stored about one model that a report of a period needs, read once.

In: a connection, a model's settings, a period. Out: `Gathered`. Kept: nothing. The prediction log is not touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy.engine import Connection

from alerts.incident import Incident
from detectors.profile import Profile
from detectors.reason import ATTRIBUTION
from detectors.result import Finding, Kind
from monitor.promise import watched_days
from monitor.reporting.importance import Importance, importance_of
from monitor.settings import ModelSettings
from monitor.store import baselines, evaluations, incidents, profiles, versions
from monitor.store.baselines import Baseline
from monitor.store.evaluations import Evaluation, Past
from monitor.store.profiles import SlotState
from monitor.windows import Aspect, days
from reports.context import Period

WEEKS = 8
Judged = TypeVar("Judged", Evaluation, Past)
_JUDGING = timedelta(hours=1)  # that judging the last window may take
_LENGTHS = {"1h": 1, "1d": 24, "7d": 168, "28d": 672}


@dataclass(frozen=True, slots=True)
class Gathered:
    """One model's stored facts. Evaluations are oldest first, newest revision each: `inputs` those of the period,
    `performance` those of the last eight weeks, `history` what a series needs of the inputs of eight weeks.

    `incidents` and `timeline` are what was known of them at `known_at`, soon after the period, whatever has become of
    them since. `baseline` is that of the version that served last; `production` that version's rows of the period on
    its grid (None: no baseline or no rows); `watched_days` is how much of the period the model was watched.
    """

    model: str
    settings: ModelSettings
    period: Period
    inputs: tuple[Evaluation, ...]
    history: tuple[Past, ...]
    performance: tuple[Evaluation, ...]
    skipped: tuple[Evaluation, ...]
    incidents: tuple[Incident, ...]
    timeline: tuple[tuple[str, str, datetime, str], ...]
    versions: dict[str, tuple[datetime, datetime]]
    baselines: dict[str, Baseline]
    baseline: Baseline | None
    production: Profile | None
    slots: tuple[SlotState, ...]
    watched_days: float
    known_at: datetime
    importance: Importance = field(default_factory=Importance)

    def light(self) -> Gathered:
        """The same without what only the model's own page needs, for the totals over all models."""
        return replace(
            self,
            inputs=(),
            history=(),
            performance=(),
            timeline=(),
            baselines={},
            baseline=None,
            production=None,
            slots=(),
        )

    @property
    def opened(self) -> list[Incident]:
        """The incidents opened in the period, or since it ended and before it was looked at; each in one period only.

        Windows are judged after they end: what the last day of a period shows is seen on the day after.
        """
        lag = self.known_at - self.period.end
        start, end = self.period.start + lag, self.period.end + lag
        return [one for one in self.incidents if start < one.opened_at <= end]

    def of_horizon(self, which: Sequence[Judged], horizon: str) -> list[Judged]:
        """The evaluations of one horizon, batch runs being one horizon, "run"."""
        return [one for one in which if name_of(one) == horizon]

    def in_period(self, which: Sequence[Judged]) -> list[Judged]:
        """Those whose window ended in the period."""
        return [one for one in which if self.period.start < one.window.end <= self.period.end]

    @property
    def steady(self) -> str:
        """The horizon that series are drawn in: the shortest of a day or more, "run" for batch models."""
        return _pick({name_of(one) for one in self.history}, shortest=True)

    @property
    def summary(self) -> str:
        """The horizon that a week is summed up in: 7d where it is judged, else the steady one."""
        names = {name_of(one) for one in self.history}
        return "7d" if "7d" in names else self.steady


def name_of(evaluation: Evaluation | Past) -> str:
    """The horizon's name; "run" for every run of a batch model."""
    return evaluation.window.horizon.partition(":")[0]


def _pick(names: set[str], *, shortest: bool) -> str:
    known = sorted((_LENGTHS[name], name) for name in names if _LENGTHS.get(name, 0) >= 24)
    if known:
        return known[0 if shortest else -1][1]
    return "run" if "run" in names else "1h" if names else "1d"


def gather(
    connection: Connection,
    model: str,
    settings: ModelSettings,
    period: Period,
    known_at: datetime | None = None,
    since: datetime | None = None,
) -> Gathered:
    """Read what is stored about a model for a report of `period`, its series from `since` on (eight weeks).

    `known_at` is when its incidents are looked at, by default when the period's last window has been judged.
    """
    since = since or period.end - timedelta(weeks=WEEKS)
    known_at = max(known_at or period.end, period.end + settings.settle + _JUDGING)
    told = list(evaluations.find(connection, model, start=since, end=period.end, done=False, findings=False))
    of_inputs = [one for one in told if one.aspect is Aspect.INPUTS and one.status == evaluations.DONE]
    # Hours are many, and no series shows them beyond the period.
    names = {name_of(one) for one in of_inputs} - {"1h"}
    inputs = tuple(evaluations.find(connection, model, start=period.start, end=period.end, aspect=Aspect.INPUTS))
    before = evaluations.past(connection, model, since, period.start, names, _pick(names, shortest=True))
    known = versions.versions(connection, model)
    served = [version for version, (first, _) in known.items() if first < period.end]
    bases = {v: b for v in served if (b := baselines.current(connection, model, v)) is not None}
    newest = max((v for v in served if known[v][1] >= period.start), key=lambda v: known[v][1], default=None)
    baseline = bases.get(newest) if newest is not None else None
    production = None
    if baseline is not None:
        spans = list(days(period.start, period.end, settings.zone))
        total = profiles.total(connection, model, baseline.version, baseline.grid, spans, [])
        production = total if total.rows else None
    return Gathered(
        model=model,
        settings=settings,
        period=period,
        inputs=inputs,
        history=(*before, *(evaluations.past_of(one) for one in inputs)),
        performance=tuple(evaluations.find(connection, model, start=since, end=period.end, aspect=Aspect.PERFORMANCE)),
        skipped=tuple(one for one in told if one.status == evaluations.SKIPPED and one.window.end > period.start),
        incidents=tuple(
            one for one in incidents.as_of(connection, model, since, known_at) if one.window.start < period.end
        ),
        timeline=tuple(incidents.timeline(connection, model=model, start=since, end=known_at)),
        versions=known,
        baselines=bases,
        baseline=baseline,
        production=production,
        slots=tuple(profiles.slot_states(connection, model, since, period.end).values()),
        watched_days=watched_days(connection, model, period.start, period.end),
        known_at=known_at,
        importance=importance_of(connection, settings, baseline),
    )


def kinds(evaluation: Evaluation, *wanted: Kind) -> list[Finding]:
    """The findings of some kinds that are about a subject (not about the model as a whole), in all rows of it."""
    return [
        finding
        for finding in evaluation.findings
        if finding.kind in wanted
        and finding.segment is None
        and "reason" not in finding.detail
        and finding.detector != ATTRIBUTION
    ]
