"""A trouble of a model, and what is to be said of it.

In: nothing. Out: the kinds of trouble, and a `Diagnosis`, which `diagnosis.py` makes of findings. Kept: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from detectors.result import Finding, Severity


class Trouble(StrEnum):
    """Kinds of trouble; a model has one incident of each at most."""

    DATA = "data"
    DRIFT = "drift"
    PERFORMANCE = "performance"
    SILENCE = "silence"
    BLIND = "blind"
    CHANNEL = "channel"
    LABELS = "labels"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One trouble: what it is, how bad, what is affected (worst first), why, what to look at, and the findings."""

    trouble: Trouble
    diagnosis: str
    severity: Severity
    subjects: tuple[str, ...]
    summary: str
    action: str
    evidence: tuple[Finding, ...]
