"""The ledger and the findings: one row for each evaluated window and revision.

In: a connection inside the evaluation's transaction. Out: `Evaluation` values and findings.
Kept: append-only rows; the findings of a row are one compressed blob, since a month of a model is a quarter of
a million of them and they are always read a window at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from detectors.result import Finding, Kind, Status, Window
from monitor.store.errors import AlreadyEvaluated
from monitor.store.finding_blobs import columns_of, encode, figures_of
from monitor.store.metadata import METADATA, Id, Instant
from monitor.windows import Aspect

EVALUATIONS = sa.Table(
    "evaluations",
    METADATA,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
    sa.Column("model", sa.String(200), nullable=False),
    sa.Column("version", sa.String(200), nullable=False),
    sa.Column("baseline", sa.String(64), nullable=False),
    sa.Column("horizon", sa.String(200), nullable=False),
    sa.Column("aspect", sa.String(16), nullable=False),
    sa.Column("start", Instant, nullable=False),
    sa.Column("end", Instant, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("source", sa.String(64), nullable=False),
    sa.Column("breaches", sa.Integer, nullable=False),
    sa.Column("evaluated_at", Instant, nullable=False),
    sa.Column("due_at", Instant, nullable=False),
    sa.Column("config_hash", sa.String(64), nullable=False),
    sa.Column("program", sa.String(32), nullable=False),
    sa.Column("findings", sa.LargeBinary, nullable=True),
    sa.UniqueConstraint(
        "model", "version", "baseline", "horizon", "aspect", "start", "revision", name="evaluations_key"
    ),
    sa.Index("evaluations_window", "model", "end", "start"),
)

DONE, SKIPPED = "done", "skipped"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One ledger row. `source` is a digest of what the window's rows (or labels) were when it was judged."""

    model: str
    version: str
    baseline: str
    window: Window
    aspect: Aspect
    revision: int
    status: str
    reason: str
    rows: int
    source: str
    evaluated_at: datetime
    due_at: datetime
    config_hash: str
    program: str
    findings: tuple[Finding, ...] = ()


# Every revision of one window; put together once, for it is asked for at every window.
_ONE = tuple(
    EVALUATIONS.c[name] == sa.bindparam(name) for name in ("model", "version", "baseline", "horizon", "aspect", "start")
)
_TOP = sa.select(sa.func.max(EVALUATIONS.c.revision)).where(*_ONE)
_SOURCE = sa.select(EVALUATIONS.c.source).where(*_ONE).order_by(EVALUATIONS.c.revision.desc()).limit(1)
_FIRST_ROWS = (
    sa.select(EVALUATIONS.c.rows).where(*_ONE, EVALUATIONS.c.status == DONE).order_by(EVALUATIONS.c.revision).limit(1)
)


def record(connection: Connection, evaluation: Evaluation) -> None:
    """Write one ledger row with its findings. Raises AlreadyEvaluated if its key is there."""
    try:
        connection.execute(
            EVALUATIONS.insert().values(
                model=evaluation.model,
                version=evaluation.version,
                baseline=evaluation.baseline,
                horizon=evaluation.window.horizon,
                aspect=evaluation.aspect.value,
                start=evaluation.window.start,
                end=evaluation.window.end,
                revision=evaluation.revision,
                status=evaluation.status,
                reason=evaluation.reason,
                rows=evaluation.rows,
                source=evaluation.source,
                breaches=sum(finding.status is Status.BREACH for finding in evaluation.findings),
                evaluated_at=evaluation.evaluated_at,
                due_at=evaluation.due_at,
                config_hash=evaluation.config_hash,
                program=evaluation.program,
                findings=encode(evaluation.findings) if evaluation.findings else None,
            )
        )
    except sa.exc.IntegrityError as error:
        raise AlreadyEvaluated(
            f"{evaluation.model} {evaluation.window.horizon} {evaluation.window.start} was evaluated before"
        ) from error


def find(
    connection: Connection,
    model: str | None = None,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    horizon: str | None = None,
    aspect: Aspect | None = None,
    version: str | None = None,
    as_of: datetime | None = None,
    latest: bool = True,
    findings: bool = True,
    done: bool = True,
) -> Iterator[Evaluation]:
    """Evaluations whose window ends in `(start, end]`, oldest first.

    With `latest`, only the newest revision of each window known `as_of` that instant; with `done`, without the
    skipped ones; without `findings`, the rows come without their (larger) blobs.
    """
    table = EVALUATIONS
    conditions: list[sa.ColumnElement[bool]] = []
    if model is not None:
        conditions.append(table.c.model == model)
    if start is not None:
        conditions.append(table.c.end > start)
    if end is not None:
        conditions.append(table.c.end <= end)
    if horizon is not None:
        conditions.append(table.c.horizon == horizon)
    if aspect is not None:
        conditions.append(table.c.aspect == aspect.value)
    if version is not None:
        conditions.append(table.c.version == version)
    if as_of is not None:
        conditions.append(table.c.evaluated_at <= as_of)
    if done:
        conditions.append(table.c.status == DONE)
    columns = [column for column in table.c if findings or column.name != "findings"]
    query = sa.select(*columns).where(*conditions)
    if latest:
        key = [table.c[name] for name in ("model", "version", "horizon", "aspect", "start")]
        rank = sa.func.row_number().over(partition_by=key, order_by=(table.c.evaluated_at.desc(), table.c.id.desc()))
        ranked = sa.select(table.c.id, rank.label("rank")).where(*conditions).subquery()
        query = sa.select(*columns).join(ranked, ranked.c.id == table.c.id).where(ranked.c.rank == 1)
    for row in connection.execute(query.order_by(table.c.end, table.c.horizon, table.c.id)):
        yield _evaluation(row, findings)


@dataclass(frozen=True, slots=True)
class Past:
    """A window judged some time ago, as far as a series over time needs it.

    `statuses` is the worst status of each kind of finding; `figures` are (statistic, threshold, status) by subject and
    detector, of all rows together. Both are empty where they were not asked for.
    """

    window: Window
    baseline: str
    rows: int
    statuses: Mapping[Kind, Status]
    figures: Mapping[tuple[str, str], tuple[float | None, float | None, Status]]


def past(
    connection: Connection, model: str, start: datetime, end: datetime, horizons: Collection[str], steady: str
) -> list[Past]:
    """The newest judgement of inputs of each window of `horizons` that ends in `(start, end]`, oldest first.

    Read without making a `Finding` of each figure, which takes five times as long. Windows of another horizon than
    `steady` in which nothing breached have no figures.
    """
    table = EVALUATIONS
    found: dict[tuple[str, str, datetime], Any] = {}
    conditions = (table.c.model == model, table.c.end > start, table.c.end <= end, table.c.status == DONE)
    named = sa.or_(sa.false(), *(_of_horizon(name) for name in horizons))
    blob = sa.case((sa.or_(_of_horizon(steady), table.c.breaches > 0), table.c.findings))
    query = sa.select(
        *(table.c[name] for name in ("version", "baseline", "horizon", "start", "end", "rows")), blob.label("findings")
    ).where(*conditions, named, table.c.aspect == Aspect.INPUTS.value)
    for row in connection.execute(query.order_by(table.c.end, table.c.horizon, table.c.evaluated_at, table.c.id)):
        found[row.version, row.horizon, row.start] = row
    return [_past(row) for row in found.values()]


def _of_horizon(name: str) -> sa.ColumnElement[bool]:
    column = EVALUATIONS.c.horizon
    return column.like("run:%") if name == "run" else column == name


def past_of(evaluation: Evaluation) -> Past:
    """The same of an evaluation that has been read whole."""
    figures = {
        (f.subject, f.detector): (f.statistic, f.threshold, f.status) for f in evaluation.findings if f.segment is None
    }
    told = [(finding.kind, finding.status) for finding in evaluation.findings]
    return Past(evaluation.window, evaluation.baseline, evaluation.rows, _worst(told), figures)


def _past(row: Any) -> Past:
    window = Window(row.horizon, row.start, row.end)
    if row.findings is None:
        return Past(window, row.baseline, row.rows, {}, {})
    segments, subjects, kinds, detectors, statistics, _, thresholds, _, statuses, _ = figures_of(row.findings)
    judged = [_STATUSES[status] for status in statuses]
    figures = {
        (subject, detector): (statistic, threshold, status)
        for segment, subject, detector, statistic, threshold, status in zip(
            segments, subjects, detectors, statistics, thresholds, judged, strict=True
        )
        if segment is None
    }
    told = {(_KINDS[kind], _STATUSES[status]) for kind, status in set(zip(kinds, statuses, strict=True))}
    return Past(window, row.baseline, row.rows, _worst(told), figures)


def _worst(told: Iterable[tuple[Kind, Status]]) -> dict[Kind, Status]:
    order = (Status.INSUFFICIENT, Status.OK, Status.BREACH)
    found: dict[Kind, Status] = {}
    for kind, status in told:
        known = found.get(kind, Status.INSUFFICIENT)
        found[kind] = max(known, status, key=order.index)
    return found


def next_revision(
    connection: Connection, model: str, version: str, baseline: str, window: Window, aspect: Aspect
) -> int:
    """The revision the next evaluation of this window is to have: 0 for the first."""
    top = connection.execute(_TOP, _key(model, version, baseline, window, aspect)).scalar_one()
    return 0 if top is None else int(top) + 1


def latest_source(
    connection: Connection, model: str, version: str, baseline: str, window: Window, aspect: Aspect
) -> str | None:
    """The `source` of a window's newest revision; None if it was never evaluated."""
    return connection.execute(_SOURCE, _key(model, version, baseline, window, aspect)).scalar_one_or_none()


def first_rows(
    connection: Connection, model: str, version: str, baseline: str, window: Window, aspect: Aspect
) -> int | None:
    """How many rows a window had when it was first judged; None if it never was."""
    return connection.execute(_FIRST_ROWS, _key(model, version, baseline, window, aspect)).scalar_one_or_none()


def _key(model: str, version: str, baseline: str, window: Window, aspect: Aspect) -> dict[str, Any]:
    """What `_ONE` asks for."""
    return {
        "model": model,
        "version": version,
        "baseline": baseline,
        "horizon": window.horizon,
        "aspect": aspect.value,
        "start": window.start,
    }


def first_end(connection: Connection, model: str) -> datetime | None:
    """When the first window that is on record for a model ended; None where there is none."""
    # Ordered rather than a minimum: that is one step along an index, and keeps the column's type.
    query = sa.select(EVALUATIONS.c.end).where(EVALUATIONS.c.model == model).order_by(EVALUATIONS.c.end).limit(1)
    return connection.execute(query).scalar_one_or_none()


def last_end(connection: Connection, model: str) -> datetime | None:
    """When the last window that is on record for a model ended; None where there is none."""
    query = sa.select(EVALUATIONS.c.end).where(EVALUATIONS.c.model == model).order_by(EVALUATIONS.c.end.desc()).limit(1)
    return connection.execute(query).scalar_one_or_none()


def windows_done(connection: Connection, model: str, due_at: datetime) -> set[tuple[Window, Aspect]]:
    """The windows that fell due at an instant and were judged; those that were skipped may still be."""
    rows = connection.execute(
        sa.select(EVALUATIONS.c.horizon, EVALUATIONS.c.start, EVALUATIONS.c.end, EVALUATIONS.c.aspect).where(
            EVALUATIONS.c.model == model, EVALUATIONS.c.due_at == due_at, EVALUATIONS.c.status == DONE
        )
    )
    return {(Window(row.horizon, row.start, row.end), Aspect(row.aspect)) for row in rows}


def latest_run(connection: Connection, model: str, version: str, horizon: str) -> Evaluation | None:
    """The newest evaluation of one batch run, whatever its baseline; without its findings."""
    query = (
        sa.select(*[column for column in EVALUATIONS.c if column.name != "findings"])
        .where(EVALUATIONS.c.model == model, EVALUATIONS.c.version == version, EVALUATIONS.c.horizon == horizon)
        .order_by(EVALUATIONS.c.id.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else _evaluation(row, with_findings=False)


def run_rows(connection: Connection, model: str, before: datetime, leave_out: str, most: int) -> list[int]:
    """How many rows the last batch runs that began before an instant had when last looked at, newest first.

    The run with the horizon `leave_out` is not among them.
    """
    newest = (
        sa.select(sa.func.max(EVALUATIONS.c.id))
        .where(
            EVALUATIONS.c.model == model,
            EVALUATIONS.c.horizon.like("run:%"),
            EVALUATIONS.c.horizon != leave_out,
            EVALUATIONS.c.rows > 0,
            EVALUATIONS.c.start < before,
        )
        .group_by(EVALUATIONS.c.version, EVALUATIONS.c.horizon)
    )
    rows = connection.execute(
        sa.select(EVALUATIONS.c.rows)
        .where(EVALUATIONS.c.id.in_(newest))
        .order_by(EVALUATIONS.c.start.desc(), EVALUATIONS.c.id.desc())
        .limit(most)
    )
    return [row.rows for row in rows]


def forget(connection: Connection, before: datetime) -> None:
    """Drop evaluations of windows that ended before `before`."""
    connection.execute(EVALUATIONS.delete().where(EVALUATIONS.c.end < before))


# Looked up, because calling an enumeration a million times takes a second.
_KINDS = {kind.value: kind for kind in Kind}
_STATUSES = {status.value: status for status in Status}


def _evaluation(row: sa.Row[tuple[object, ...]], with_findings: bool) -> Evaluation:
    values = row._mapping
    window = Window(values["horizon"], values["start"], values["end"])
    findings: tuple[Finding, ...] = ()
    if with_findings and values["findings"] is not None:
        columns = columns_of(values["findings"])
        findings = tuple(
            Finding(
                model=values["model"],
                version=values["version"],
                window=window,
                segment=segment,
                subject=subject,
                kind=_KINDS[kind],
                detector=detector,
                statistic=statistic,
                pvalue=pvalue,
                threshold=threshold,
                effect=effect,
                status=_STATUSES[status],
                n=n,
                revision=values["revision"],
                evaluated_at=values["evaluated_at"],
                baseline_id=values["baseline"],
                config_hash=values["config_hash"],
                program=values["program"],
                detail=detail,
            )
            for segment, subject, kind, detector, statistic, pvalue, threshold, effect, status, n, detail in zip(
                *columns, strict=True
            )
        )
    return Evaluation(
        model=values["model"],
        version=values["version"],
        baseline=values["baseline"],
        window=window,
        aspect=Aspect(values["aspect"]),
        revision=values["revision"],
        status=values["status"],
        reason=values["reason"],
        rows=values["rows"],
        source=values["source"],
        evaluated_at=values["evaluated_at"],
        due_at=values["due_at"],
        config_hash=values["config_hash"],
        program=values["program"],
        findings=findings,
    )
