"""Every detector, by the name it has in the config, in findings and on the command line.

In: nothing. Out: `DETECTORS` over profiles, `JOINT` over samples. Kept: nothing. A new detector is its module, an entry
here, its test and its line in docs/detectors.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from detectors.chi_squared import chi_squared
from detectors.columns import Column, ColumnKind, Role
from detectors.domain_classifier import domain_classifier
from detectors.estimated import CONCEPT_DRIFT, ESTIMATED, SWITCH
from detectors.hellinger import hellinger
from detectors.joint import JointStatistic
from detectors.js import js
from detectors.ks import ks
from detectors.l_infinity import l_infinity
from detectors.multivariate import JointModel
from detectors.pca_reconstruction import pca_reconstruction
from detectors.performance import MEASURES
from detectors.prediction import class_rate, mean_shift, spread_shift
from detectors.psi import psi
from detectors.quality import missing, non_finite, out_of_range, type_change, unseen, vanished
from detectors.result import Kind, Statistic
from detectors.rounding import rounding
from detectors.sample import Sample
from detectors.scaler_mismatch import scaler_mismatch
from detectors.score import confidence_shift, entropy_shift, near_threshold
from detectors.stuck import spike, stuck
from detectors.total_variation import total_variation
from detectors.unit_change import unit_change
from detectors.volume import OPERATIONAL
from detectors.wasserstein import wasserstein


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
    "up": only a rise is trouble. `certain`: a fact rather than a sample, judged however few the rows. `default`: the
    kinds of column it is on for without being asked; named in the config, it is on wherever it applies. `options`:
    names of the model's settings that its function takes after the two profiles, by keyword.
    """

    name: str
    title: str
    function: Callable[..., Statistic]
    help: str
    threshold: float
    unit: Unit = Unit.NUMBER
    kind: Kind | None = None
    columns: frozenset[ColumnKind] = frozenset(ColumnKind)
    roles: frozenset[Role] = frozenset(Role)
    direction: Literal["up", "both"] = "up"
    certain: bool = False
    default: frozenset[ColumnKind] = frozenset(ColumnKind)
    options: tuple[str, ...] = ()

    def applies(self, column: Column, asked: bool = True) -> bool:
        """Whether the detector has anything to say of a column; where it has not, there is no finding at all.

        `asked`: it was named in the config, and so does not keep to its default kinds of column.
        """
        return column.kind in self.columns and column.role in self.roles and (asked or column.kind in self.default)

    def kind_of(self, column: Column) -> Kind:
        """The kind of a finding about a column."""
        if self.kind is not None:
            return self.kind
        return Kind.FEATURE if column.role is Role.FEATURE else Kind.PREDICTION


_NUMBERS = frozenset({ColumnKind.NUMBER})
_CATEGORIES = frozenset({ColumnKind.CATEGORY})
_OUTPUTS = frozenset({Role.SCORE, Role.PREDICTION})
_SCORES = frozenset({Role.SCORE})
_ON_REQUEST: frozenset[ColumnKind] = frozenset()

DETECTORS: dict[str, Detector] = {
    "ks": Detector("ks", "KS", ks, "largest distance between two distributions of numbers", 0.15, columns=_NUMBERS),
    "psi": Detector("psi", "PSI", psi, "how far shares of quantile bins or of categories have moved", 0.2),
    "js": Detector(
        "js",
        "Jensen-Shannon",
        js,
        "distance between the shares of quantile bins or of categories, from 0 to 1",
        0.15,
        default=_ON_REQUEST,
    ),
    "hellinger": Detector(
        "hellinger",
        "Hellinger",
        hellinger,
        "distance between the roots of the shares of quantile bins or of categories, from 0 to 1",
        0.12,
        default=_ON_REQUEST,
    ),
    "total_variation": Detector(
        "total_variation",
        "total variation",
        total_variation,
        "share of rows that would have to change their quantile bin or category",
        0.12,
        unit=Unit.SHARE,
        default=_ON_REQUEST,
    ),
    "l_infinity": Detector(
        "l_infinity",
        "L-infinity",
        l_infinity,
        "largest change in the share of a quantile bin or a category",
        0.1,
        unit=Unit.SHARE,
        default=_ON_REQUEST,
    ),
    "chi_squared": Detector(
        "chi_squared",
        "Cramér's V",
        chi_squared,
        "size of Pearson's chi-squared between the counts of quantile bins or of categories, from 0 to 1",
        0.1,
        default=_ON_REQUEST,
    ),
    "wasserstein": Detector(
        "wasserstein",
        "Wasserstein",
        wasserstein,
        "how far values have moved on average, in standard deviations of the reference",
        0.3,
        columns=_NUMBERS,
        default=_ON_REQUEST,
    ),
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
    "spread_shift": Detector(
        "spread_shift",
        "spread shift",
        spread_shift,
        "change of the standard deviation of the score or prediction, as a share of the reference's",
        0.3,
        unit=Unit.SHARE,
        kind=Kind.PREDICTION,
        columns=_NUMBERS,
        roles=_OUTPUTS,
        direction="both",
        default=_ON_REQUEST,
    ),
    "confidence_shift": Detector(
        "confidence_shift",
        "confidence shift",
        confidence_shift,
        "change of the mean confidence of the score, the larger of s and 1 - s",
        0.05,
        kind=Kind.PREDICTION,
        columns=_NUMBERS,
        roles=_SCORES,
        direction="both",
        default=_ON_REQUEST,
    ),
    "entropy_shift": Detector(
        "entropy_shift",
        "entropy shift",
        entropy_shift,
        "change of the mean entropy of the score, in bits",
        0.1,
        kind=Kind.PREDICTION,
        columns=_NUMBERS,
        roles=_SCORES,
        direction="both",
        default=_ON_REQUEST,
    ),
    "near_threshold": Detector(
        "near_threshold",
        "close decisions",
        near_threshold,
        "share of scores within 0.05 of the decision threshold",
        0.1,
        unit=Unit.SHARE,
        kind=Kind.PREDICTION,
        columns=_NUMBERS,
        roles=_SCORES,
        default=_ON_REQUEST,
        options=("decision_threshold",),
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
    "scaler_mismatch": Detector(
        "scaler_mismatch",
        "scaler mismatch",
        scaler_mismatch,
        "share of a feature's movement that one shift and one scale explain",
        0.5,
        unit=Unit.SHARE,
        kind=Kind.QUALITY,
        columns=_NUMBERS,
        roles=frozenset({Role.FEATURE}),
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


@dataclass(frozen=True, slots=True)
class JointDetector:
    """A detector of the joint distribution of all columns: over a sample of rows, where the others read counts."""

    name: str
    title: str
    function: Callable[[JointModel, Sample], JointStatistic]
    help: str
    threshold: float
    unit: Unit = Unit.SHARE


JOINT: dict[str, JointDetector] = {
    "domain_classifier": JointDetector(
        "domain_classifier",
        "relation lost",
        domain_classifier,
        "largest share of its relation with the other columns that a column has lost",
        0.5,
    ),
    "pca_reconstruction": JointDetector(
        "pca_reconstruction",
        "reconstruction error",
        pca_reconstruction,
        "rise of the error with which principal components give rows back",
        0.1,
    ),
}

CONFUSION = "confusion"
"""The finding that holds the confusion matrix: measured, never judged."""
ESTIMATES: frozenset[str] = frozenset(ESTIMATED) | {CONCEPT_DRIFT, SWITCH}
"""Names of performance estimated without labels, of what labels say against it, and of the switch for all of it."""
DETECTOR_NAMES: frozenset[str] = frozenset((*DETECTORS, *JOINT, *MEASURES, CONFUSION, *OPERATIONAL, *ESTIMATES))
"""Every name that may stand under `detectors:` in the config: these, performance measures, those of rows and times."""


@dataclass(frozen=True, slots=True)
class Shown:
    """How a figure that no detector gives is called and written."""

    title: str
    unit: Unit


UNUSUAL = "unusual"
"""The finding of the learned rule: how unusual a column is, in standard deviations of what days do by themselves."""
_SHOWN = {UNUSUAL: Shown("unusual", Unit.DEVIATIONS), "attribution": Shown("change of the mean", Unit.NUMBER)}


def entry_of(name: str) -> Detector | JointDetector | Shown | None:
    """How a detector's figures are called and written, of whatever kind it is."""
    return DETECTORS.get(name) or JOINT.get(name) or _SHOWN.get(name)
