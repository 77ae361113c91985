"""Hour profiles, their roll-up by day, and which state of the source they were read from.

In: a connection; slots (hours) of a model. Out: profiles as sums. Kept: one compressed blob per
(model, version, grid, slot), one per day made from them on first use, beside it what a calibration makes of that day,
and the source token of each slot. A slot is replaced, never incremented: reading it again cannot count a row twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from detectors.grid import Grid
from detectors.profile import Profile
from monitor.store.locks import lock_model
from monitor.store.metadata import METADATA, Instant

SLOTS = sa.Table(
    "slots",
    METADATA,
    sa.Column("model", sa.String(200), primary_key=True),
    sa.Column("start", Instant, primary_key=True),
    sa.Column("token", sa.String(64), nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("newest", Instant, nullable=True),
    sa.Column("pending", sa.Boolean, nullable=False),
    sa.Column("ids", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("repeats", sa.BigInteger, nullable=False, server_default="0"),
)

HOURS = sa.Table(
    "hour_profiles",
    METADATA,
    sa.Column("model", sa.String(200), primary_key=True),
    sa.Column("version", sa.String(200), primary_key=True),
    sa.Column("grid", sa.String(64), primary_key=True),
    sa.Column("start", Instant, primary_key=True),
    sa.Column("token", sa.String(64), nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=True),
)

DAYS = sa.Table(
    "day_profiles",
    METADATA,
    sa.Column("model", sa.String(200), primary_key=True),
    sa.Column("version", sa.String(200), primary_key=True),
    sa.Column("grid", sa.String(64), primary_key=True),
    sa.Column("start", Instant, primary_key=True),
    sa.Column("end", Instant, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=True),
    sa.Column("taught", sa.String(32), nullable=True),
    sa.Column("sums", sa.LargeBinary, nullable=True),
)


_FROM, _TO = sa.bindparam("from", type_=Instant), sa.bindparam("to", type_=Instant)
_SPAN = (SLOTS.c.model == sa.bindparam("model"), SLOTS.c.start >= _FROM, SLOTS.c.start < _TO)
_HOURS = (
    HOURS.c.model == sa.bindparam("model"),
    HOURS.c.version == sa.bindparam("version"),
    HOURS.c.grid == sa.bindparam("grid"),
    HOURS.c.start >= _FROM,
    HOURS.c.start < _TO,
)
# What every window asks for, some of it a dozen times, is put together once: that takes ten times what asking does.
_SLOTS = sa.select(SLOTS).where(*_SPAN)
_COUNTED = sa.select(
    sa.func.count(),
    sa.func.coalesce(sa.func.sum(SLOTS.c.rows), 0),
    sa.type_coerce(sa.func.max(SLOTS.c.newest), Instant),
).where(*_SPAN)
_REPEATED = sa.select(
    sa.func.coalesce(sa.func.sum(SLOTS.c.ids), 0), sa.func.coalesce(sa.func.sum(SLOTS.c.repeats), 0)
).where(*_SPAN)
_TOKENS = sa.select(HOURS.c.start, HOURS.c.token).where(*_HOURS)
_CONTENTS = sa.select(HOURS.c.start, HOURS.c.data).where(*_HOURS)
_DAYS = sa.select(DAYS.c.start, DAYS.c.end, DAYS.c.data, DAYS.c.taught, DAYS.c.sums).where(
    DAYS.c.model == sa.bindparam("model"),
    DAYS.c.version == sa.bindparam("version"),
    DAYS.c.grid == sa.bindparam("grid"),
    DAYS.c.start >= _FROM,
    DAYS.c.end <= _TO,
)


@dataclass(frozen=True, slots=True)
class SlotState:
    """What one hour of the source looked like when it was read: its token, rows of all versions, newest row.

    `pending`: its rows are other than they were, and windows that were judged before have not been looked at again.
    `ids`: rows whose id was looked at, `repeats`: those of them whose id had come before within the hour.
    """

    start: datetime
    token: str
    rows: int
    newest: datetime | None
    pending: bool = True
    ids: int = 0
    repeats: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """The counts of a span. `sums`: what the calibration that is called `taught` made of them, where one has."""

    start: datetime
    end: datetime
    profile: Profile
    taught: str | None = None
    sums: bytes | None = None


@dataclass(frozen=True, slots=True)
class DaySums:
    """What a calibration made of a day of `rows` rows, to be stored beside it."""

    start: datetime
    end: datetime
    rows: int
    sums: bytes


@dataclass(frozen=True, slots=True)
class HourProfile:
    """One hour of one version on one grid; `profile` and its bytes, `data`, are None where the version had no rows."""

    version: str
    grid: str
    start: datetime
    token: str
    rows: int
    profile: Profile | None
    data: bytes | None

    @classmethod
    def of(cls, version: str, grid: str, start: datetime, token: str, profile: Profile | None) -> HourProfile:
        """An hour with its counts as they are stored."""
        if profile is None:
            return cls(version, grid, start, token, 0, None, None)
        return cls(version, grid, start, token, profile.rows, profile, profile.to_bytes())


def slot_states(connection: Connection, model: str, start: datetime, end: datetime) -> dict[datetime, SlotState]:
    """The slots of `[start, end)` that have been read, by start."""
    rows = connection.execute(_SLOTS, {"model": model, "from": start, "to": end})
    return {
        row.start: SlotState(row.start, row.token, row.rows, row.newest, row.pending, row.ids, row.repeats)
        for row in rows
    }


def counted(connection: Connection, model: str, start: datetime, end: datetime) -> tuple[int, int, datetime | None]:
    """(slots that have been read, their rows, time of their newest row) of `[start, end)`."""
    row = connection.execute(_COUNTED, {"model": model, "from": start, "to": end}).one()
    return int(row[0]), int(row[1]), row[2]


def repeated(connection: Connection, model: str, start: datetime, end: datetime) -> tuple[int, int]:
    """(rows whose id was looked at, those of them that repeat the id of another) of `[start, end)`."""
    row = connection.execute(_REPEATED, {"model": model, "from": start, "to": end}).one()
    return int(row[0]), int(row[1])


def profiled(
    connection: Connection, model: str, grids: Mapping[str, str], start: datetime, end: datetime
) -> dict[tuple[str, datetime], str]:
    """Tokens of the stored hour profiles of `[start, end)`, by (version, slot), for each version's grid."""
    found: dict[tuple[str, datetime], str] = {}
    for version, grid in grids.items():
        key = {"model": model, "version": version, "grid": grid}
        rows = connection.execute(_TOKENS, {**key, "from": start, "to": end})
        found.update({(version, row.start): row.token for row in rows})
    return found


def contents(
    connection: Connection, model: str, grids: Mapping[str, Grid], start: datetime, end: datetime
) -> dict[tuple[str, datetime], Profile | None]:
    """The stored hour profiles of `[start, end)`, by (version, slot), for each version's grid; None for no rows."""
    found: dict[tuple[str, datetime], Profile | None] = {}
    for version, grid in grids.items():
        key = {"model": model, "version": version, "grid": grid.id}
        rows = connection.execute(_CONTENTS, {**key, "from": start, "to": end})
        found.update(
            {(version, row.start): None if row.data is None else Profile.from_bytes(grid, row.data) for row in rows}
        )
    return found


def replace(connection: Connection, model: str, states: Sequence[SlotState], hours: Sequence[HourProfile]) -> None:
    """Put freshly read slots in place of what was stored, and forget the days made from the old ones."""
    lock_model(connection, model)
    if states:
        starts = [state.start for state in states]
        connection.execute(SLOTS.delete().where(SLOTS.c.model == model, SLOTS.c.start.in_(starts)))
        connection.execute(
            SLOTS.insert(),
            [
                {
                    "model": model,
                    "start": s.start,
                    "token": s.token,
                    "rows": s.rows,
                    "newest": s.newest,
                    "pending": s.pending,
                    "ids": s.ids,
                    "repeats": s.repeats,
                }
                for s in states
            ],
        )
    for version, grid in sorted({(hour.version, hour.grid) for hour in hours}):
        key = [HOURS.c.model == model, HOURS.c.version == version, HOURS.c.grid == grid]
        starts = [hour.start for hour in hours if (hour.version, hour.grid) == (version, grid)]
        connection.execute(HOURS.delete().where(*key, HOURS.c.start.in_(starts)))
    if hours:
        connection.execute(
            HOURS.insert(),
            [
                {
                    "model": model,
                    "version": h.version,
                    "grid": h.grid,
                    "start": h.start,
                    "token": h.token,
                    "rows": h.rows,
                    "data": h.data,
                }
                for h in hours
            ],
        )
        first, last = min(h.start for h in hours), max(h.start for h in hours)
        connection.execute(DAYS.delete().where(DAYS.c.model == model, DAYS.c.start <= last, DAYS.c.end > first))


def looked_at(connection: Connection, model: str, slots: Sequence[datetime]) -> None:
    """What depends on these slots has been judged as they now are."""
    if slots:
        connection.execute(
            SLOTS.update()
            .where(SLOTS.c.model == model, SLOTS.c.start == sa.bindparam("slot"))
            .values(pending=sa.false()),
            [{"slot": slot} for slot in slots],
        )


def discard(connection: Connection, model: str, slots: Sequence[datetime]) -> None:
    """Drop slots that are no slots any more: the model's days are cut by another clock now."""
    for slot in slots:
        connection.execute(SLOTS.delete().where(SLOTS.c.model == model, SLOTS.c.start == slot))
        connection.execute(HOURS.delete().where(HOURS.c.model == model, HOURS.c.start == slot))
        connection.execute(DAYS.delete().where(DAYS.c.model == model, DAYS.c.start <= slot, DAYS.c.end > slot))


def total(
    connection: Connection,
    model: str,
    version: str,
    grid: Grid,
    spans: Iterable[tuple[datetime, datetime]],
    made: list[tuple[datetime, datetime, Profile]],
) -> Profile:
    """The sum over `spans`; see `pieces`."""
    found = pieces(connection, model, version, grid, spans, made)
    return sum((piece.profile for piece in found), Profile.empty(grid))


def pieces(
    connection: Connection,
    model: str,
    version: str,
    grid: Grid,
    spans: Iterable[tuple[datetime, datetime]],
    made: list[tuple[datetime, datetime, Profile]],
) -> list[Piece]:
    """The profile of each of `spans` (whole days, or shorter pieces), from day roll-ups where there are some.

    Days that had to be summed from hours are appended to `made`; `keep_days` stores them later, so that
    reading never needs the write lock. What is in `made` already is not summed again.
    """
    spans = list(spans)
    if not spans:
        return []
    key = {"model": model, "version": version, "grid": grid.id}
    summed = {(start, end): profile for start, end, profile in made}
    wanted = {span for span in spans if span not in summed}
    known = {
        (row.start, row.end): Piece(
            row.start,
            row.end,
            Profile.empty(grid) if row.data is None else Profile.from_bytes(grid, row.data),
            row.taught,
            row.sums,
        )
        for row in connection.execute(_DAYS, {**key, "from": spans[0][0], "to": spans[-1][1]})
        if (row.start, row.end) in wanted
    }
    found = []
    for start, end in spans:
        if (start, end) in known:
            found.append(known[start, end])
            continue
        if (start, end) not in summed:
            profile = Profile.empty(grid)
            for row in connection.execute(_CONTENTS, {**key, "from": start, "to": end}):
                if row.data is not None:
                    profile = profile + Profile.from_bytes(grid, row.data)
            made.append((start, end, profile))
            summed[start, end] = profile
        found.append(Piece(start, end, summed[start, end]))
    return found


def keep_days(
    connection: Connection,
    model: str,
    version: str,
    grid: Grid,
    made: Sequence[tuple[datetime, datetime, Profile]],
) -> None:
    """Store day sums that `total` had to make, but for days whose hours have been read again since."""
    lock_model(connection, model)
    for start, end, profile in made:
        hours = sa.select(sa.func.coalesce(sa.func.sum(HOURS.c.rows), 0)).where(
            HOURS.c.model == model,
            HOURS.c.version == version,
            HOURS.c.grid == grid.id,
            HOURS.c.start >= start,
            HOURS.c.start < end,
        )
        if connection.execute(hours).scalar_one() != profile.rows:
            continue
        key = [DAYS.c.model == model, DAYS.c.version == version, DAYS.c.grid == grid.id, DAYS.c.start == start]
        connection.execute(DAYS.delete().where(*key))
        connection.execute(
            DAYS.insert().values(
                model=model,
                version=version,
                grid=grid.id,
                start=start,
                end=end,
                rows=profile.rows,
                data=profile.to_bytes() if profile.rows else None,
            )
        )


def keep_sums(
    connection: Connection, model: str, version: str, grid: str, taught: str, days: Iterable[DaySums]
) -> None:
    """Store beside days what the calibration called `taught` makes of them, but for days that are others since."""
    values = [{"day": day.start, "until": day.end, "counted": day.rows, "made": day.sums} for day in days]
    if values:
        connection.execute(
            DAYS.update()
            .where(
                DAYS.c.model == model,
                DAYS.c.version == version,
                DAYS.c.grid == grid,
                DAYS.c.start == sa.bindparam("day", type_=Instant),
                DAYS.c.end == sa.bindparam("until", type_=Instant),
                DAYS.c.rows == sa.bindparam("counted"),
            )
            .values(taught=taught, sums=sa.bindparam("made")),
            values,
        )


def forget(connection: Connection, hours_before: datetime, days_before: datetime) -> None:
    """Drop what is past its keeping time: hour profiles and slots, and day roll-ups."""
    connection.execute(HOURS.delete().where(HOURS.c.start < hours_before))
    connection.execute(SLOTS.delete().where(SLOTS.c.start < hours_before))
    connection.execute(DAYS.delete().where(DAYS.c.end < days_before))
