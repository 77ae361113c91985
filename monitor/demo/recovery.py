"""Whether a retrained version's predicted rate follows the true one, once labels say.

In: what was retrained, evaluations as they come. Out: for its first whole week and its first four a `Since`.
Kept: in memory, the versions that are followed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.demo.trainer import Retrained
from monitor.store.evaluations import Evaluation
from monitor.windows import Aspect

_HORIZONS = {"7d": "week", "28d": "four weeks"}
_RATES = ("true_rate", "predicted_rate")


@dataclass(frozen=True, slots=True)
class Since:
    """A retrained version's own first `span` ("week"): the rate of late flights, and the one it predicted."""

    made: Retrained
    span: str
    true: float
    predicted: float


class Recovery:
    """Follows the versions it is told of."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], Retrained] = {}

    def follow(self, made: Retrained) -> None:
        """Look out for the first windows of a version that has been put into service."""
        for horizon in _HORIZONS:
            self._waiting[made.version, horizon] = made

    def followed(self) -> set[str]:
        """The versions of which something is still to be told."""
        return {version for version, _ in self._waiting}

    def seen(self, evaluations: Sequence[Evaluation]) -> list[Since]:
        """What these say of a version's first window of either length that it served whole."""
        found = []
        for one in evaluations:
            made = self._waiting.get((one.version, one.window.horizon))
            if made is None or one.aspect is not Aspect.PERFORMANCE or one.window.start < made.since:
                continue
            for finding in one.findings:
                rates = [finding.detail.get(name) for name in _RATES]
                if finding.segment is None and "preliminary" not in finding.detail and None not in rates:
                    true, predicted = (float(str(rate)) for rate in rates)
                    found.append(Since(made, _HORIZONS[one.window.horizon], true, predicted))
                    del self._waiting[one.version, one.window.horizon]
                    break
        return found
