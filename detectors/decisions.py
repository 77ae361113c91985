"""How right predicted classes are: accuracy; precision, recall and F1 of the positive class, of each, and over all.

In: arrays of labels and predictions of any type, weights and days if there are any. Out: `Measured`, `Confusion`.
Kept: nothing. Numbers and texts are compared as categories: 1, 1.0 and "1" are one class. Equal to scikit-learn's with
`zero_division=nan`: what is not defined (the precision of a class nobody predicted) is NaN, and left out of the mean
over classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detectors.measured import Measured, average, floats, nothing, same_length, spread, sums
from detectors.result import FloatArray, IntArray
from detectors.values import canonical

POSITIVE = "1"


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """Rows as places in `classes`: labels and predictions, weights, days; arrays of shape (rows,)."""

    classes: tuple[str, ...]
    label: IntArray
    said: IntArray
    weight: FloatArray
    days: NDArray[np.generic] | None


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """Weight of rows by label (down) and prediction (across), shape (classes, classes), in the order of `classes`.

    `precision`, `recall`, `f1` and `support` are those of each class, shape (classes,).
    """

    classes: tuple[str, ...]
    matrix: FloatArray
    precision: FloatArray
    recall: FloatArray
    f1: FloatArray
    support: FloatArray


def coded(
    label: ArrayLike, prediction: ArrayLike, weight: ArrayLike | None = None, days: ArrayLike | None = None
) -> Coded:
    """Labels and predictions as places in their common classes, without rows that lack either."""
    first, second = np.asarray(label).reshape(-1), np.asarray(prediction).reshape(-1)
    same_length(first, second)
    weights = np.ones(len(first)) if weight is None else floats(weight)
    same_length(first, weights)
    apart = None if days is None else np.asarray(days).reshape(-1)
    if not (first.dtype.kind in "biu" and second.dtype.kind in "biu") and first.dtype.kind + second.dtype.kind != "UU":
        texts = _texts(first), _texts(second)
        usable = np.array([a is not None and b is not None for a, b in zip(*texts, strict=True)], dtype=np.bool_)
        first, second = (np.array([str(text) for text in side], dtype=np.str_)[usable] for side in texts)
        weights, apart = weights[usable], None if apart is None else apart[usable]
    elif first.dtype.kind != "U":
        first, second = first.astype(np.int64), second.astype(np.int64)
    classes, place = np.unique(np.concatenate((first, second)), return_inverse=True)
    names = tuple(str(name) for name in classes.tolist())
    return Coded(names, place[: len(first)], place[len(first) :], weights, apart)


def confusion(
    label: ArrayLike, prediction: ArrayLike, weight: ArrayLike | None = None, classes: tuple[str, ...] = ()
) -> Confusion:
    """The confusion matrix; `classes` that do not occur are in it too, with zeros."""
    rows = coded(label, prediction, weight)
    names = tuple(sorted({*rows.classes, *classes})) if classes else rows.classes
    place = np.array([names.index(name) for name in rows.classes], dtype=np.int64)
    size = len(names)
    flat = place[rows.label] * size + place[rows.said] if len(rows.label) else rows.label
    matrix = sums(flat, rows.weight, size * size).reshape(size, size)
    return Confusion(names, matrix, *_rates(matrix))


def _rates(matrix: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    hit, said, true = np.diag(matrix), matrix.sum(axis=0), matrix.sum(axis=1)
    return _share(hit, said), _share(hit, true), _share(2.0 * hit, said + true), true


def accuracy(
    label: ArrayLike, prediction: ArrayLike, weight: ArrayLike | None = None, days: ArrayLike | None = None
) -> Measured:
    """Share of rows whose prediction is the label. Equals `sklearn.metrics.accuracy_score`."""
    rows = coded(label, prediction, weight, days)
    return average((rows.label == rows.said).astype(np.float64), rows.weight, rows.days)


def precision(
    label: ArrayLike, prediction: ArrayLike, weight: ArrayLike | None = None, days: ArrayLike | None = None
) -> Measured:
    """Share of the rows predicted to be 1 that are. Equals `sklearn.metrics.precision_score`."""
    rows = coded(label, prediction, weight, days)
    return _of_one(rows, *_is(rows), "precision")


def recall(
    label: ArrayLike, prediction: ArrayLike, weight: ArrayLike | None = None, days: ArrayLike | None = None
) -> Measured:
    """Share of the rows that are 1 that were predicted to be. Equals `sklearn.metrics.recall_score`."""
    rows = coded(label, prediction, weight, days)
    return _of_one(rows, *_is(rows), "recall")


def f1(
    label: ArrayLike, prediction: ArrayLike, weight: ArrayLike | None = None, days: ArrayLike | None = None
) -> Measured:
    """Harmonic mean of precision and recall of the class 1. Equals `sklearn.metrics.f1_score`."""
    rows = coded(label, prediction, weight, days)
    return _of_one(rows, *_is(rows), "f1")


def macro_precision(
    label: ArrayLike, prediction: ArrayLike, weight: ArrayLike | None = None, days: ArrayLike | None = None
) -> Measured:
    """Precision of each class, averaged over the classes that have one."""
    return _macro(coded(label, prediction, weight, days), "precision")


def macro_recall(
    label: ArrayLike, prediction: ArrayLike, weight: ArrayLike | None = None, days: ArrayLike | None = None
) -> Measured:
    """Recall of each class, averaged over the classes that have one."""
    return _macro(coded(label, prediction, weight, days), "recall")


def macro_f1(
    label: ArrayLike, prediction: ArrayLike, weight: ArrayLike | None = None, days: ArrayLike | None = None
) -> Measured:
    """F1 of each class, averaged over the classes that have one."""
    return _macro(coded(label, prediction, weight, days), "f1")


def _is(rows: Coded) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which rows are of the class 1, and which are predicted to be."""
    place = rows.classes.index(POSITIVE) if POSITIVE in rows.classes else -1
    return rows.label == place, rows.said == place


def _of_one(rows: Coded, true: NDArray[np.bool_], said: NDArray[np.bool_], which: str) -> Measured:
    top, base = _parts(true, said, which)
    size = float((rows.weight * base).sum())
    if size <= 0.0:
        return nothing(len(rows.label))
    value = float((rows.weight * top).sum() / size)
    return spread(value, rows.weight * (top - value * base) / size, rows.days)


def _parts(true: NDArray[np.bool_], said: NDArray[np.bool_], which: str) -> tuple[FloatArray, FloatArray]:
    """What a row adds to the numerator and to the denominator."""
    hit = (true & said).astype(np.float64)
    if which == "f1":
        return 2.0 * hit, true.astype(np.float64) + said
    return hit, (said if which == "precision" else true).astype(np.float64)


def _macro(rows: Coded, which: str) -> Measured:
    size = len(rows.classes)
    if not size:
        return nothing(0)
    hit = (rows.label == rows.said) * rows.weight
    hits = sums(rows.label, hit, size)
    true = sums(rows.label, rows.weight, size)
    said = sums(rows.said, rows.weight, size)
    top = 2.0 * hits if which == "f1" else hits
    base = {"f1": true + said, "precision": said, "recall": true}[which]
    each = _share(top, base)
    known = int(np.isfinite(each).sum())
    if not known:
        return nothing(len(rows.label))
    # A row adds to the class it has, to the class it was given, or to both.
    scale = np.divide(1.0, base * known, out=np.zeros(size), where=base > 0)
    value = np.nan_to_num(each)
    influence = hit * (2.0 if which == "f1" else 1.0) * scale[rows.label]
    if which != "precision":
        influence -= rows.weight * value[rows.label] * scale[rows.label]
    if which != "recall":
        influence -= rows.weight * value[rows.said] * scale[rows.said]
    return spread(float(np.nanmean(each)), influence, rows.days)


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    share: FloatArray = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return share


def _texts(values: NDArray[Any]) -> list[str | None]:
    plain: list[Any] = values.tolist()
    texts = [canonical(value) for value in plain]
    return [text if isinstance(text, str) else None for text in texts]
