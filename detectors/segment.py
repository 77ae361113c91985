"""Segments: the values of a column, each judged like the whole.

In: reference rows of a segment column; then rows of any batch; then shares by segment. Out: which values are segments
of their own, each row's segment, and how much of a change is mix and how much is within. Kept: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from detectors.result import DetectorError, FloatArray, IntArray
from detectors.values import Family, coded, family_of, tally

OTHER = "(other)"
MOST_SEGMENTS = 20
LEAST_SHARE = 0.01
# From this share of the whole on, a segment or the mix is said to explain a change.
EXPLAINS = 0.8


@dataclass(frozen=True, slots=True)
class SegmentColumn:
    """A column whose values are segments: those with one of their own, most frequent first; the rest is `(other)`."""

    name: str
    values: tuple[str, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """`origin=LGA` for each of its segments, `origin=(other)` last."""
        return tuple(f"{self.name}={value}" for value in (*self.values, OTHER))

    def codes(self, array: pa.Array | pa.ChunkedArray | None, rows: int) -> IntArray:
        """Each row's segment, shape (rows,); rows without the column, or with no value, are in the last."""
        last = len(self.values)
        if array is None or family_of(array.type) in (Family.EMPTY, Family.UNUSABLE):
            return np.full(rows, last, dtype=np.int64)
        known = {value: place for place, value in enumerate(self.values)}
        texts, codes = coded(array)
        found: IntArray = np.array([known.get(str(text), last) for text in texts[:-1]] + [last], dtype=np.int64)[codes]
        return found


def fit_segments(name: str, array: pa.Array | pa.ChunkedArray | None) -> SegmentColumn:
    """The segments of a column: its values with 1% of the rows or more, twenty at most.

    Raises DetectorError where the reference has no such column, or values that cannot be told apart.
    """
    if array is None:
        raise DetectorError(f"the reference has no column {name!r} to make segments of")
    if family_of(array.type) is Family.UNUSABLE:
        raise DetectorError(f"values of {name!r} ({array.type}) cannot be segments")
    counts = {} if family_of(array.type) is Family.EMPTY else tally(array)[0]
    least = LEAST_SHARE * len(array)
    ranked = sorted((value for value in counts if counts[value] >= least), key=lambda value: (-counts[value], value))
    return SegmentColumn(name, tuple(ranked[:MOST_SEGMENTS]))


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a whole's rate, split over its segments: they add up to it.

    `mix[s]` is what comes of segment s being a larger or smaller part of the whole than it was, `within[s]` what comes
    of its own rate having changed; each of shape (segments,).
    """

    whole: float
    mix: FloatArray
    within: FloatArray

    def explanation(self, labels: tuple[str, ...], column: str) -> str | None:
        """In words: the segment, or the mix, that explains four fifths of the change or more; None if nothing does.

        `labels` are the segments', `column` the name of the column they are values of.
        """
        size = abs(self.whole)
        if not size:
            return None
        if abs(float(self.mix.sum())) >= EXPLAINS * size and float(self.mix.sum()) * self.whole > 0:
            return f"the mix of {column} changed, not what is inside its values"
        moved = self.within * np.sign(self.whole)
        first = int(np.argmax(moved))
        others = float(np.abs(self.within).sum() - abs(self.within[first]))
        if moved[first] >= EXPLAINS * size and others <= (1.0 - EXPLAINS) * size:
            return f"all of it is {labels[first]}" if moved[first] >= 0.95 * size else f"most of it is {labels[first]}"
        return None


def split_change(weights: FloatArray, rates: FloatArray, now_weights: FloatArray, now_rates: FloatArray) -> Change:
    """Split the change of a rate over segments, exactly.

    All arrays have shape (segments,); `weights` are each segment's share of the whole and add up to 1, a rate of an
    empty segment (NaN) counts as unchanged. The whole's rate is sum(weights * rates) before and after. Mix is valued
    about the former whole, so that a segment that grows explains something only if it differs from the rest.
    Source: Kitagawa 1955, with the reference's rates for the mix and the present weights for what is within.
    """
    before = np.where(np.isnan(rates), np.where(np.isnan(now_rates), 0.0, now_rates), rates)
    after = np.where(np.isnan(now_rates), before, now_rates)
    former = float(weights @ before)
    return Change(
        float(now_weights @ after) - former, (now_weights - weights) * (before - former), now_weights * (after - before)
    )


@dataclass(frozen=True, slots=True)
class Parts:
    """A change of a whole's mean in three parts, each by segment, shape (segments,); all of them add up to it.

    `mix`: segments weigh otherwise, at their former means; `within`: their means changed, at their former weights;
    `interaction`: both at once.
    """

    mix: FloatArray
    within: FloatArray
    interaction: FloatArray

    @property
    def whole(self) -> float:
        """The change of the whole."""
        return float(self.mix.sum() + self.within.sum() + self.interaction.sum())


def three_parts(weights: FloatArray, means: FloatArray, now_weights: FloatArray, now_means: FloatArray) -> Parts:
    """Split the change of a mean over segments into mix, within and interaction, exactly; arrays as `split_change`'s.

    Source: Kitagawa 1955; Oaxaca 1973, Blinder 1973 (threefold).
    """
    before = np.where(np.isnan(means), np.where(np.isnan(now_means), 0.0, now_means), means)
    after = np.where(np.isnan(now_means), before, now_means)
    former = float(weights @ before)
    heavier, higher = now_weights - weights, after - before
    return Parts(heavier * (before - former), weights * higher, heavier * higher)
