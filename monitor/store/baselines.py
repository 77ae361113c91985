"""Baselines and their grids.

In: a connection. Out: `Baseline` values. Kept: one row a baseline, never changed once ready, and its grid.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.tables import insert_once
from detectors.grid import Grid
from detectors.measured import NAN, Measured
from detectors.profile import Profile
from monitor.store.locks import lock_model
from monitor.store.metadata import METADATA, Instant

# Among the measures; no measure is called so.
_SEGMENTS = "segments"

GRIDS = sa.Table(
    "grids",
    METADATA,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
)

BASELINES = sa.Table(
    "baselines",
    METADATA,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("model", sa.String(200), nullable=False),
    sa.Column("version", sa.String(200), nullable=False),
    sa.Column("spec", sa.Text, nullable=False),
    sa.Column("grid", sa.String(64), sa.ForeignKey("grids.id"), nullable=False),
    sa.Column("profile", sa.LargeBinary, nullable=False),
    sa.Column("performance", sa.Text, nullable=False),
    sa.Column("start", Instant, nullable=True),
    sa.Column("end", Instant, nullable=True),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("origin", sa.String(400), nullable=False),
    sa.Column("provisional", sa.Boolean, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("current", sa.Boolean, nullable=False),
    sa.Column("joint", sa.LargeBinary, nullable=True),
    sa.Column("joint_reason", sa.Text, nullable=True),
    sa.Column("sample_rate", sa.Double, nullable=True),
    sa.Index("baselines_current", "model", "version", "current"),
)


@dataclass(frozen=True, slots=True)
class Baseline:
    """A named reference of one model version.

    `spec` is the config it was made from; `performance` maps a measure to what it was on the reference
    (`segment_performance`: by segment first); a `provisional`
    one watches for breakage alone while the real one is being learned. `joint` is the `JointModel` of its days as
    bytes, or None with the `joint_reason` why there is none; `sample_rate` is the rate at which its rows were sampled
    (None: never asked for).
    """

    id: str
    model: str
    version: str
    spec: str
    grid: Grid
    profile: Profile
    performance: Mapping[str, Measured]
    start: datetime | None
    end: datetime | None
    rows: int
    origin: str
    provisional: bool
    created_at: datetime
    joint: bytes | None = None
    joint_reason: str = ""
    sample_rate: float | None = None
    segment_performance: Mapping[str, Mapping[str, Measured]] = field(default_factory=dict)

    @property
    def inherited(self) -> bool:
        """Whether it was made of another version's rows."""
        return self.origin.startswith("inherited")

    def performance_json(self) -> str:
        """The performance of the whole and of each segment, as it is stored."""
        plain: dict[str, object] = {name: _parts(one) for name, one in self.performance.items()}
        if self.segment_performance:
            plain[_SEGMENTS] = {
                label: {name: _parts(one) for name, one in each.items()}
                for label, each in self.segment_performance.items()
            }
        return json.dumps(plain)


def save(connection: Connection, baseline: Baseline) -> None:
    """Make `baseline` the current one of its model version; earlier ones stay, no longer current."""
    lock_model(connection, baseline.model)
    grid = baseline.grid
    if connection.execute(sa.select(GRIDS.c.id).where(GRIDS.c.id == grid.id)).one_or_none() is None:
        insert_once(connection, GRIDS, {"id": grid.id, "data": grid.to_bytes()})
    connection.execute(
        BASELINES.update()
        .where(BASELINES.c.model == baseline.model, BASELINES.c.version == baseline.version)
        .values(current=False)
    )
    connection.execute(BASELINES.delete().where(BASELINES.c.id == baseline.id))
    connection.execute(
        BASELINES.insert().values(
            id=baseline.id,
            model=baseline.model,
            version=baseline.version,
            spec=baseline.spec,
            grid=grid.id,
            profile=baseline.profile.to_bytes(),
            performance=baseline.performance_json(),
            start=baseline.start,
            end=baseline.end,
            rows=baseline.rows,
            origin=baseline.origin,
            provisional=baseline.provisional,
            created_at=baseline.created_at,
            current=True,
            joint=baseline.joint,
            joint_reason=baseline.joint_reason or None,
            sample_rate=baseline.sample_rate,
        )
    )


def use(connection: Connection, baseline: Baseline) -> None:
    """Make a stored baseline the current one of its model version again."""
    lock_model(connection, baseline.model)
    mine = sa.and_(BASELINES.c.model == baseline.model, BASELINES.c.version == baseline.version)
    connection.execute(BASELINES.update().where(mine).values(current=BASELINES.c.id == baseline.id))


def _parts(one: Measured) -> list[float | int | None]:
    """A measure as plain JSON, which has no NaN."""
    parts = (one.value, one.stderr, one.n, one.days, one.rows_stderr, one.daily, one.between, one.memory)
    return [None if part != part else part for part in parts]


def _measured(parts: list[float | None]) -> Measured:
    value, stderr, n, *more = [NAN if part is None else part for part in parts]
    return Measured(value, stderr, int(n), *more)


def keep_performance(connection: Connection, baseline: Baseline) -> None:
    """Write the performance of a stored baseline anew: labels of its rows have come since it was made."""
    connection.execute(
        BASELINES.update().where(BASELINES.c.id == baseline.id).values(performance=baseline.performance_json())
    )


def keep_joint(connection: Connection, baseline: Baseline) -> None:
    """Add to a stored baseline what its days say of the joint distribution: it was asked for after it was made."""
    connection.execute(
        BASELINES.update()
        .where(BASELINES.c.id == baseline.id)
        .values(joint=baseline.joint, joint_reason=baseline.joint_reason or None, sample_rate=baseline.sample_rate)
    )


def current(connection: Connection, model: str, version: str) -> Baseline | None:
    """The baseline a model version is compared with now, if there is one."""
    return _one(
        connection,
        sa.and_(BASELINES.c.model == model, BASELINES.c.version == version, BASELINES.c.current),
    )


def get(connection: Connection, baseline_id: str) -> Baseline | None:
    """A baseline by id, current or not."""
    return _one(connection, BASELINES.c.id == baseline_id)


def of_spec(connection: Connection, model: str, version: str, spec: str) -> Baseline | None:
    """The newest baseline of a model version that was made from `spec`, current or not."""
    mine = (BASELINES.c.model == model, BASELINES.c.version == version, BASELINES.c.spec == spec)
    return _one(connection, sa.and_(*mine))


def newest(connection: Connection, model: str) -> Baseline | None:
    """The baseline made last for any version of a model: what a new version may inherit."""
    return _one(connection, sa.and_(BASELINES.c.model == model, BASELINES.c.current, sa.not_(BASELINES.c.provisional)))


def listing(connection: Connection, model: str | None = None) -> list[dict[str, object]]:
    """Every baseline's facts without its arrays, newest last."""
    names = ("id", "model", "version", "origin", "start", "end", "rows", "provisional", "created_at", "current")
    query = sa.select(*(BASELINES.c[name] for name in names)).order_by(BASELINES.c.created_at)
    if model is not None:
        query = query.where(BASELINES.c.model == model)
    return [dict(row._mapping) for row in connection.execute(query)]


def _one(connection: Connection, condition: sa.ColumnElement[bool]) -> Baseline | None:
    row = connection.execute(
        sa.select(BASELINES, GRIDS.c.data)
        .join(GRIDS, GRIDS.c.id == BASELINES.c.grid)
        .where(condition)
        .order_by(BASELINES.c.created_at.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    grid = _grid(row.data)
    performance = json.loads(row.performance)
    segments = performance.pop(_SEGMENTS, {})
    return Baseline(
        id=row.id,
        model=row.model,
        version=row.version,
        spec=row.spec,
        grid=grid,
        profile=Profile.from_bytes(grid, row.profile),
        performance={name: _measured(parts) for name, parts in performance.items()},
        start=row.start,
        end=row.end,
        rows=row.rows,
        origin=row.origin,
        provisional=row.provisional,
        created_at=row.created_at,
        joint=row.joint,
        joint_reason=row.joint_reason or "",
        sample_rate=row.sample_rate,
        segment_performance={
            label: {name: _measured(parts) for name, parts in each.items()} for label, each in segments.items()
        },
    )


@lru_cache(maxsize=32)
def _grid(data: bytes) -> Grid:
    """A grid never changes, and what is derived from it (a table to find cells by, a coarse twin) is worth keeping."""
    return Grid.from_bytes(data)
