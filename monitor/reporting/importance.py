"""How much a model uses each of its features, as far as anybody knows.

In: a connection, a model's settings, its baseline. Out: shares by feature and where they come from. Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.engine import Connection

from detectors.result import DetectorError
from detectors.surrogate import Surrogate
from monitor.settings import ModelSettings
from monitor.store import surrogates
from monitor.store.baselines import Baseline


@dataclass(frozen=True, slots=True)
class Importance:
    """Each feature's share of the model's use of all of them; empty where nothing is known. `source` is in words."""

    shares: Mapping[str, float] = field(default_factory=dict)
    source: str = ""


def importance_of(connection: Connection, settings: ModelSettings, baseline: Baseline | None) -> Importance:
    """The owner's own figures, else those of the surrogate kept beside the baseline, else none."""
    own = settings.reasons.importance
    if own:
        total = sum(own.values())
        return Importance({name: weight / total for name, weight in own.items()}, "as configured")
    data = surrogates.first(connection, baseline.id) if baseline is not None else None
    if data is None:
        return Importance()
    try:
        learned = Surrogate.from_bytes(data)
    except DetectorError:
        return Importance()  # of another version of Driftline: a page does without it
    shares = {name: float(share) for name, share in zip(learned.names, learned.importance, strict=True)}
    return Importance(shares, "learned from its predictions")
