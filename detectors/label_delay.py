"""How late labels come: the chance of being labelled by an age, learned from the labels that have come.

In: delays and ages of labelled rows, and the class each turned out to be of. Out: `LabelLaw`. Kept: nothing.

Only labels that have come are seen, so young rows show short delays alone. Read backwards this is no trouble: of the
rows old enough to have a label of age k or less, which share has one of age k - 1 or less? Multiplied together from the
oldest age down these shares are the distribution (Lagakos, Barraj & De Gruttola 1988; chain ladder to an actuary).
Early labels are not like late ones (a flight that lands early is known early), so each class has a law of its own, and
weighing labelled rows by one over their chance gives what all rows would (Horvitz & Thompson 1952), as far as delay
depends on age and class.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.result import FloatArray, IntArray

HOUR, DAY = 3600.0, 86400.0
SHARE = 0.99
LEAST_CHANCE = 0.05
FEWEST_LABELS = 50
FEWEST_OF_CLASS = 20
MOST_CLASSES = 20
# Of a log not much older than its labels' delay the late ones have not been seen.
_SEEN_LONGER = 1.25


@dataclass(frozen=True, slots=True, eq=False)
class LabelLaw:
    """`chance[g, k]`: of class g's labels, the share that came by the age `ages[k]` (seconds); shape (classes, ages).

    `classes` are the labels in order, `cuts` instead where labels are numbers (class g is between two of them).
    `complete_age` is the age by which 99% of each class have come: None where the log is too young to know.
    """

    ages: FloatArray
    chance: FloatArray
    classes: NDArray[np.generic] | None
    cuts: FloatArray | None
    complete_age: float | None
    labels: int

    def of(self, label: NDArray[np.generic], age: FloatArray) -> FloatArray:
        """The chance that a row with this label had it by its age, shape (rows,)."""
        group = _groups(label, self.classes, self.cuts)
        found = np.empty(len(age))
        for each in range(len(self.chance)):
            mine = group == each
            found[mine] = np.interp(age[mine], self.ages, self.chance[each], left=0.0)
        return found

    def least(self, age: FloatArray) -> FloatArray:
        """The chance of the class that comes latest, shape (rows,)."""
        each = np.stack([np.interp(age, self.ages, row, left=0.0) for row in self.chance])
        least: FloatArray = each.min(axis=0)
        return least


def learn_delay(
    label: NDArray[np.generic], delay: FloatArray, age: FloatArray, horizon: float, numbers: bool = False
) -> LabelLaw | None:
    """The law of labels that came `delay` seconds after their rows, which are `age` seconds old; None for too few.

    Arrays have shape (labelled,). Labels later than `horizon` seconds do not count. `numbers`: the labels are numbers,
    and their fifths take the place of classes.
    """
    usable = (delay <= age) & (delay <= horizon)
    label, delay, age = label[usable], np.maximum(delay[usable], 0.0), age[usable]
    if len(delay) < FEWEST_LABELS:
        return None
    classes, cuts = _classes(label, numbers)
    group = _groups(label, classes, cuts)
    ages = _ages(horizon)
    size = len(classes) if classes is not None else 1 if cuts is None else len(cuts) + 1
    chance = np.stack([_chance(delay[group == each], age[group == each], ages) for each in range(size)])
    reached = [ages[np.argmax(row >= SHARE)] for row in chance]
    complete = float(max(reached))
    known = float(age.max()) >= min(_SEEN_LONGER * complete, horizon)
    return LabelLaw(ages, chance, classes, cuts, complete if known else None, len(delay))


def _chance(delay: FloatArray, age: FloatArray, ages: FloatArray) -> FloatArray:
    count = len(ages)
    came = np.minimum(np.searchsorted(ages, delay), count - 1)
    old = np.searchsorted(ages, age, side="right") - 1
    table = np.zeros((count, count))
    np.add.at(table, (came, np.clip(old, 0, count - 1)), 1.0)
    # Row k: labels that came in bin k; column a: rows whose age has passed ages[a].
    by_age = np.cumsum(table[:, ::-1], axis=1)[:, ::-1]
    at = np.diag(by_age)
    by_then = np.cumsum(by_age, axis=0)
    until = np.diag(by_then)
    kept = 1.0 - np.divide(at, until, out=np.zeros(count), where=until > 0)
    later = np.append(kept[1:], 1.0)
    chance: FloatArray = np.cumprod(later[::-1])[::-1]
    return chance


def _ages(horizon: float) -> FloatArray:
    fine = np.concatenate((np.arange(0, 48), np.arange(48, 168, 6), np.arange(168, 24 * 400, 24))) * HOUR
    return np.append(fine[fine < horizon], horizon)


def _classes(label: NDArray[np.generic], numbers: bool) -> tuple[NDArray[np.generic] | None, FloatArray | None]:
    if numbers:
        cuts = np.unique(np.quantile(label.astype(np.float64), [0.2, 0.4, 0.6, 0.8]))
        return None, cuts
    names, counts = np.unique(label, return_counts=True)
    common = names[counts >= FEWEST_OF_CLASS]
    return (common, None) if 0 < len(common) <= MOST_CLASSES else (None, None)


def _groups(label: NDArray[np.generic], classes: NDArray[np.generic] | None, cuts: FloatArray | None) -> IntArray:
    if cuts is not None:
        return np.searchsorted(cuts, label.astype(np.float64), side="right").astype(np.int64)
    if classes is None:
        return np.zeros(len(label), dtype=np.int64)
    # A class too rare to have a law of its own goes with the nearest name.
    return np.minimum(np.searchsorted(classes, label), len(classes) - 1).astype(np.int64)
