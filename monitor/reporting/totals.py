"""The figures of a digest over all its models: alarms and coverage.

In: `Gathered` of each model. Out: `AlarmCounts`, `Coverage`. Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from statistics import median

from alerts.incident import Verdict
from detectors.result import Kind, Status
from monitor.reporting.gather import Gathered, name_of
from reports.context import AlarmCounts, Coverage

_MONTH_DAYS = 30


def alarms(everything: Sequence[Gathered]) -> AlarmCounts:
    """Incidents opened in the period, by what people said of them."""
    opened = [incident for gathered in everything for incident in gathered.opened]
    verdicts = [incident.verdict for incident in opened]
    waits = [
        (incident.acknowledged_at - incident.opened_at).total_seconds() / 60
        for incident in opened
        if incident.acknowledged_at is not None
    ]
    return AlarmCounts(
        sent=len(opened),
        real=sum(verdict in (Verdict.FIXED, Verdict.ACCEPTED) for verdict in verdicts),
        expected=verdicts.count(Verdict.EXPECTED),
        false=verdicts.count(Verdict.FALSE_ALARM),
        unjudged=verdicts.count(None),
        promised=_promised(everything),
        minutes_to_acknowledge=median(waits) if waits else None,
    )


def _promised(everything: Sequence[Gathered]) -> float | None:
    """How many false alarms the models' budgets allow in the period, as far as each was watched; None without any."""
    allowed = [
        gathered.settings.budget * gathered.watched_days / _MONTH_DAYS
        for gathered in everything
        if gathered.settings.budget is not None
    ]
    return sum(allowed) if allowed else None


def coverage(gathered: Gathered) -> Coverage:
    """How much of what was due of one model in the period was judged, on how many rows."""
    judged = gathered.in_period(gathered.inputs) + gathered.in_period(gathered.performance)
    if gathered.slots:
        predictions = sum(s.rows for s in gathered.slots if gathered.period.start <= s.start < gathered.period.end)
    else:
        predictions = sum(one.rows for one in gathered.of_horizon(gathered.inputs, "run"))
    return Coverage(
        windows_due=len(judged) + len(gathered.skipped),
        windows_evaluated=len(judged),
        windows_insufficient=sum(all(f.status is Status.INSUFFICIENT for f in one.findings) for one in judged),
        windows_skipped=len(gathered.skipped),
        predictions=predictions,
        labels=_labels(gathered),
    )


def together(one: Coverage, other: Coverage) -> Coverage:
    """The coverage of two sets of models as one."""
    return Coverage(*(getattr(one, field.name) + getattr(other, field.name) for field in fields(Coverage)))


def _labels(gathered: Gathered) -> int:
    """Labels that have come for the period's predictions: the newest week's, or the days' together."""
    judged = gathered.in_period(gathered.performance)
    for horizon in ("7d", "1d"):
        mine = [one for one in judged if name_of(one) == horizon]
        counts = [max((f.n for f in one.findings if f.kind is Kind.PERFORMANCE), default=0) for one in mine]
        if counts:
            return counts[-1] if horizon == "7d" else sum(counts)
    return 0
