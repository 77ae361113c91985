"""The segments of a window beside each other: how much of the rows each is, what moved in it, how well it is predicted.

In: profiles with segments, the findings of the same rows. Out: one `SegmentRow` a segment. Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from detectors.performance import MEASURES
from detectors.profile import Profile
from detectors.result import Finding, Kind, Status
from monitor.reporting import pictures
from monitor.reporting.ranking import excess
from reports.context import SegmentRow, State

_INPUTS = (Kind.FEATURE, Kind.PREDICTION, Kind.QUALITY)
_ORDER = (State.BREACH, State.OK, State.INSUFFICIENT, State.MISSING)


def segment_rows(
    reference: Profile,
    production: Profile,
    findings: Sequence[Finding],
    minimum_rows: int,
    subjects: Collection[str] | None = None,
) -> tuple[SegmentRow, ...]:
    """Every segment, those in breach first, then by rows; `subjects` are the columns of interest (None: all).

    Of segments the monitor keeps breaches alone, so one without a figure is in order where it had rows enough to judge.
    """
    if not production.grid.segments or production.grid.id != reference.grid.id:
        return ()
    wanted = [f for f in findings if f.segment is not None and (subjects is None or f.subject in subjects)]
    explained = {
        str(finding.detail["segment"])
        for finding in findings
        if finding.segment is None and "segment" in finding.detail and (subjects is None or finding.subject in subjects)
    }
    rows = []
    for index, label in enumerate(production.grid.segment_labels):
        sizes = [int(profile.parts[index][0]) for profile in (reference, production)]
        if not any(sizes):
            continue
        mine = [finding for finding in wanted if finding.segment == label]
        moved = max(
            (f for f in mine if f.kind in _INPUTS and f.status is Status.BREACH and f.statistic is not None),
            key=excess,
            default=None,
        )
        worst = _worst_measure([finding for finding in mine if finding.kind is Kind.PERFORMANCE])
        judged = State.OK if sizes[1] >= minimum_rows else State.INSUFFICIENT if sizes[1] else State.MISSING
        breach = moved is not None or (worst is not None and worst.status is Status.BREACH)
        rows.append(
            SegmentRow(
                segment=label,
                rows=sizes[1],
                share_reference=sizes[0] / reference.rows if reference.rows else None,
                share_production=sizes[1] / production.rows if production.rows else None,
                subject=moved.subject if moved else "",
                figure=pictures.figure(moved) if moved else None,
                performance=pictures.figure(worst) if worst else None,
                state=State.BREACH if breach else judged,
                note=next((said for said in explained if said.endswith(label)), ""),
            )
        )
    return tuple(sorted(rows, key=lambda row: (_ORDER.index(row.state), -row.rows)))


def _worst_measure(findings: Sequence[Finding]) -> Finding | None:
    """The measure of a segment furthest over its limit, or nearest to it."""
    judged = [one for one in findings if one.detector in MEASURES and one.statistic is not None]
    return max(judged, key=lambda one: (one.status is Status.BREACH, excess(one)), default=None)
