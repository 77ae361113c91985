"""Estimators as bytes and back: compressed arrays of numbers and a few words as JSON, nothing that runs.

In: an estimator of any task. Out: bytes; the same estimator. Kept: nothing. Arrays of rows lose what single precision
does not hold.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from detectors.boosting import Trees
from detectors.calibrators import Calibrator
from detectors.estimation import Estimate, Estimator
from detectors.label_model import Coder, LabelModel
from detectors.loss_estimation import LossEstimator
from detectors.multiclass_estimation import ClassEstimator
from detectors.result import DetectorError

AnyEstimator = Estimator | ClassEstimator | LossEstimator
_FORMAT = 1
_TREES = ("feature", "cut", "value")
_CODER = ("categorical", "edges", "ranks")
_BINARY = ("covariance", "day_effect", "score", "odds", "modelled", "features", "categorical", "label", "day")
_LOSS = ("loss", "said", "columns", "categorical", "day")


def to_bytes(estimator: AnyEstimator) -> bytes:
    """The estimator as bytes."""
    arrays: dict[str, Any] = {}
    words = {"format": _FORMAT, "kind": type(estimator).__name__} | _put(estimator, "", arrays)
    arrays["words"] = np.frombuffer(json.dumps(words).encode(), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def from_bytes(data: bytes) -> AnyEstimator:
    """The estimator of `to_bytes`. Raises DetectorError for damaged bytes or those of another version."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        words = json.loads(arrays["words"].tobytes().decode())
        if words["format"] != _FORMAT:
            raise DetectorError("this estimator was stored by another version")
        if words["kind"] == "LossEstimator":
            return _loss(words, arrays)
        if words["kind"] == "ClassEstimator":
            right = _binary(words["right"], arrays, "right.")
            usual = _usual(words["usual"])
            return ClassEstimator(tuple(words["classes"]), arrays["rate"], arrays["wrong"], right, usual)
        return _binary(words, arrays, "")
    except DetectorError:
        raise
    except (KeyError, IndexError, ValueError, TypeError, OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise DetectorError("a stored estimator is damaged") from error


def _put(estimator: AnyEstimator, prefix: str, arrays: dict[str, Any]) -> dict[str, Any]:
    words: dict[str, Any] = {"usual": {name: _four(one) for name, one in estimator.usual.items()}}
    if isinstance(estimator, ClassEstimator):
        arrays |= {"rate": estimator.rate, "wrong": estimator.wrong}
        return words | {"classes": estimator.classes, "right": _put(estimator.right, "right.", arrays)}
    if isinstance(estimator, LossEstimator):
        arrays |= {name: _small(getattr(estimator, name)) for name in _LOSS}
        for place, (coder, grown) in enumerate(zip(estimator.coders, estimator.trees, strict=True)):
            _put_coder(coder, f"coder{place}.", arrays)
            for which, trees in enumerate(grown):
                _put_trees(trees, f"trees{place}.{which}.", arrays)
        return words | {"folds": len(estimator.coders)}
    arrays |= {prefix + name: _small(value) for name in _BINARY if (value := getattr(estimator, name)) is not None}
    calibrator, model = estimator.calibrator, estimator.model
    arrays |= {f"{prefix}numbers": calibrator.numbers, f"{prefix}knots": calibrator.knots}
    # Not in what was stored before it was learned.
    arrays[f"{prefix}by_class"] = estimator.by_class
    if model is not None:
        for place, (coder, trees) in enumerate(zip(model.coders, model.trees, strict=True)):
            _put_coder(coder, f"{prefix}coder{place}.", arrays)
            _put_trees(trees, f"{prefix}trees{place}.", arrays)
    return words | {
        "calibrator": calibrator.kind,
        "held_out": calibrator.loss,
        "scale": estimator.scale,
        "centre": estimator.centre,
        "folds": len(model.coders) if model is not None else 0,
    }


def _small(values: Any) -> Any:
    return values.astype(np.float32) if values.dtype == np.float64 and values.size > 16 else values


def _four(one: Estimate) -> list[float]:
    return [one.value, one.low, one.high, one.spread]


def _usual(told: Mapping[str, list[float]]) -> dict[str, Estimate]:
    return {name: Estimate(*four) for name, four in told.items()}


def _put_coder(coder: Coder, prefix: str, arrays: dict[str, Any]) -> None:
    arrays |= {prefix + name: getattr(coder, name) for name in _CODER}
    arrays[f"{prefix}middle"] = np.array(coder.middle)


def _put_trees(trees: Trees, prefix: str, arrays: dict[str, Any]) -> None:
    arrays |= {prefix + name: getattr(trees, name) for name in _TREES}
    arrays[f"{prefix}base"] = np.array(trees.base)


def _coder(arrays: Mapping[str, Any], prefix: str) -> Coder:
    categorical, edges, ranks = (arrays[prefix + name] for name in _CODER)
    return Coder(categorical, edges, ranks, int(arrays[f"{prefix}middle"]))


def _trees(arrays: Mapping[str, Any], prefix: str) -> Trees:
    feature, cut, value = (arrays[prefix + name] for name in _TREES)
    return Trees(float(arrays[f"{prefix}base"]), feature, cut, value)


def _wide(arrays: Mapping[str, Any], name: str) -> Any:
    values = arrays.get(name)
    return values.astype(np.float64) if values is not None and values.dtype == np.float32 else values


def _binary(words: Mapping[str, Any], arrays: Mapping[str, Any], prefix: str) -> Estimator:
    held = {name: _wide(arrays, prefix + name) for name in _BINARY}
    kind, loss = words["calibrator"], float(words["held_out"])
    model = None
    if words["folds"]:
        coders = tuple(_coder(arrays, f"{prefix}coder{place}.") for place in range(words["folds"]))
        model = LabelModel(coders, tuple(_trees(arrays, f"{prefix}trees{place}.") for place in range(words["folds"])))
    return Estimator(
        calibrator=Calibrator(kind, arrays[f"{prefix}numbers"], arrays[f"{prefix}knots"], loss),
        model=model,
        by_class=arrays.get(f"{prefix}by_class", np.zeros(2)),
        scale=tuple(words["scale"]) if words["scale"] else None,
        centre=float(words["centre"]),
        usual=_usual(words["usual"]),
        **held,
    )


def _loss(words: Mapping[str, Any], arrays: Mapping[str, Any]) -> LossEstimator:
    folds = range(words["folds"])
    return LossEstimator(
        coders=tuple(_coder(arrays, f"coder{place}.") for place in folds),
        trees=tuple((_trees(arrays, f"trees{place}.0."), _trees(arrays, f"trees{place}.1.")) for place in folds),
        usual=_usual(words["usual"]),
        **{name: _wide(arrays, name) for name in _LOSS},
    )
