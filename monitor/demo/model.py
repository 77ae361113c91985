"""The demo's model: will this flight arrive more than 15 minutes late?

In: the table of `flights.load`. Out: a model trained on January, and its scores. Kept: nothing; it is trained
again in seconds whenever it is needed, so nothing is pickled.

Gradient boosting with scikit-learn's defaults, untuned: the demo shows what happens to an ordinary model. January
flatters it (it has seen it), so no row of January is ever logged; on the months it has not seen its AUC is
0.62 to 0.70.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.result import FloatArray
from monitor.demo.flights import CATEGORIES, FEATURES, ZONE

if TYPE_CHECKING:
    import pandas as pd

VERSION = "2013-01"
# About one flight in five is late, so a cut at 0.5 would call half as many flights late as are. At 0.35 the model calls
# 23% of February late, its first unseen month, and 23% are: predicted and true rate start out level.
DECISION_THRESHOLD = 0.35


@dataclass(frozen=True)
class DelayModel:
    """A fitted classifier and, for each categorical feature, the values it has seen.

    `shift` is added to its log odds: how much more common late flights are than where it was trained.
    """

    classifier: Any
    known: dict[str, tuple[str, ...]]
    shift: float = 0.0

    def score(self, flights: pd.DataFrame) -> FloatArray:
        """The probability of arriving late, shape (flights,), rounded to six digits."""
        with _one_thread():
            late: FloatArray = self.classifier.predict_proba(_inputs(flights, self.known))[:, 1]
        return np.round(_shifted(late, self.shift) if self.shift else late, 6)


def month_of(flights: pd.DataFrame) -> pd.Series:
    """The month of scheduled departure, 1 to 12, by New York's clock."""
    return flights["ts"].dt.tz_convert(ZONE).dt.month


def train(flights: pd.DataFrame) -> DelayModel:
    """Fit on the flights that have a label. The same flights give the same model."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    labelled = flights[flights["late"].notna()]
    known = {name: tuple(sorted(labelled[name].unique())) for name in CATEGORIES}
    classifier = HistGradientBoostingClassifier(categorical_features="from_dtype", early_stopping=False, random_state=0)
    with _one_thread():
        classifier.fit(_inputs(labelled, known), labelled["late"])
    return DelayModel(classifier, known)


def calibrated(model: DelayModel, flights: pd.DataFrame) -> DelayModel:
    """The model with its scores' mean on `flights`, which have a label and were not trained on, brought to the truth.

    One number only, so that a few weeks are enough to find it.
    """
    score, late = model.score(flights), float(flights["late"].mean())
    low, high = -5.0, 5.0
    for _ in range(40):
        middle = (low + high) / 2.0
        low, high = (middle, high) if float(_shifted(score, middle).mean()) < late else (low, middle)
    return replace(model, shift=model.shift + (low + high) / 2.0)


def log_loss(late: FloatArray, score: FloatArray) -> float:
    """The mean log loss of scores, shape (flights,)."""
    inner = np.clip(score, 1e-6, 1.0 - 1e-6)
    return float(-(late * np.log(inner) + (1.0 - late) * np.log1p(-inner)).mean())


def _shifted(score: FloatArray, shift: float) -> FloatArray:
    inner = np.clip(score, 1e-6, 1.0 - 1e-6)
    odds = inner / (1.0 - inner) * np.exp(shift)
    found: FloatArray = odds / (1.0 + odds)
    return found


def _one_thread() -> Any:
    """Threads that wait for each other spin, and on a busy machine cost tenfold what they save."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

    return threadpool_limits(1)


def _inputs(flights: pd.DataFrame, known: dict[str, tuple[str, ...]]) -> pd.DataFrame:
    """The features; a value of a categorical that the model has not seen becomes missing, which it can handle."""
    import pandas as pd

    inputs = flights[list(FEATURES)].copy()
    for name, values in known.items():
        inputs[name] = pd.Categorical(inputs[name].where(inputs[name].isin(values)), categories=values)
    return inputs
