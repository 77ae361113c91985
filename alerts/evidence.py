"""The figures kept with an incident: plain JSON, bounded, comparable between detectors.

In: findings. Out: dictionaries that can be stored and sent. Kept: nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from detectors.result import Finding, iso

_MOST = 12
Evidence = Mapping[str, Any]


def times_limit(finding: Finding) -> float:
    """How many times its limit a finding is: what makes one detector's figures comparable with another's."""
    return _ratio(_finite(finding.effect), _finite(finding.statistic), _finite(finding.threshold))


def _ratio(effect: float | None, statistic: float | None, threshold: float | None) -> float:
    # A figure without a limit describes what another one alarmed about.
    return abs(effect if effect is not None else statistic or 0.0) / threshold if threshold else 0.0


def _finite(value: float | None) -> float | None:
    """The value, or None where it is none that JSON can hold."""
    return value if value is not None and math.isfinite(value) else None


def figures(known: Sequence[Mapping[str, Any]], findings: Iterable[Finding]) -> tuple[Mapping[str, Any], ...]:
    """The figures kept with an incident: the newest of each kind, strongest first, twelve at most."""
    kept: dict[tuple[object, ...], Mapping[str, Any]] = {_figure_key(figure): figure for figure in known}
    for finding in sorted(findings, key=lambda one: (one.window.end, one.revision)):
        figure = {
            "subject": finding.subject,
            "kind": finding.kind.value,
            "detector": finding.detector,
            "segment": finding.segment,
            "statistic": _finite(finding.statistic),
            "threshold": _finite(finding.threshold),
            "pvalue": _finite(finding.pvalue),
            "effect": _finite(finding.effect),
            "before": finding.detail.get("before"),
            "after": finding.detail.get("after"),
            "n": finding.n,
            "horizon": finding.window.horizon,
            "start": iso(finding.window.start),
            "end": iso(finding.window.end),
        }
        kept[_figure_key(figure)] = figure
    strongest = sorted(
        kept.values(), key=lambda one: _ratio(one["effect"], one["statistic"], one["threshold"]), reverse=True
    )
    return tuple(strongest[:_MOST])


def _figure_key(figure: Mapping[str, Any]) -> tuple[object, ...]:
    return (figure["subject"], figure["detector"], figure["segment"], figure["horizon"].partition(":")[0])
