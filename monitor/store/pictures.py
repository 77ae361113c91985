"""The charts that messages show: PNGs by a name nobody can guess.

In: a connection. Out: PNG bytes. Kept: one row a picture, for a month, and of these the newest: chat
programs fetch a picture when a message is posted, and keep it themselves.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from monitor.store.metadata import METADATA, Instant

# Of a tenth of a megabyte each.
MOST = 500

PICTURES = sa.Table(
    "pictures",
    METADATA,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("digest", sa.String(64), nullable=False, unique=True),
    sa.Column("png", sa.LargeBinary, nullable=False),
    sa.Column("made_at", Instant, nullable=False),
    sa.Index("pictures_made_at", "made_at"),
)


def of_digests(connection: Connection, digests: Sequence[str]) -> dict[str, tuple[str, bytes]]:
    """Name and PNG of the pictures that were made before, by the digest of what they were made of."""
    rows = connection.execute(sa.select(PICTURES).where(PICTURES.c.digest.in_(list(digests))))
    return {row.digest: (row.name, row.png) for row in rows}


def add(connection: Connection, made: Mapping[str, bytes], at: datetime) -> None:
    """Keep pictures by digest, each under a name of its own; another process may have been quicker with some."""
    known = of_digests(connection, list(made))
    rows = [
        {"name": secrets.token_urlsafe(24), "digest": digest, "png": png, "made_at": at}
        for digest, png in made.items()
        if digest not in known
    ]
    if rows:
        connection.execute(PICTURES.insert(), rows)


def get(connection: Connection, name: str) -> bytes | None:
    """The PNG of this name."""
    png: bytes | None = connection.scalar(sa.select(PICTURES.c.png).where(PICTURES.c.name == name))
    return png


def forget(connection: Connection, before: datetime) -> None:
    """Drop what was made before this, and all but the newest `MOST`."""
    oldest = sa.select(PICTURES.c.made_at).order_by(PICTURES.c.made_at.desc()).offset(MOST).limit(1)
    crowded_out = connection.execute(oldest).scalar_one_or_none()
    connection.execute(PICTURES.delete().where(PICTURES.c.made_at < before))
    if crowded_out is not None:
        connection.execute(PICTURES.delete().where(PICTURES.c.made_at <= crowded_out))
