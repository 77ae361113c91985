"""The joint distribution of the columns: learned from the samples of the reference's days, held against a window.

In: samples of days (the reference), then one window's sample. Out: a frozen `JointModel`, which goes to bytes and back
without pickle. Kept: nothing; what is judged by it is in `domain_classifier.py` and `pca_reconstruction.py`.

A day is the unit: each reference day is scored by what the *other* days teach, and the window is compared with those
scores. Rows of real days are no independent draws: the weather of one day is never the weather of another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
from numpy.typing import NDArray

from detectors import codec
from detectors.day_null import FEWEST_DAYS
from detectors.encoding import Encoded, Encoding
from detectors.grid import Grid
from detectors.pca import column_errors, components, target_moments
from detectors.relations import Moments, any_relation, coefficients, reliance, same_relation
from detectors.result import DetectorError, FloatArray
from detectors.sample import ROWS_A_DAY, Sample

FEWEST_ROWS = 200
_MAGIC = b"DLJ\x01"
_SMALLEST_DAY = 0.5
_LEAST_VARIANCE = 0.25
_MISSING_CHANGE = 0.2
_RELIES = 0.2

Array32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class JointModel:
    """What the reference's days say of the joint distribution.

    `fewest`: a window of fewer rows is not judged. `reference`, shape (inputs, targets): coefficients of every column
    on the others. `same`, `any`, `errors`, shape (days, features): each day's relations and reconstruction errors, by
    a model of the other days; NaN where a column did not vary. `lost`, shape (features, features): what goes when
    column k is taken away from column j. `variance`, `missing`, shape (features,): the days' medians.
    `components`, shape (targets, components), with `scale`, shape (features,).
    """

    grid_id: str
    names: tuple[str, ...]
    encoding: Encoding
    fewest: int
    reference: Array32
    same: Array32
    any: Array32
    errors: Array32
    lost: Array32
    variance: Array32
    missing: Array32
    components: Array32

    @classmethod
    def fit(cls, grid: Grid, days: Sequence[Sample]) -> JointModel:
        """Learn from one sample a day, each as long as the windows that will be judged.

        Of a day at most 2,000 rows are used, those with the lowest hashes. Days with fewer than 200 rows, or than half
        the median, are left out. Raises DetectorError for samples of another grid and for fewer than 8 days.
        """
        if any(day.grid_id != grid.id for day in days):
            raise DetectorError(f"a sample is of another grid than {grid.id}")
        middle = float(np.median([min(day.rows, ROWS_A_DAY) for day in days])) if days else 0.0
        fewest = max(FEWEST_ROWS, int(np.ceil(_SMALLEST_DAY * middle)))
        full = [day.lowest(ROWS_A_DAY) for day in days if day.rows >= fewest]
        if len(full) < FEWEST_DAYS:
            raise DetectorError(
                f"{len(full)} days of {fewest} sampled rows or more: the joint distribution takes {FEWEST_DAYS}"
            )
        encoding = Encoding.fit(grid, full)
        moments = [Moments.of(encoding.encode(day.cells)) for day in full]
        whole = reduce(add, moments)
        spreads = [target_moments(encoding, encoding.encode(day.cells)) for day in full]
        spread = np.sum(spreads, axis=0)
        same, any_, errors, variance, missing = [], [], [], [], []
        for day, own, own_spread in zip(full, moments, spreads, strict=True):
            rows = encoding.encode(day.cells)
            others = _narrow(coefficients(encoding, whole - own)).astype(np.float64)
            same.append(same_relation(encoding, rows, others))
            any_.append(any_relation(encoding, rows, others))
            errors.append(column_errors(encoding, rows, components(spread - own_spread)))
            variance.append(rows.variance)
            missing.append(rows.missing)
        reference = coefficients(encoding, whole)
        usual = np.median(variance, axis=0)
        thin = np.array(variance) < _LEAST_VARIANCE * usual
        return cls(
            grid.id,
            grid.names,
            encoding,
            fewest,
            _narrow(reference),
            _narrow(np.where(thin, np.nan, same)),
            _narrow(np.where(thin, np.nan, any_)),
            _narrow(np.where(thin, np.nan, errors)),
            _narrow(reliance(encoding, whole, reference)),
            _narrow(usual),
            _narrow(np.median(missing, axis=0)),
            _narrow(components(spread)),
        )

    def encode(self, sample: Sample) -> Encoded | str:
        """One window's rows, or why they cannot be judged. Raises DetectorError for a sample of another grid."""
        if sample.grid_id != self.grid_id:
            raise DetectorError(f"the sample is of another grid than {self.grid_id}")
        if sample.rows < self.fewest:
            return f"fewer than {self.fewest:,} sampled rows, which the joint distribution takes"
        if len(self.names) < 2:
            return "one column has no joint distribution"
        return self.encoding.encode(sample.lowest(ROWS_A_DAY).cells)

    def unjudged(self, rows: Encoded) -> NDArray[np.bool_]:
        """Columns of which the window can say nothing, shape (features,): findings of their own say why.

        They hardly vary, or are missing far more or less often than usual, or rely on a column that does.
        """
        flat = rows.variance < _LEAST_VARIANCE * self.variance
        absent: NDArray[np.bool_] = (
            (rows.variance <= 0.0) | flat | (np.abs(rows.missing - self.missing) > _MISSING_CHANGE)
        )
        relies = (self.lost[absent] > _RELIES).any(axis=0)
        unjudged: NDArray[np.bool_] = absent | relies
        return unjudged

    def to_bytes(self) -> bytes:
        """Compressed bytes that `from_bytes` turns into the same model. No value of any column is in them."""
        meta = {
            "grid": self.grid_id,
            "levels": [None if levels is None else list(levels) for levels in self.encoding.levels],
            "parts": self.encoding.parts,
            "fewest": self.fewest,
        }
        return codec.encode_arrays(_MAGIC, meta, self._arrays())

    @classmethod
    def from_bytes(cls, grid: Grid, data: bytes) -> JointModel:
        """The model of `to_bytes`. Raises DetectorError for damaged bytes or those of another grid."""
        meta, arrays = codec.decode_arrays(_MAGIC, data)
        try:
            if meta["grid"] != grid.id:
                raise DetectorError(f"the model belongs to another grid than {grid.id}")
            levels = tuple(None if each is None else tuple(int(cell) for cell in each) for each in meta["levels"])
            model = cls(grid.id, grid.names, Encoding(levels, int(meta["parts"])), int(meta["fewest"]), *arrays)
        except (KeyError, TypeError, ValueError) as error:
            raise DetectorError(f"stored model is damaged: {error}") from error
        features, days = len(grid), len(model.same) if model.same.ndim else 0
        inputs, targets = int(model.encoding.input_starts[-1]), int(model.encoding.target_starts[-1])
        per_day = (days, features)
        expected = [(inputs, targets), per_day, per_day, per_day, (features, features), (features,), (features,)]
        kept = model.components.shape
        if (
            len(levels) != features
            or [array.shape for array in model._arrays()[:-1]] != expected
            or len(kept) != 2
            or kept[0] != targets
        ):
            raise DetectorError("stored model is damaged: its parts do not fit the grid")
        return model

    def _arrays(self) -> list[Array32]:
        return [
            self.reference,
            self.same,
            self.any,
            self.errors,
            self.lost,
            self.variance,
            self.missing,
            self.components,
        ]


def _narrow(values: FloatArray) -> Array32:
    return np.asarray(values, dtype=np.float32)
