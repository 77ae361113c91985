"""What a score says of the chance that the label is positive: calibrators, chosen by held-out error.

In: scores, what a model of the label says besides (optional), labels, days. Out: a frozen `Calibrator`. Kept: nothing.

Candidates: the score as it is; Platt's line on log odds (1999); beta calibration (Kull et al. 2017); a spline on log
odds; isotonic regression (Zadrozny & Elkan 2002); and the first, third and fourth of them together with the label
model. Each is fitted on the days outside of a block and judged by log loss inside; where several are as good, the
simpler one is taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from detectors.logistic import fit_logistic
from detectors.result import FloatArray, IntArray

_EDGE = 1e-6
_LONGEST_ODDS = 8.0
_FEWEST_DAYS = 7
_KNOTS = (0.05, 0.275, 0.5, 0.725, 0.95)

PLAIN = ("identity", "platt", "beta", "spline", "isotonic")
WITH_FEATURES = ("platt+features", "spline+features")


@dataclass(frozen=True, eq=False)
class Calibrator:
    """`kind` of calibrator with its numbers: coefficients, or for isotonic regression scores and log odds in turn.

    `knots` are those of the spline. `loss` is its log loss on days it was not fitted on.
    """

    kind: str
    numbers: FloatArray
    knots: FloatArray
    loss: float = float("nan")

    @property
    def with_features(self) -> bool:
        """Whether it reads the label model."""
        return self.kind in WITH_FEATURES

    def odds(self, score: FloatArray, model: FloatArray | None) -> FloatArray:
        """Log odds of a positive label, shape (rows,); `model` is the label model's log odds."""
        if self.kind == "isotonic":
            half = len(self.numbers) // 2
            return np.interp(score, self.numbers[:half], self.numbers[half:])
        if self.kind == "identity":
            return log_odds(score)
        found: FloatArray = design(self.kind, score, model, self.knots) @ self.numbers
        return np.clip(found, -_LONGEST_ODDS, _LONGEST_ODDS)


def log_odds(score: FloatArray) -> FloatArray:
    """Log odds of a probability, kept within what floats and sense allow."""
    found: FloatArray = np.clip(logit(np.clip(score, _EDGE, 1.0 - _EDGE)), -_LONGEST_ODDS, _LONGEST_ODDS)
    return found


def design(kind: str, score: FloatArray, model: FloatArray | None, knots: FloatArray) -> FloatArray:
    """The columns a calibrator of some kind weighs, shape (rows, columns)."""
    odds = log_odds(score)
    columns = [np.ones(len(score)), odds]
    name = kind.partition("+")[0]
    if name == "beta":
        inside = np.clip(score, _EDGE, 1.0 - _EDGE)
        columns = [np.ones(len(score)), np.log(inside), -np.log1p(-inside)]
    elif name == "spline":
        columns += list(_natural(odds, knots).T)
    if kind in WITH_FEATURES:
        assert model is not None
        columns.append(np.clip(model, -_LONGEST_ODDS, _LONGEST_ODDS))
    return np.column_stack(columns)


def _natural(x: FloatArray, knots: FloatArray) -> FloatArray:
    """Natural cubic spline: straight outside of the outer knots (Hastie, Tibshirani & Friedman 2009, 5.2.1)."""
    last, before = knots[-1], knots[-2]
    scale = (last - knots[0]) ** 2

    def bent(knot: float) -> FloatArray:
        found: FloatArray = (np.maximum(x - knot, 0.0) ** 3 - np.maximum(x - last, 0.0) ** 3) / (last - knot)
        return found

    end = bent(before)
    return np.column_stack([(bent(knot) - end) / scale for knot in knots[:-2]])


def fit(kind: str, score: FloatArray, model: FloatArray | None, label: FloatArray, knots: FloatArray) -> Calibrator:
    """One calibrator, fitted on all rows it is given."""
    if kind == "identity":
        return Calibrator(kind, np.empty(0), knots)
    if kind != "isotonic":
        return Calibrator(kind, fit_logistic(design(kind, score, model, knots), label), knots)
    from scipy.optimize import isotonic_regression  # heavy, and wanted on learning days only

    value, place, count = np.unique(score, return_inverse=True, return_counts=True)
    share = np.bincount(place, label) / count
    chance = isotonic_regression(share, weights=count).x
    # One row of either class among all: no score is certain.
    spare = 1.0 / (len(label) + 2.0)
    return Calibrator(kind, np.concatenate((value, logit(np.clip(chance, spare, 1.0 - spare)))), knots)


def choose(
    score: FloatArray,
    model: FloatArray | None,
    label: FloatArray,
    day: IntArray,
    fold: IntArray,
    probabilities: bool = True,
) -> tuple[Calibrator, dict[str, float]]:
    """The calibrator with the least log loss on rows of folds it was not fitted on, and each candidate's.

    `day` and `fold`, its block of days, have shape (rows,). A candidate is preferred to a simpler one only where it is
    better by more than one standard error of the difference, days being the unit where there are many. `probabilities`:
    whether the score as it is may be one.
    """
    knots = spread_knots(log_odds(score))
    kinds = [kind for kind in PLAIN if probabilities or kind not in ("identity", "beta")]
    if model is not None:
        kinds += WITH_FEATURES
    if knots is None:
        kinds = [kind for kind in kinds if not kind.startswith("spline")]
    knots = np.empty(0) if knots is None else knots
    losses = {}
    for kind in kinds:
        row = np.zeros(len(score))
        for number in np.unique(fold):
            out = fold == number
            made = fit(kind, score[~out], None if model is None else model[~out], label[~out], knots)
            row[out] = row_loss(label[out], made.odds(score[out], None if model is None else model[out]))
        losses[kind] = row
    chosen = kinds[0]
    for kind in kinds[1:]:
        gain = losses[chosen] - losses[kind]
        parts = np.bincount(day, gain) if day.max() >= _FEWEST_DAYS else gain
        if parts.sum() > parts.std() * np.sqrt(len(parts)):
            chosen = kind
    made = fit(chosen, score, model, label, knots)
    told = {kind: float(loss.mean()) for kind, loss in losses.items()}
    return Calibrator(made.kind, made.numbers, made.knots, told[chosen]), told


def row_loss(label: FloatArray, odds: FloatArray) -> FloatArray:
    """Log loss of each row."""
    return np.logaddexp(0.0, odds) - label * odds


def spread_knots(odds: FloatArray) -> FloatArray | None:
    """Where the spline bends; None for too few different scores."""
    knots = np.unique(np.quantile(odds, _KNOTS))
    return knots if len(knots) == len(_KNOTS) else None


def chances(odds: FloatArray) -> FloatArray:
    """Probabilities of log odds."""
    found: FloatArray = expit(odds)
    return found
