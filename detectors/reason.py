"""A change of the mean prediction with everything that is told of it: attribution, segments, the worst part.

In: rows before and now as bins, a surrogate. Out: a `Reason`, which goes to plain JSON. Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from detectors.attribution import Attribution, attribute, weighted
from detectors.because import because, unexplained
from detectors.binning import BinArray
from detectors.grid import Grid
from detectors.result import DetectorError, FloatArray, IntArray
from detectors.segment import Parts, SegmentColumn, three_parts
from detectors.surrogate import Surrogate
from detectors.worst_segment import Found, Rows, worst_segment

ATTRIBUTION = "attribution"
"""The finding that holds a `Reason` in its detail."""
BECAUSE, UNEXPLAINED = "because", "unexplained"
"""Its details in words: what an alert begins with; how much the features leave open, where that is most of it."""
OF_LOSS = "loss"
"""Its detail that marks one of a mean loss."""
METHOD = "interventional Shapley values of an additive surrogate with pairs; attributed, not proven to be the cause"
_TERMS, _IMPORTANT = 8, 10


@dataclass(frozen=True, slots=True)
class Side:
    """Rows of one side: bins and values, days and segments."""

    rows: Rows
    segments: IntArray


@dataclass(frozen=True, slots=True)
class Reason:
    """What is told of a change. `sentence` is None where there is nothing to say; `worst` is in words.

    `drift`: each feature's distance from the reference (total variation, 0 to 1), by distance times importance;
    `weighted`: the mean of all, each weighing by its importance.
    """

    attribution: Attribution
    sentence: str | None
    segments: tuple[tuple[str, Parts], ...]
    worst: tuple[str, Found] | None
    share: bool
    drift: tuple[tuple[str, float], ...] = ()
    weighted: float = float("nan")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON: signed terms and a residual that add up to the change."""
        found = self.attribution
        told: dict[str, Any] = {
            "before": _short(found.before),
            "now": _short(found.now),
            "stderr": _short(found.stderr),
            "terms": [
                {"features": list(term.features), "points": _short(term.points), "percent": _short(found.percent(term))}
                for term in found.terms[:_TERMS]
            ],
            "other_terms": _short(sum(term.points for term in found.terms[_TERMS:])),
            "residual": _short(found.residual),
            "fit": _short(found.fit),
            "importance": [[name, _short(share)] for name, share in found.importance[:_IMPORTANT]],
            "drift": {
                "weighted": _short(self.weighted),
                "features": [[name, _short(distance)] for name, distance in self.drift[:_IMPORTANT]],
            },
            "unit": "share" if self.share else "number",
            "method": METHOD,
        }
        if self.sentence:
            told[BECAUSE] = self.sentence
            if left := unexplained(found):
                told[UNEXPLAINED] = left
        if self.segments:
            told["segments"] = [
                {
                    "column": name,
                    "mix": _short(float(parts.mix.sum())),
                    "within": _short(float(parts.within.sum())),
                    "interaction": _short(float(parts.interaction.sum())),
                }
                for name, parts in self.segments
            ]
        if self.worst is not None:
            label, part = self.worst
            told["worst_segment"] = {
                "segment": label,
                "share": _short(part.share),
                "before": _short(part.before),
                "now": _short(part.now),
                "pvalue": _short(part.pvalue),
                "looked_at": part.looked_at,
            }
        return told


def find_reason(
    grid: Grid,
    surrogate: Surrogate,
    before: Side,
    now: Side,
    measure: str,
    *,
    share: bool,
    importance: Mapping[str, float] | None = None,
) -> Reason:
    """Everything that is told of how the mean of `now.rows.values` differs from that of `before.rows.values`.

    `importance`: the user's own, by feature, told in place of the surrogate's. Raises DetectorError without rows.
    """
    if not len(before.rows.values) or not len(now.rows.values):
        raise DetectorError("a change takes rows before and now")
    error = float(np.hypot(_stderr(before.rows), _stderr(now.rows)))
    means = float(before.rows.values.mean()), float(now.rows.values.mean())
    found = attribute(surrogate, now.rows.bins, *means, error)
    if importance:
        total = sum(importance.values())
        ranked = sorted(importance.items(), key=lambda each: -each[1])
        own = tuple((name, weight / total) for name, weight in ranked)
        found = Attribution(found.before, found.now, found.terms, found.residual, found.n, found.fit, own, error)
    sentence = because(found, surrogate, grid, now.rows.bins, measure, share=share)
    parts = tuple((column.name, _split(column, before, now, place)) for place, column in enumerate(grid.segments))
    worst = worst_segment(surrogate.cuts, before.rows, now.rows, surrogate.importance) if sentence else None
    told = None if worst is None else (_label(grid, surrogate, worst), worst)
    return Reason(found, sentence, parts, told, share, *_drift(surrogate, now.rows.bins, dict(found.importance)))


def _drift(
    surrogate: Surrogate, bins: BinArray, importance: Mapping[str, float]
) -> tuple[tuple[tuple[str, float], ...], float]:
    """How far each feature has moved, what matters to the model first; and all of it as one number."""
    distance = np.empty(len(surrogate.cuts))
    for j, (cut, share) in enumerate(zip(surrogate.cuts, surrogate.shares, strict=True)):
        distance[j] = 0.5 * np.abs(np.bincount(bins[:, j], minlength=cut.bins) / len(bins) - share).sum()
    weight = np.array([importance.get(name, 0.0) for name in surrogate.names])
    first = np.lexsort((-distance, -distance * weight))
    return tuple((surrogate.names[j], float(distance[j])) for j in first), weighted(weight, distance)


def _split(column: SegmentColumn, before: Side, now: Side, place: int) -> Parts:
    count = len(column.labels)
    sides: list[FloatArray] = []
    for side in (before, now):
        codes = side.segments[:, place]
        rows = np.bincount(codes, minlength=count)
        sums = np.bincount(codes, weights=side.rows.values, minlength=count)
        sides.append(rows / max(len(codes), 1))
        sides.append(np.divide(sums, rows, out=np.full(count, np.nan), where=rows > 0))
    return three_parts(*sides)


def _stderr(rows: Rows) -> float:
    """Standard error of the mean, clustered by day where there are days enough to say how they vary."""
    n = len(rows.values)
    centred = rows.values - rows.values.mean()
    names, places = np.unique(rows.days, return_inverse=True)
    by_rows = float(centred.std() / np.sqrt(n))
    if len(names) < 3:
        return by_rows
    sums = np.bincount(places, weights=centred)
    return max(by_rows, float(np.sqrt(len(names) / (len(names) - 1) * (sums**2).sum()) / n))


def _label(grid: Grid, surrogate: Surrogate, worst: Found) -> str:
    cuts = surrogate.cuts
    return " and ".join(cuts[j].label(grid.columns[grid.index(cuts[j].name)], a, b) for j, a, b in worst.columns)


def _short(value: float | None) -> float | None:
    return float(f"{value:.5g}") if value is not None and np.isfinite(value) else None
