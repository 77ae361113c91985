"""Every detector over profiles, by the name it has in the config, in findings and on the command line.

In: nothing. Out: `DETECTORS`. Kept: nothing. A new detector is its module, an entry here, its test and its line in
docs/detectors.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from detectors.columns import Column, ColumnKind, Role
from detectors.ks import ks
from detectors.performance import MEASURES
from detectors.prediction import class_rate, mean_shift
from detectors.profile import Profile
from detectors.psi import psi
from detectors.quality import missing, non_finite, out_of_range, type_change, unseen, vanished
from detectors.result import Kind, Statistic
from detectors.rounding import rounding
from detectors.stuck import spike, stuck
from detectors.unit_change import unit_change
from detectors.volume import OPERATIONAL


class Unit(StrEnum):
    """How a detector's value is written."""

    NUMBER = "number"
    SHARE = "share"
    DEVIATIONS = "deviations"

    def show(self, value: float) -> str:
        """`0.61`, `3.5%` or `+0.5 sd`; "n/a" for NaN. 100% is all and 0% is none."""
        if value != value:
            return "n/a"
        if self is Unit.SHARE:
            percent = 100.0 * value
            if 0.0 < percent < 0.01:
                return "<0.01%"
            if 99.5 <= percent < 100.0:
                return ">99%"
            return f"{percent:.0f}%" if percent == 0 or abs(percent) >= 9.95 else f"{percent:.2g}%"
        return f"{value:+.2g} sd" if self is Unit.DEVIATIONS else f"{value:.2f}"


@dataclass(frozen=True, slots=True)
class Detector:
    """A detector: its function, what it applies to, and how its figures are judged and shown.

    `kind` is None where it follows the column's role (feature, or prediction for scores and predictions). `direction`
    "up": only a rise is trouble. `certain`: a fact rather than a sample, judged however few the rows.
    """

    name: str
    title: str
    function: Callable[[Profile, Profile], Statistic]
    help: str
    threshold: float
    unit: Unit = Unit.NUMBER
    kind: Kind | None = None
    columns: frozenset[ColumnKind] = frozenset(ColumnKind)
    roles: frozenset[Role] = frozenset(Role)
    direction: Literal["up", "both"] = "up"
    certain: bool = False

    def applies(self, column: Column) -> bool:
        """Whether the detector has anything to say of a column; where it has not, there is no finding at all."""
        return column.kind in self.columns and column.role in self.roles

    def kind_of(self, column: Column) -> Kind:
        """The kind of a finding about a column."""
        if self.kind is not None:
            return self.kind
        return Kind.FEATURE if column.role is Role.FEATURE else Kind.PREDICTION


_NUMBERS = frozenset({ColumnKind.NUMBER})
_CATEGORIES = frozenset({ColumnKind.CATEGORY})
_OUTPUTS = frozenset({Role.SCORE, Role.PREDICTION})

DETECTORS: dict[str, Detector] = {
    "ks": Detector("ks", "KS", ks, "largest distance between two distributions of numbers", 0.15, columns=_NUMBERS),
    "psi": Detector("psi", "PSI", psi, "how far shares of quantile bins or of categories have moved", 0.2),
    "class_rate": Detector(
        "class_rate",
        "class rate",
        class_rate,
        "largest change in the rate of a predicted class",
        0.1,
        unit=Unit.SHARE,
        kind=Kind.PREDICTION,
        columns=_CATEGORIES,
        roles=frozenset({Role.PREDICTION}),
    ),
    "mean_shift": Detector(
        "mean_shift",
        "mean shift",
        mean_shift,
        "change of the mean score or prediction, in standard deviations of the reference",
        0.3,
        unit=Unit.DEVIATIONS,
        kind=Kind.PREDICTION,
        columns=_NUMBERS,
        roles=_OUTPUTS,
        direction="both",
    ),
    "missing": Detector(
        "missing",
        "missing",
        missing,
        "share of null or NaN",
        0.05,
        unit=Unit.SHARE,
        kind=Kind.QUALITY,
    ),
    "unseen": Detector(
        "unseen",
        "unseen categories",
        unseen,
        "share of categories the reference does not have",
        0.05,
        unit=Unit.SHARE,
        kind=Kind.QUALITY,
        columns=_CATEGORIES,
    ),
    "out_of_range": Detector(
        "out_of_range",
        "out of range",
        out_of_range,
        "share of numbers below or above all of the reference's",
        0.05,
        unit=Unit.SHARE,
        kind=Kind.QUALITY,
        columns=_NUMBERS,
    ),
    "non_finite": Detector(
        "non_finite", "infinite", non_finite, "share of infinite values", 0.01, unit=Unit.SHARE, kind=Kind.QUALITY
    ),
    "type_change": Detector(
        "type_change",
        "changed type",
        type_change,
        "share of values of another type than the reference's",
        0.01,
        unit=Unit.SHARE,
        kind=Kind.QUALITY,
        certain=True,
    ),
    "vanished": Detector(
        "vanished",
        "vanished",
        vanished,
        "share of rows that came without the column",
        0.01,
        unit=Unit.SHARE,
        kind=Kind.QUALITY,
        certain=True,
    ),
    "unit_change": Detector(
        "unit_change",
        "unit change",
        unit_change,
        "share of a number's movement that a change of unit explains",
        0.5,
        unit=Unit.SHARE,
        kind=Kind.QUALITY,
        columns=_NUMBERS,
    ),
    "stuck": Detector(
        "stuck",
        "stuck",
        stuck,
        "share of rows that have one and the same value, seldom in the reference",
        0.95,
        unit=Unit.SHARE,
        kind=Kind.QUALITY,
    ),
    "spike": Detector(
        "spike",
        "spike",
        spike,
        "share of rows that have one number more often than anything explains: a default",
        0.2,
        unit=Unit.SHARE,
        kind=Kind.QUALITY,
        columns=_NUMBERS,
    ),
    "rounding": Detector(
        "rounding",
        "rounding",
        rounding,
        "how much more a number is rounded than before",
        0.9,
        unit=Unit.SHARE,
        kind=Kind.QUALITY,
        columns=_NUMBERS,
    ),
}

DETECTOR_NAMES: frozenset[str] = frozenset(DETECTORS) | frozenset(MEASURES) | frozenset(OPERATIONAL)
"""Every name that may stand under `detectors:` in the config: these, performance measures, those of rows and times."""
