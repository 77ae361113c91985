"""The table of channels whose receiver asked never to be called again (410 Gone).

In: a connection. Out: reasons by channel. Kept: one row a channel, for the endpoint it was about: another
endpoint, or a test message that gets through, lifts it.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.tables import METADATA, Instant, insert_once

DISABLED = sa.Table(
    "disabled_channels",
    METADATA,
    sa.Column("channel", sa.String(200), primary_key=True),
    sa.Column("endpoint", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
)


def disable(conn: Connection, channel: str, endpoint: str, reason: str, at: datetime) -> None:
    """Send nothing more to this endpoint of this channel."""
    lift(conn, channel)
    insert_once(conn, DISABLED, {"channel": channel, "endpoint": endpoint, "reason": reason, "at": at})


def lift(conn: Connection, channel: str) -> None:
    """Send to this channel again."""
    conn.execute(DISABLED.delete().where(DISABLED.c.channel == channel))


def reasons(conn: Connection) -> dict[str, tuple[str, str]]:
    """(endpoint, reason) of every disabled channel."""
    return {row.channel: (row.endpoint, row.reason) for row in conn.execute(DISABLED.select())}
