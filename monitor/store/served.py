"""What versions were served with: preprocessing fingerprints seen in the log, versions that were registered.

In: a connection. Out: plain values. Kept: a row a (model, version, fingerprint) seen, one a registered version, and the
profile of a training file on a baseline's grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.tables import insert_once
from monitor.store.metadata import METADATA, Instant

PREPROCESSING = sa.Table(
    "preprocessing",
    METADATA,
    sa.Column("model", sa.String(200), primary_key=True),
    sa.Column("version", sa.String(200), primary_key=True),
    sa.Column("fingerprint", sa.String(200), primary_key=True),
    sa.Column("first_row", Instant, nullable=False),
    sa.Column("last_row", Instant, nullable=False),
)
REGISTERED = sa.Table(
    "registered_versions",
    METADATA,
    sa.Column("model", sa.String(200), primary_key=True),
    sa.Column("version", sa.String(200), primary_key=True),
    sa.Column("preprocessing", sa.String(200), nullable=True),
    sa.Column("registered_at", Instant, nullable=False),
)
TRAINING = sa.Table(
    "training_profiles",
    METADATA,
    sa.Column("baseline", sa.String(64), primary_key=True),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("profile", sa.LargeBinary, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """One preprocessing of one version, with the times of its first and last row."""

    name: str
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Registered:
    """A version somebody said would be served, with the preprocessing it belongs to (None: not said)."""

    version: str
    preprocessing: str | None
    at: datetime


def seen(connection: Connection, model: str, version: str, name: str, first: datetime, last: datetime) -> None:
    """Record that a version was served with a preprocessing in `[first, last]`; widens what is known."""
    row = {"model": model, "version": version, "fingerprint": name, "first_row": first, "last_row": last}
    if insert_once(connection, PREPROCESSING, row):
        return
    mine = [PREPROCESSING.c[key] == row[key] for key in ("model", "version", "fingerprint")]
    known = connection.execute(sa.select(PREPROCESSING).where(*mine)).one()
    if first < known.first_row or last > known.last_row:
        connection.execute(
            PREPROCESSING.update()
            .where(*mine)
            .values(first_row=min(first, known.first_row), last_row=max(last, known.last_row))
        )


def fingerprints(connection: Connection, model: str, version: str) -> list[Fingerprint]:
    """The preprocessings a version was served with, in the order they came."""
    rows = connection.execute(
        sa.select(PREPROCESSING)
        .where(PREPROCESSING.c.model == model, PREPROCESSING.c.version == version)
        .order_by(PREPROCESSING.c.first_row, PREPROCESSING.c.fingerprint)
    )
    return [Fingerprint(row.fingerprint, row.first_row, row.last_row) for row in rows]


def register(connection: Connection, model: str, registered: Registered) -> None:
    """Register a version, in place of what was said of it before."""
    mine = REGISTERED.c.model == model, REGISTERED.c.version == registered.version
    connection.execute(REGISTERED.delete().where(*mine))
    connection.execute(
        REGISTERED.insert().values(
            model=model,
            version=registered.version,
            preprocessing=registered.preprocessing,
            registered_at=registered.at,
        )
    )


def registered(connection: Connection, model: str) -> dict[str, Registered]:
    """The registered versions of a model, by name; empty where nobody registers."""
    rows = connection.execute(
        sa.select(REGISTERED).where(REGISTERED.c.model == model).order_by(REGISTERED.c.registered_at)
    )
    return {row.version: Registered(row.version, row.preprocessing, row.registered_at) for row in rows}


def training(connection: Connection, baseline: str) -> tuple[str, bytes] | None:
    """The digest of the training file, and its profile on the baseline's grid as bytes."""
    row = connection.execute(sa.select(TRAINING).where(TRAINING.c.baseline == baseline)).one_or_none()
    return None if row is None else (row.digest, row.profile)


def keep_training(connection: Connection, baseline: str, digest: str, profile: bytes) -> None:
    """Keep the profile of a training file in place of an earlier one."""
    connection.execute(TRAINING.delete().where(TRAINING.c.baseline == baseline))
    connection.execute(TRAINING.insert().values(baseline=baseline, digest=digest, profile=profile))
