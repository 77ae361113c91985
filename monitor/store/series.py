"""One figure over time, out of the evaluations that were kept.

In: a connection, which figure. Out: its findings, oldest first. Kept: nothing; `evaluations.py` keeps the rows.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from detectors.result import Finding, Kind, Status, Window
from monitor.store.evaluations import DONE, EVALUATIONS
from monitor.store.finding_blobs import columns_of
from monitor.windows import Aspect

_COLUMNS = ("version", "horizon", "start", "end", "baseline", "revision", "evaluated_at", "findings")


def of_figure(
    connection: Connection,
    model: str,
    *,
    aspect: Aspect,
    horizon: str,
    start: datetime,
    end: datetime,
    subject: str,
    detector: str,
    segment: str | None = None,
) -> list[Finding]:
    """What the newest judgement of each window of a horizon ("run": all runs) says that ended in `(start, end]`."""
    table = EVALUATIONS
    named = table.c.horizon.like("run:%") if horizon == "run" else table.c.horizon == horizon
    query = (
        sa.select(*(table.c[name] for name in _COLUMNS))
        .where(table.c.model == model, table.c.end > start, table.c.end <= end, table.c.aspect == aspect.value)
        .where(named, table.c.status == DONE, table.c.findings.is_not(None))
        .order_by(table.c.end, table.c.evaluated_at, table.c.id)
    )
    found: dict[tuple[str, datetime], Finding] = {}
    # One at a time: a wide model's findings are megabytes when they are open.
    for row in connection.execute(query):
        finding = _finding(row, model, (segment, subject, detector))
        if finding is not None:
            found[row.horizon, row.start] = finding
    return list(found.values())


def _finding(row: Any, model: str, wanted: tuple[str | None, str, str]) -> Finding | None:
    columns = columns_of(row.findings)
    segments, subjects, _, detectors = columns[:4]
    for place, names in enumerate(zip(segments, subjects, detectors, strict=True)):
        if names == wanted:
            segment, subject, kind, detector, statistic, pvalue, threshold, effect, status, n, detail = (
                column[place] for column in columns
            )
            return Finding(
                model=model,
                version=row.version,
                window=Window(row.horizon, row.start, row.end),
                segment=segment,
                subject=subject,
                kind=Kind(kind),
                detector=detector,
                statistic=statistic,
                pvalue=pvalue,
                threshold=threshold,
                effect=effect,
                status=Status(status),
                n=n,
                revision=row.revision,
                evaluated_at=row.evaluated_at,
                baseline_id=row.baseline,
                detail=detail,
            )
    return None
