"""Samples of rows by hour: what the detectors of the joint distribution read.

In: a connection; hours of a model. Out: samples, merged over a span. Kept: one compressed blob per (model, version,
grid, slot), with the source token it was read from and the rate it was drawn at, for models that asked for it.
A sample is replaced together with its hour's profile, never added to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from detectors.grid import Grid
from detectors.sample import Sample
from monitor.store.metadata import METADATA, Instant

SAMPLES = sa.Table(
    "samples",
    METADATA,
    sa.Column("model", sa.String(200), primary_key=True),
    sa.Column("version", sa.String(200), primary_key=True),
    sa.Column("grid", sa.String(64), primary_key=True),
    sa.Column("start", Instant, primary_key=True),
    sa.Column("token", sa.String(64), nullable=False),
    sa.Column("rate", sa.Double, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=True),
)


@dataclass(frozen=True, slots=True)
class HourSample:
    """The rows kept of one hour of one version, drawn at `rate`; `data` is None where there are none."""

    version: str
    grid: str
    start: datetime
    token: str
    rate: float
    rows: int
    data: bytes | None

    @classmethod
    def of(cls, version: str, start: datetime, token: str, rate: float, sample: Sample) -> HourSample:
        """A sample as it is stored."""
        data = sample.to_bytes() if sample.rows else None
        return cls(version, sample.grid_id, start, token, rate, sample.rows, data)


def sampled(
    connection: Connection, model: str, wanted: Mapping[str, tuple[str, float]], start: datetime, end: datetime
) -> dict[tuple[str, datetime], str]:
    """Tokens of the samples of `[start, end)`, by (version, slot), on each version's grid and at its rate."""
    return {
        (version, row.start): row.token
        for version, drawn in wanted.items()
        for row in connection.execute(_select(SAMPLES.c.token, model, version, drawn, start, end))
    }


def contents(
    connection: Connection, model: str, wanted: Mapping[str, tuple[str, float]], start: datetime, end: datetime
) -> dict[tuple[str, datetime], bytes | None]:
    """The samples of `[start, end)` as bytes, by (version, slot), as `sampled` finds them; None for no rows."""
    return {
        (version, row.start): row.data
        for version, drawn in wanted.items()
        for row in connection.execute(_select(SAMPLES.c.data, model, version, drawn, start, end))
    }


def replace(connection: Connection, model: str, hours: Sequence[HourSample]) -> None:
    """Put freshly read samples in place of what was stored; to be called with `profiles.replace`, which locks."""
    for version, grid in sorted({(hour.version, hour.grid) for hour in hours}):
        starts = [hour.start for hour in hours if (hour.version, hour.grid) == (version, grid)]
        connection.execute(SAMPLES.delete().where(*_of(model, version, grid), SAMPLES.c.start.in_(starts)))
    if hours:
        connection.execute(
            SAMPLES.insert(),
            [
                {
                    "model": model,
                    "version": h.version,
                    "grid": h.grid,
                    "start": h.start,
                    "token": h.token,
                    "rate": h.rate,
                    "rows": h.rows,
                    "data": h.data,
                }
                for h in hours
            ],
        )


def total(
    connection: Connection, model: str, version: str, grid: Grid, rate: float, start: datetime, end: datetime
) -> Sample:
    """All rows kept of `[start, end)` at one rate."""
    found = contents(connection, model, {version: (grid.id, rate)}, start, end)
    result = Sample.empty(grid)
    for data in found.values():
        if data is not None:
            result = result + Sample.from_bytes(grid, data)
    return result


def discard(connection: Connection, model: str, slots: Sequence[datetime]) -> None:
    """Drop the samples of slots that are no slots any more."""
    for slot in slots:
        connection.execute(SAMPLES.delete().where(SAMPLES.c.model == model, SAMPLES.c.start == slot))


def forget(connection: Connection, before: datetime) -> None:
    """Drop what is past its keeping time, which is that of hour profiles: an hour that has one has the other."""
    connection.execute(SAMPLES.delete().where(SAMPLES.c.start < before))


def _of(model: str, version: str, grid: str) -> list[sa.ColumnElement[bool]]:
    return [SAMPLES.c.model == model, SAMPLES.c.version == version, SAMPLES.c.grid == grid]


def _select(
    column: sa.Column[Any], model: str, version: str, drawn: tuple[str, float], start: datetime, end: datetime
) -> sa.Select[Any]:
    grid, rate = drawn
    return sa.select(SAMPLES.c.start, column).where(
        *_of(model, version, grid), SAMPLES.c.rate == rate, SAMPLES.c.start >= start, SAMPLES.c.start < end
    )
