"""Performance of labels that are not known, from how likely each is: labels are drawn, and every measure is taken.

In: rows with a score, a prediction and log odds of a positive label. Out: each measure's distribution.
Kept: nothing.

Rows of like score and odds are taken together (`Groups`), so that drawing labels costs the same for a thousand rows and
a million. Ranking measures take a group's rows as tied, which changes them by less than 1/levels**2 of a level.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from detectors.result import FloatArray, IntArray

LEVELS = 128
_WITHIN = 4
_MOST_DAYS = 7
# The mean of a chance whose log odds vary by s is that of log odds smaller by sqrt(1 + this * s**2) (Zeger, Liang &
# Albert 1988).
_LOGISTIC = (16.0 * np.sqrt(3.0) / (15.0 * np.pi)) ** 2
_TINY = float(np.finfo(np.float64).eps)

MEASURED = ("roc_auc", "average_precision", "f1", "precision", "recall", "accuracy", "log_loss", "brier", "positives")


@dataclass(frozen=True, eq=False)
class Groups:
    """Rows of one level of the score, one prediction and like odds; arrays of shape (groups,), in order of score.

    `starts` are the groups at which levels begin. `if_positive` and `if_negative` are the log loss of a row by its
    label, `square_…` its Brier score; NaN where scores are no probabilities. `wobble`, shape (folds, groups), is how
    far each fold's model of the label is from their mean.
    """

    rows: IntArray
    said: FloatArray
    odds: FloatArray
    starts: IntArray
    if_positive: FloatArray
    if_negative: FloatArray
    square_positive: FloatArray
    square_negative: FloatArray
    wobble: FloatArray
    place: IntArray

    @classmethod
    def of(
        cls,
        score: FloatArray,
        said: IntArray,
        odds: FloatArray,
        total: int | None = None,
        wobble: FloatArray | None = None,
        exact: bool = False,
    ) -> Groups:
        """Group rows; `total` is how many rows these stand for. With `exact`, every score is a level of its own.

        `wobble`, shape (folds, rows), as that of the groups.
        """
        value, level = np.unique(score, return_inverse=True)
        if len(value) > LEVELS and not exact:
            rank = np.cumsum(np.bincount(level)) - 1
            level = (rank * LEVELS // len(score))[level]
        order = np.lexsort((odds, said, level))
        pair = level[order] * 2 + said[order]
        first = np.flatnonzero(np.diff(pair, prepend=-1))
        inside = np.arange(len(order)) - np.repeat(first, np.diff(np.append(first, len(order))))
        size = np.repeat(np.diff(np.append(first, len(order))), np.diff(np.append(first, len(order))))
        within = 1 if exact or np.ptp(odds) == 0.0 else _WITHIN
        key = pair * within + np.minimum(inside * within // size, within - 1)
        begins = np.flatnonzero(np.diff(key, prepend=-1))
        rows = np.diff(np.append(begins, len(order)))
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.repeat(np.arange(len(begins)), rows)

        def mean(values: FloatArray) -> FloatArray:
            found: FloatArray = np.add.reduceat(values[order], begins) / rows
            return found

        probable = bool(score.min() >= 0.0 and score.max() <= 1.0)
        inner = np.clip(score, _TINY, 1.0 - _TINY) if probable else np.full(len(score), np.nan)
        plain = score if probable else inner
        levels = level[order][begins]
        stand = rows if total is None else np.maximum(1, np.round(rows * (total / len(order)))).astype(np.int64)
        return cls(
            stand,
            said[order][begins].astype(np.float64),
            mean(odds),
            np.flatnonzero(np.diff(levels, prepend=-1)),
            mean(-np.log(inner)),
            mean(-np.log1p(-inner)),
            mean((1.0 - plain) ** 2),
            mean(plain**2),
            np.array([mean(each) for each in ([] if wobble is None else wobble)]).reshape(-1, len(begins)),
            place,
        )


def measures(groups: Groups, positives: FloatArray) -> dict[str, FloatArray]:
    """Every measure for numbers of positives in each group, shape (draws, groups); NaN where it has no value."""
    rows = groups.rows.astype(np.float64)
    negatives = rows - positives
    total, positive, negative = rows.sum(), positives.sum(axis=-1), negatives.sum(axis=-1)
    called = float((rows * groups.said).sum())
    hit = positives @ groups.said
    at = np.add.reduceat(positives, groups.starts, axis=-1)
    off = np.add.reduceat(negatives, groups.starts, axis=-1)
    below = np.cumsum(off, axis=-1) - off / 2.0
    found, all_above = np.cumsum(at[..., ::-1], axis=-1), np.cumsum((at + off)[..., ::-1], axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "roc_auc": (at * below).sum(axis=-1) / (positive * negative),
            "average_precision": (at[..., ::-1] * found / all_above).sum(axis=-1) / positive,
            "f1": 2.0 * hit / (called + positive),
            "precision": hit / called if called else np.full(positive.shape, np.nan),
            "recall": hit / positive,
            "accuracy": (negative - called + 2.0 * hit) / total,
            "log_loss": (positives @ groups.if_positive + negatives @ groups.if_negative) / total,
            "brier": (positives @ groups.square_positive + negatives @ groups.square_negative) / total,
            "positives": positive / total,
        }


@dataclass(frozen=True, eq=False)
class Law:
    """How likely labels are: `odds` bent by a line known with `line` and `covariance`, and by each day's own effect.

    The log odds of a row on the mean of all days are `odds + line[0] + line[1] * (odds - centre)`, and of a day's row
    more by `u + v * (odds - centre)`, (u, v) with covariance `day`, known from `freedom` + 1 days.
    """

    line: FloatArray
    covariance: FloatArray
    day: FloatArray
    centre: float
    freedom: int


def draw(
    groups: Groups, law: Law, days: int, draws: int, rng: np.random.Generator
) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """Each measure, shape (draws,), first of the labels expected, then of labels drawn, in a window of `days` days."""
    chance, drawn = draw_chances(groups, law, days, draws, rng)
    return measures(groups, chance * groups.rows), measures(groups, drawn)


def draw_chances(
    groups: Groups, law: Law, days: int, draws: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Chances of a positive label and numbers of positives drawn by them, each of shape (draws, groups)."""
    offset = groups.odds - law.centre
    line = law.line + rng.normal(size=(draws, 2)) @ _root(law.covariance).T
    odds = groups.odds + line[:, :1] + line[:, 1:] * offset
    folds = len(groups.wobble)
    if folds > 1:
        # The jackknife over blocks of days: each fold's model lacks one of them.
        odds += np.sqrt((folds - 1) / folds) * rng.normal(size=(draws, folds)) @ groups.wobble
    if law.day.any():
        scale = np.sqrt(law.freedom / rng.chisquare(law.freedom, size=(draws, 1, 1)))
        # The mean of many days' own effects varies little: a few of as much less each stand for them.
        few = min(max(1, days), _MOST_DAYS)
        scale = scale * np.sqrt(few / max(1, days))
        # Calibration is to the mean of all days. The mean of chances whose log odds vary is nearer to a half than the
        # chance of their mean is: a day in the middle is further out by as much.
        arms = np.stack([np.ones(len(offset)), offset])
        varies = scale[:, 0, :] ** 2 * np.einsum("ig,ij,jg->g", arms, law.day, arms)
        odds = odds * np.sqrt(1.0 + _LOGISTIC * varies)
        effect = scale * (rng.normal(size=(draws, few, 2)) @ _root(law.day).T)
        chance = np.zeros(odds.shape)
        for number in range(effect.shape[1]):
            chance += expit(odds + effect[:, number, :1] + effect[:, number, 1:] * offset)
        chance /= effect.shape[1]
    else:
        chance = expit(odds)
    drawn = rng.binomial(groups.rows, np.clip(chance, 0.0, 1.0)).astype(np.float64)
    return chance, drawn


def _root(covariance: FloatArray) -> FloatArray:
    """A square root of a covariance that may be singular."""
    value, vector = np.linalg.eigh(covariance)
    found: FloatArray = vector * np.sqrt(np.maximum(value, 0.0))
    return found
