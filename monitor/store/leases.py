"""The evaluator's lease: one process evaluates, whatever else runs.

In: a connection inside a write transaction, a holder. Out: an epoch, or None while another holds it.
Kept: one row a lease, judged by the database's own clock (simulated clocks and skewed hosts do not matter).
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.tables import insert_once
from monitor.store.errors import LeaseLost
from monitor.store.metadata import METADATA

LEASES = sa.Table(
    "leases",
    METADATA,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("holder", sa.String(200), nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("expires", sa.Float, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Lease:
    """Proof of having been the evaluator: a later holder has a higher epoch."""

    name: str
    holder: str
    epoch: int


def _started(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    except (OSError, IndexError):
        return ""


def this_process() -> str:
    """`host|pid|start` of this process: what a same-host successor needs to see that it has died."""
    return f"{socket.gethostname()}|{os.getpid()}|{_started(os.getpid())}"


def _dead(holder: str) -> bool:
    """Whether a holder on this host has ended; one on another host is believed until its lease expires."""
    host, pid, started = [*holder.split("|"), "", ""][:3]
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return bool(started) and _started(int(pid)) != started


def _clock(connection: Connection) -> float:
    if connection.dialect.name == "sqlite":
        return float(connection.execute(sa.text("SELECT (julianday('now') - 2440587.5) * 86400.0")).scalar_one())
    return float(connection.execute(sa.text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())


def acquire(connection: Connection, name: str, holder: str, ttl: float) -> Lease | None:
    """Take or renew a lease for `ttl` seconds; None while another living holder has it."""
    now = _clock(connection)
    if insert_once(connection, LEASES, {"name": name, "holder": holder, "epoch": 1, "expires": now + ttl}):
        return Lease(name, holder, 1)
    row = connection.execute(sa.select(LEASES).where(LEASES.c.name == name).with_for_update()).one()
    if row.holder != holder and row.expires > now and not _dead(row.holder):
        return None
    epoch = row.epoch if row.holder == holder else row.epoch + 1
    connection.execute(
        LEASES.update().where(LEASES.c.name == name).values(holder=holder, epoch=epoch, expires=now + ttl)
    )
    return Lease(name, holder, epoch)


def check(connection: Connection, lease: Lease) -> None:
    """Raise LeaseLost unless `lease` is still the newest; called inside the transaction that writes."""
    epoch = connection.execute(
        sa.select(LEASES.c.epoch).where(LEASES.c.name == lease.name).with_for_update()
    ).scalar_one_or_none()
    if epoch != lease.epoch:
        raise LeaseLost(f"{lease.name}: another process has taken over (epoch {epoch}, ours was {lease.epoch})")


def release(connection: Connection, lease: Lease) -> None:
    """Let the next process in at once; nothing happens if the lease was lost."""
    connection.execute(
        LEASES.update().where(LEASES.c.name == lease.name, LEASES.c.epoch == lease.epoch).values(expires=0)
    )
