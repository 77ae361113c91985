"""From windows to incidents: what a stream would have raised.

In: a calibration and the sums of days. Out: which series are beyond on which day at which horizon, and the incidents.
Kept: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from detectors.calibration import Calibration

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
