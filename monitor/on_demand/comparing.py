"""Two versions of a model side by side over one period.

In: a log with labels, a grid, two versions, a span. Out: a `Comparison`: what they were asked, what they said and how
well. Kept: nothing. Read once from the log, on the older version's grid, so that both are counted alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from math import hypot, isfinite
from typing import Any

import numpy as np

from detectors.columns import ColumnKind, Role
from detectors.performance import MEASURES, measure
from detectors.profile import Profile
from detectors.result import iso
from detectors.total_variation import total_variation
from monitor.performance.outcomes import read_outcomes
from monitor.prediction_log.base import LabelSource, PredictionLog
from monitor.profiling.rows import by_version, times_of
from monitor.reference.rows import watched
from monitor.settings import ModelSettings
from monitor.store.baselines import Baseline

# Twice the standard error of a difference: beyond it the two are told as different.
_APART = 2.0
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One measure of both; `stderr` that of the difference (None: not known). `note`: which is better, or unsure."""

    measure: str
    old: float | None
    new: float | None
    stderr: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two versions over `[start, end)`. `together`: both served in it, so that they met the same days."""

    model: str
    old: str
    new: str
    start: datetime
    end: datetime
    together: bool
    lines: tuple[Line, ...]

    def to_json(self) -> dict[str, Any]:
        """One JSON object."""
        return {
            "type": "version_comparison",
            "model": self.model,
            "old": self.old,
            "new": self.new,
            "start": iso(self.start),
            "end": iso(self.end),
            "together": self.together,
            "measures": [
                {"measure": e.measure, "old": e.old, "new": e.new, "stderr": e.stderr, "note": e.note}
                for e in self.lines
            ],
        }


def compare_versions(
    log: PredictionLog,
    labels: LabelSource | None,
    model: str,
    settings: ModelSettings,
    baseline: Baseline,
    versions: tuple[str, str],
    span: tuple[datetime, datetime],
    now: datetime,
) -> Comparison:
    """Compare `versions` (old, new) over `span`, with the labels received by `now`. Raises LogError."""
    start, end = span
    profiles = {version: Profile.empty(baseline.grid) for version in versions}
    days: dict[str, set[int]] = {version: set() for version in versions}
    stamp, by = settings.columns.timestamp, settings.columns.version
    parts = [part.name for part in baseline.grid.segments]
    names = dict.fromkeys([stamp, *([by] if by else []), *watched(settings, log.schema()), *parts])
    for batch in log.batches(start, end, list(names)):
        for version, rows, times in by_version(batch, times_of(batch, stamp), by):
            if version in profiles and rows.num_rows:
                profiles[version] = profiles[version] + baseline.grid.profile(rows)
                days[version] |= set(np.unique(times // 86_400_000_000).tolist())
    old, new = (profiles[version] for version in versions)
    lines = [Line("rows", float(old.rows), float(new.rows)), *_inputs(old, new), *_outputs(old, new)]
    if labels is not None and settings.columns.id is not None:
        lines += _performance(log, labels, settings, versions, span, now)
    together = bool(days[versions[0]] & days[versions[1]])
    return Comparison(model, *versions, start, end, together, tuple(lines))


def _inputs(old: Profile, new: Profile) -> Iterator[Line]:
    """The features in which what they were asked differs most: where it is much, their figures cannot be compared."""
    if not old.rows or not new.rows:
        return
    apart = total_variation(old, new)
    features = [j for j, c in enumerate(old.grid.columns) if c.role is Role.FEATURE and isfinite(apart.value[j])]
    for j in sorted(features, key=lambda j: -apart.value[j])[:_SHOWN]:
        value = float(apart.value[j])
        note = "asked otherwise" if value >= 0.1 else "asked alike"
        yield Line(f"rows apart in {old.grid.columns[j].name}", None, value, None, note)


def _outputs(old: Profile, new: Profile) -> Iterator[Line]:
    if not old.rows or not new.rows:
        return
    (mean, spread), (now, now_spread) = old.moments(), new.moments()
    for j, column in enumerate(old.grid.columns):
        if column.is_output:
            n, m = max(int(old.valid[j]), 1), max(int(new.valid[j]), 1)
            error = float(hypot(spread[j] / np.sqrt(n), now_spread[j] / np.sqrt(m)))
            yield _line(f"mean {column.name}", float(mean[j]), float(now[j]), error, None)
        elif column.role is Role.PREDICTION and column.kind is ColumnKind.CATEGORY:
            first, second = old.column(column.name), new.column(column.name)
            for place, value in enumerate(column.values[:_SHOWN]):
                before, after = float(first.shares[place]), float(second.shares[place])
                error = hypot(
                    (before * (1 - before) / max(first.valid, 1)) ** 0.5,
                    (after * (1 - after) / max(second.valid, 1)) ** 0.5,
                )
                label = "one class" if column.private else value[:60]
                yield _line(f"rate of {column.name} = {label}", before, after, error, None)


def _performance(
    log: PredictionLog,
    labels: LabelSource,
    settings: ModelSettings,
    versions: tuple[str, str],
    span: tuple[datetime, datetime],
    now: datetime,
) -> Iterator[Line]:
    outcomes = read_outcomes(log, labels, settings, *span, now)
    if any(version not in outcomes or not outcomes[version].labelled for version in versions):
        return
    old, new = (outcomes[version] for version in versions)
    yield Line("labelled rows", float(old.labelled), float(new.labelled))
    if settings.task == "binary":
        rates = [float(np.mean(side.label == 1)) for side in (old, new)]
        sizes = [rate * (1 - rate) / side.labelled for rate, side in zip(rates, (old, new), strict=True)]
        yield _line("true rate", rates[0], rates[1], sum(sizes) ** 0.5, None)
    first, second = (measure(settings.task, side.label, side.score, side.prediction) for side in (old, new))
    for name, one in first.items():
        other = second.get(name)
        if other is not None and isfinite(one.value) and isfinite(other.value):
            known = MEASURES[name]
            yield _line(known.title, one.value, other.value, hypot(one.stderr, other.stderr), known.higher_is_better)


def _line(name: str, old: float, new: float, error: float, higher_is_better: bool | None) -> Line:
    if not all(map(isfinite, (old, new))):
        return Line(name, None, None)
    if not isfinite(error):
        return Line(name, old, new)
    if abs(new - old) <= _APART * error:
        return Line(name, old, new, error, "no clear difference")
    better = higher_is_better is not None and (new > old) == higher_is_better
    note = "" if higher_is_better is None else "better" if better else "worse"
    return Line(name, old, new, error, note or ("higher" if new > old else "lower"))
