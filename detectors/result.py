"""What a detector measures and what a threshold rule makes of it.

In: nothing. Out: the value types every other room speaks: `Window`, `Statistic`, `Judgement`, `Finding`.
Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class DetectorError(ValueError):
    """Base of every error the detectors raise on purpose: the caller handed in something unusable."""


class Kind(StrEnum):
    """What a finding is about."""

    FEATURE = "feature"
    PREDICTION = "prediction"
    QUALITY = "quality"
    PERFORMANCE = "performance"
    BUSINESS = "business"
    VOLUME = "volume"


class Status(StrEnum):
    """How a statistic was judged; too little data is `INSUFFICIENT`, neither clean nor breach."""

    OK = "ok"
    BREACH = "breach"
    INSUFFICIENT = "insufficient"


class Severity(StrEnum):
    """How loudly an incident speaks."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for info, 1 for warning, 2 for critical."""
        return list(Severity).index(self)


PROVISIONAL = "provisional"
"""Detail of a breach whose threshold rests on too short a history: why. Such breaches warn, and never page."""


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """The half-open interval `[start, end)` (aware UTC) of one model version.

    `horizon` is "1h", "1d", "7d", "28d", or "run:<id>" for one run of a batch model.
    """

    horizon: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Statistic:
    """One statistic for every feature of a grid; arrays of shape (features,), NaN where it does not apply.

    `value` is the statistic, `pvalue` its p-value under "no drift, independent rows" (None: it has none),
    `effect` a size comparable between features (None: the value itself), `bound` how far `value` can be from
    the exact one computed on raw rows (None: exact).
    """

    value: FloatArray
    pvalue: FloatArray | None = None
    effect: FloatArray | None = None
    bound: FloatArray | None = None

    def __array__(self, dtype: np.dtype[np.float64] | None = None, copy: bool | None = None) -> FloatArray:
        return np.array(self.value, dtype=dtype, copy=copy)


@dataclass(frozen=True, slots=True)
class Judgement:
    """One detector's statistic held against a rule: arrays of shape (features,)."""

    threshold: FloatArray
    breach: NDArray[np.bool_]
    sufficient: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Finding:
    """One statistic judged. Append-only: a later look at the same window is a new revision, never an edit.

    `n` is the number of production rows behind it. `detail` holds what a person needs beside the figure
    ("was 0.02, now 0.31"), as plain JSON values; it never holds raw values of private columns.
    """

    model: str
    version: str
    window: Window
    segment: str | None
    subject: str
    kind: Kind
    detector: str
    statistic: float | None
    pvalue: float | None
    threshold: float | None
    effect: float | None
    status: Status
    n: int
    revision: int
    evaluated_at: datetime
    baseline_id: str = ""
    config_hash: str = ""
    program: str = ""
    detail: Mapping[str, object] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """The contract's JSON object (`{"type": "finding", …}`), times as ISO 8601 with Z."""
        return {
            "type": "finding",
            "model": self.model,
            "version": self.version,
            "window": {
                "horizon": self.window.horizon,
                "start": iso(self.window.start),
                "end": iso(self.window.end),
            },
            "segment": self.segment,
            "subject": self.subject,
            "kind": self.kind.value,
            "detector": self.detector,
            "statistic": self.statistic,
            "pvalue": self.pvalue,
            "threshold": self.threshold,
            "effect": self.effect,
            "status": self.status.value,
            "n": self.n,
            "revision": self.revision,
            "evaluated_at": iso(self.evaluated_at),
            "detail": dict(self.detail),
        }


def iso(moment: datetime) -> str:
    """An aware UTC datetime as `2013-05-01T04:00:00Z`."""
    return moment.isoformat().replace("+00:00", "Z")
