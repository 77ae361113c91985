"""From windows to incidents: what a stream would have raised.

In: what was learned, and the sums of days. Out: which series are beyond on which day at which horizon, and the
incidents. Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from detectors.calibration import Calibration
from detectors.learned_parts import LearnedParts
from detectors.profile import Profile

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
    calibration: Calibration, sums: np.ndarray, weekdays: np.ndarray, horizons: tuple[int, ...]
) -> dict[int, np.ndarray]:
    """For each horizon, which series are beyond in the window that ends with each day: shape (days, J).

    A window that begins before the first day is not judged.
    """
    found = {}
    for horizon in horizons:
        beyond = np.zeros((len(sums), len(calibration.views)), np.bool_)
        if len(sums) >= horizon:
            windows = np.moveaxis(sliding_window_view(sums, horizon, axis=0), -1, 1)
            scores = calibration.score_sums(windows, sliding_window_view(weekdays, horizon))
            beyond[horizon - 1 :] = scores.beyond
        found[horizon] = beyond
    return found


def parts_of(learned: LearnedParts) -> list[tuple[int | None, Calibration]]:
    """The calibrations of the whole (None) and of each segment, by its place."""
    return [(None, learned.whole), *learned.segments.items()]


def sums_of(learned: LearnedParts, profiles: Sequence[Profile]) -> list[np.ndarray]:
    """The sums of some days, shape (days, width), of the whole and then of each segment that was learned."""
    return [
        np.array([one.views.sums(profile if place is None else profile.segment(place)) for profile in profiles])
        for place, one in parts_of(learned)
    ]


def scan_parts(
    learned: LearnedParts, sums: Sequence[np.ndarray], weekdays: np.ndarray, horizons: tuple[int, ...]
) -> dict[int, np.ndarray]:
    """`scan` of the whole and each segment, their series side by side."""
    each = [scan(one, part, weekdays, horizons) for (_, one), part in zip(parts_of(learned), sums, strict=True)]
    return {horizon: np.concatenate([part[horizon] for part in each], axis=1) for horizon in horizons}


def incidents(beyond: dict[int, np.ndarray], clean: int = CLEAN) -> Outcome:
    """One incident for everything that is beyond; over after `clean` days on which nothing is, at any horizon."""
    bad = np.any([part.any(axis=1) for part in beyond.values()], axis=0)
    open_, openings, quiet = np.zeros(len(bad), np.bool_), [], clean
    for day, is_bad in enumerate(bad.tolist()):
        if is_bad:
            if quiet >= clean:
                openings.append(day)
            quiet = 0
        else:
            quiet += 1
        open_[day] = quiet < clean
    return Outcome(openings, open_)
