"""What is noted beside a finding: a known event, the first baseline behind a moving one, a new normal half reached.

In: findings as they were judged. Out: findings with what a reader needs beside them. Kept: nothing. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from detectors.result import Finding, Status, Window
from monitor.reference.baseline import ACCEPTED
from monitor.store.baselines import Baseline


def noted(findings: Sequence[Finding], event: str, sure: Sequence[Finding]) -> list[Finding]:
    """Findings of a window that lies in a known event: on record, and no alarm.

    `sure` are those of breakage, which no holiday explains (a vanished column): what breaches there stays an alarm.
    """
    broken = {_key(one) for one in sure if one.status is Status.BREACH}
    return [
        one
        if one.status is Status.BREACH and _key(one) in broken
        else replace(one, detail={**one.detail, "event": event})
        for one in findings
    ]


def anchored(moving: Sequence[Finding], anchor: Sequence[Finding], origin: str) -> list[Finding]:
    """Findings against a moving reference, with those that breach against the first baseline alone put in their place.

    So a change that is too slow for a reference that follows it is seen all the same.
    """
    far = {_key(one): one for one in anchor if one.status is Status.BREACH}
    found = [
        replace(far[_key(one)], detail={**far[_key(one)].detail, "against": f"the first baseline ({origin})"})
        if one.status is not Status.BREACH and _key(one) in far
        else one
        for one in moving
    ]
    known = {_key(one) for one in found}
    return [*found, *(one for key, one in far.items() if key not in known)]


def mixed(baseline: Baseline, window: Window) -> str:
    """Why a window is not judged by what was accepted: it begins before; empty where it does not."""
    if not baseline.spec.startswith(ACCEPTED) or baseline.start is None or window.start >= baseline.start:
        return ""
    return f"the window begins before the new normal ({baseline.origin})"


def _key(finding: Finding) -> tuple[str, str, str | None]:
    return finding.subject, finding.detector, finding.segment
