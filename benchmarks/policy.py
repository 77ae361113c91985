"""From windows to incidents: what a stream would have raised.

In: what was learned, and the sums of days. Out: which series are beyond on which day at which horizon, and the
incidents. Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from detectors.calibration import Calibration, Scores
from detectors.learned_parts import LearnedParts
from detectors.profile import Profile
from detectors.result import IntArray

CLEAN = 3
MONTH = 30.0


@dataclass(frozen=True)
class Outcome:
    """`openings`: days on which an incident opened; `open`: whether one was, shape (days,)."""

    openings: list[int]
    open: np.ndarray

    @property
    def rate(self) -> float:
        """Openings in 30 days that were not in alarm."""
        quiet = len(self.open) - int(self.open.sum()) + len(self.openings)
        return len(self.openings) / max(quiet, 1) * MONTH

    @property
    def alarmed(self) -> float:
        """Share of days in alarm."""
        return float(self.open.mean())


def scan(
    calibration: Calibration, sums: IntArray, weekdays: IntArray, horizons: tuple[int, ...], first: int = 0
) -> dict[int, NDArray[np.bool_]]:
    """For each horizon, which series are beyond in the window that ends with each day: shape (days, J).

    A window that begins before the first day is not judged, nor is one that ends before day `first`.
    """
    found = {horizon: np.zeros((len(sums), len(calibration.views)), np.bool_) for horizon in horizons}
    for horizon, scores in scored(calibration, sums, weekdays, horizons, first):
        found[horizon][len(sums) - len(scores.beyond) :] = scores.beyond
    return found


def scored(
    calibration: Calibration, sums: IntArray, weekdays: IntArray, horizons: tuple[int, ...], first: int = 0
) -> Iterator[tuple[int, Scores]]:
    """The scores of the windows of each horizon that fits, in order of their last days; the last ends with the last."""
    for horizon in horizons:
        start = max(first - horizon + 1, 0)
        if len(sums) - start < horizon:
            continue
        windows = np.moveaxis(sliding_window_view(sums[start:], horizon, axis=0), -1, 1)
        yield horizon, calibration.score_sums(windows, sliding_window_view(weekdays[start:], horizon))


def sums_of(learned: LearnedParts, profiles: Sequence[Profile]) -> list[np.ndarray]:
    """The sums of some days, shape (days, width), of the whole and then of each segment that was learned."""
    return [
        np.array([one.views.sums(profile if place is None else profile.segment(place)) for profile in profiles])
        for place, one in learned.each()
    ]


def under_budgets(
    learned: LearnedParts,
    budgets: Sequence[float],
    sums: Sequence[IntArray],
    weekdays: IntArray,
    horizons: tuple[int, ...],
) -> dict[float, Outcome]:
    """What each of some budgets would have raised. Scores do not depend on the budget: windows are scored once."""
    bad = {budget: np.zeros(len(weekdays), np.bool_) for budget in budgets}
    thresholds = {budget: [one.threshold for _, one in learned.within(budget).each()] for budget in budgets}
    for place, ((_, one), part) in enumerate(zip(learned.each(), sums, strict=True)):
        for _, scores in scored(one, part, weekdays, horizons):

            def beyond(threshold: float, scores: Scores = scores, one: Calibration = one) -> NDArray[np.bool_]:
                with np.errstate(invalid="ignore"):
                    return (np.abs(scores.score) > threshold) & one.active & (scores.lower >= scores.floor)

            if not np.array_equal(beyond(one.threshold), scores.beyond):
                raise AssertionError("what is beyond depends on more than the threshold: score each budget by itself")
            for budget in budgets:
                now = beyond(thresholds[budget][place]).any(axis=1)
                bad[budget][len(bad[budget]) - len(now) :] |= now
    return {budget: openings(each) for budget, each in bad.items()}


def incidents(beyond: dict[int, np.ndarray], clean: int = CLEAN) -> Outcome:
    """One incident for everything that is beyond; over after `clean` days on which nothing is, at any horizon."""
    return openings(np.any([part.any(axis=1) for part in beyond.values()], axis=0), clean)


def openings(bad: NDArray[np.bool_], clean: int = CLEAN) -> Outcome:
    """The incidents of days in alarm, `bad` of shape (days,); each is over after `clean` days that are not."""
    open_, opened, quiet = np.zeros(len(bad), np.bool_), [], clean
    for day, is_bad in enumerate(bad.tolist()):
        if is_bad:
            if quiet >= clean:
                opened.append(day)
            quiet = 0
        else:
            quiet += 1
        open_[day] = quiet < clean
    return Outcome(opened, open_)
