"""Try for real everything a config points to, without telling anyone and without creating anything that stays.

In: a config, the present time. Out: one `Probe` a thing, failures with the reason. Kept: nothing.
"""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from monitor.config import Config
from monitor.masking import mask_text
from monitor.prediction_log.base import LogError, PredictionLog
from monitor.settings import ChannelSettings, ModelSettings

if TYPE_CHECKING:
    import pyarrow as pa

CONNECT_SECONDS = 5.0
_PORTS = {"http": 80, "https": 443, "smtp": 587, "smtps": 465}


class Outcome(StrEnum):
    """How a probe went; a warning is something that works and is hardly meant."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing that was tried: what kind of thing, which one, how it went and why."""

    what: str
    name: str
    outcome: Outcome
    detail: str


Step = Callable[[], Probe]


def ping(config: Config, now: datetime) -> Iterator[Probe]:
    """Try everything, several at a time; the probes come in the order of the config."""
    with ThreadPoolExecutor(max_workers=8, thread_name_prefix="ping") as pool:
        yield from pool.map(lambda step: step(), list(_steps(config, now)))


def _steps(config: Config, now: datetime) -> Iterator[Step]:
    settings = config.settings
    yield partial(_state, settings.state)
    for name, model in settings.models.items():
        yield partial(_log, config, name, model, now)
        if model.labels is not None:
            yield partial(_labels, config, name, model, now)
        if model.baseline.file is not None and "{" not in model.baseline.file:
            yield partial(_file, "baseline", name, model.baseline.file)
        for trigger, given in model.triggers.items():
            target = given.url or (given.airflow and given.airflow.url) or (given.github and given.github.api_url)
            yield partial(_reach, "trigger", f"{name}.{trigger}", target or "")
    for name, channel in settings.alerts.channels.items():
        yield partial(_channel, name, channel)
    for report in settings.reports:
        yield partial(_folder, "report", report.name, report.folder)
    if settings.server.heartbeat is not None:
        yield partial(_reach, "heartbeat", "heartbeat", settings.server.heartbeat)


def _ok(what: str, name: str, detail: str) -> Probe:
    return Probe(what, name, Outcome.OK, detail)


def _warning(what: str, name: str, detail: str) -> Probe:
    return Probe(what, name, Outcome.WARNING, detail)


def _failed(what: str, name: str, detail: str) -> Probe:
    return Probe(what, name, Outcome.FAILED, mask_text(" ".join(detail.split())))


def _state(url: str) -> Probe:
    """The state database can be opened and written; an SQLite file that is not there yet is not made."""
    import sqlalchemy as sa

    from monitor.store.engine import Store, make_engine
    from monitor.store.errors import StoreError
    from monitor.store.migrate import revisions, stored_revision

    parsed = sa.engine.make_url(url)
    file = Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None
    if file is not None and parsed.database != ":memory:" and not file.exists():
        probe = _folder("state", mask_text(url), file.parent)
        return (
            probe if probe.outcome is Outcome.FAILED else _ok("state", mask_text(url), "will be made at the first run")
        )
    try:
        store = Store(make_engine(url))
        try:
            with store.begin() as connection:
                stored = stored_revision(connection)
                connection.execute(sa.text("CREATE TABLE driftline_ping (x INTEGER)"))
                connection.rollback()
        finally:
            store.close()
    except StoreError as error:
        return _failed("state", mask_text(url), str(error))
    except sa.exc.DatabaseError as error:
        return _failed("state", mask_text(url), str(error.orig))
    if stored is not None and stored not in revisions():
        return _failed(
            "state", mask_text(url), f"its schema {stored} is newer than this Driftline knows; upgrade Driftline"
        )
    return _ok("state", mask_text(url), "writable" if stored else "writable, still empty")


def _log(config: Config, name: str, model: ModelSettings, now: datetime) -> Probe:
    from monitor.prediction_log.open import open_log

    source = config.settings.log_of(name)
    try:
        log = open_log(model, config.settings.log, name)
        try:
            return _look(log, name, model, now, bool(source and source.delta))
        finally:
            log.close()
    except LogError as error:
        return _failed("log", name, str(error))


def _look(log: PredictionLog, name: str, model: ModelSettings, now: datetime, ours: bool) -> Probe:
    """The mapped columns are there, and the newest row has a time that can be."""
    schema = log.schema()
    missing = list(_missing(model, schema.names, ours))
    if missing:
        return _failed("log", name, "; ".join(missing))
    span = log.span()
    if span is None:
        return _warning("log", name, f"{len(schema.names)} columns, no rows yet")
    newest = f"{span[1]:%Y-%m-%d %H:%M} UTC"
    if span[1] > now + timedelta(hours=1):
        hint = "are its times in another time zone?" if _naive(schema, model.columns.timestamp) else "check its times"
        return _failed("log", name, f"the newest row is in the future ({newest}); {hint}")
    unknown = [column for column in (*model.features.exclude, *model.features.private) if column not in schema.names]
    notes = [f"`{column}` of features is no column of the log" for column in unknown]
    if _naive(schema, model.columns.timestamp):
        notes.append("its times carry no zone and are read as UTC")
    detail = "; ".join([f"{len(schema.names)} columns, newest row {newest}", *notes])
    return (_warning if notes else _ok)("log", name, detail)


def _missing(model: ModelSettings, names: list[str], ours: bool) -> Iterator[str]:
    roles = {f"columns.{role}": column for role, column in model.columns.model_dump().items() if column is not None}
    if ours or model.labels is not None:  # labels have a table of their own then
        roles.pop("columns.label", None)
        roles.pop("columns.label_time", None)
    if model.cadence is not None:
        roles["cadence.run"] = model.cadence.run
    wanted = [*roles.items(), *(("features.include", column) for column in model.features.include)]
    wanted += [("segments", column) for column in model.segments]
    for key, column in wanted:
        if column not in names:
            near = get_close_matches(column, names, 1)
            there = f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(names)}"
            yield f"{key} names `{column}`, which the log does not have; {there}"


def _naive(schema: pa.Schema, timestamp: str) -> bool:
    import pyarrow as pa

    kind = schema.field(timestamp).type
    return pa.types.is_timestamp(kind) and kind.tz is None


def _labels(config: Config, name: str, model: ModelSettings, now: datetime) -> Probe:
    from monitor.prediction_log.open import open_labels

    try:
        source = open_labels(model, config.settings.log, name)
        if source is None:
            return _warning("labels", name, "none are configured")
        try:
            rows = source.labels(now - timedelta(days=7), now).num_rows
        finally:
            source.close()
    except LogError as error:
        return _failed("labels", name, str(error))
    return _ok("labels", name, f"{rows} received in the last 7 days")


def _file(what: str, name: str, path: str) -> Probe:
    if "://" in path:
        return _warning(what, name, f"{mask_text(path)} was not tried: it is not on this machine")
    if not Path(path).is_file():
        return _failed(what, name, f"there is no file {path}")
    if not os.access(path, os.R_OK):
        return _failed(what, name, f"{path} may not be read")
    return _ok(what, name, path)


def _folder(what: str, name: str, folder: Path) -> Probe:
    """A folder that can be written to, or made: the nearest one above that exists decides."""
    there = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    if not there.is_dir():
        return _failed(what, name, f"{there} is no folder")
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        return _failed(what, name, f"{there} cannot be written to: {error.strerror}")
    return _ok(what, name, f"{folder}" if there == folder else f"{folder} (will be made)")


def _channel(name: str, channel: ChannelSettings) -> Probe:
    if channel.printed:
        return _ok("channel", name, "console")
    if channel.slack is not None:
        return _reach("channel", name, channel.slack.webhook or channel.slack.api_url)
    if channel.email is not None:
        return _reach("channel", name, channel.email.smtp or "")
    return _reach("channel", name, (channel.webhook.url if channel.webhook else None) or "")


def _reach(what: str, name: str, url: str) -> Probe:
    """Something listens where the URL points (or at the proxy that stands before it); nothing is sent."""
    try:
        host, port, through = _endpoint(url)
    except ValueError:
        return _failed(what, name, "its URL names no host")
    shown = f"{host}:{port}{through}"
    try:
        socket.create_connection((host, port), timeout=CONNECT_SECONDS).close()
    except socket.gaierror:
        return _failed(what, name, f"{shown}: there is no host of that name")
    except TimeoutError:
        return _failed(what, name, f"{shown}: no answer within {CONNECT_SECONDS:g} s")
    except OSError as error:
        return _failed(what, name, f"{shown}: {error.strerror or error}")
    return _ok(what, name, f"{shown} answers")


def _endpoint(url: str) -> tuple[str, int, str]:
    parts = urlsplit(url)
    if not parts.hostname:
        raise ValueError(url)
    proxy = getproxies().get(parts.scheme)
    if parts.scheme in ("http", "https") and proxy and not proxy_bypass(parts.hostname):
        before = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        return before.hostname or "", before.port or 80, f" (the proxy to {parts.hostname})"
    return parts.hostname, parts.port or _PORTS.get(parts.scheme, 443), ""


def worst(probes: Iterable[Probe]) -> Outcome:
    """FAILED if any failed, else OK or WARNING."""
    found = {probe.outcome for probe in probes}
    return next((outcome for outcome in (Outcome.FAILED, Outcome.WARNING) if outcome in found), Outcome.OK)
