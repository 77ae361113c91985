"""A synthetic service in a folder: models with a Delta log, a config file, a state database, an engine over them.

In: a folder, what the models' sections say. Out: `Flow`, and tables of rows to put into its logs.
Kept: files and databases of the test.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
import yaml

from detectors.result import Finding
from monitor.config import Config, load
from monitor.cycle import Outcome
from monitor.engine import Engine
from monitor.prediction_log.base import Hour, Part, PredictionLog
from monitor.prediction_log.delta import DeltaLog
from monitor.settings import Columns
from monitor.store import Store, open_store
from monitor.world import World, make_world

COLUMNS = {"timestamp": "ts", "id": "id", "version": "version", "score": "score", "prediction": "pred"}
START = datetime(2024, 3, 4, tzinfo=UTC)  # a Monday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
COLOURS = np.array(["red", "green", "blue"])
FINDINGS = ("model", "version", "window", "subject", "kind", "detector", "statistic", "threshold", "status", "n")


def rows(
    start: datetime = START,
    hours: float = 24,
    per_hour: int = 20,
    *,
    seed: int = 0,
    shift: float = 0.0,
    version: str | None = "1",
    prefix: str = "",
) -> pa.Table:
    """Rows spread evenly over `hours`; `shift` moves `x` and with it the score. Ids come of time, seed, `prefix`."""
    n = int(hours * per_hour)
    rng = np.random.default_rng([seed, int(start.timestamp()), n])
    step = hours * 3600e6 / max(n, 1)
    micros = int(start.timestamp() * 1e6) + (np.arange(n) * step).astype(np.int64)
    x = rng.normal(shift, 1.0, n)
    score = 1.0 / (1.0 + np.exp(-x))
    return pa.table(
        {
            "ts": pa.array(micros, pa.int64()).cast(pa.timestamp("us", "UTC")),
            "id": pa.array([f"{prefix}{stamp}-{seed}" for stamp in micros]),
            "version": pa.array([version] * n, pa.string()),
            "x": pa.array(x),
            "amount": pa.array(np.round(rng.lognormal(3.0, 1.0, n), 2)),
            "colour": pa.array(COLOURS[rng.integers(0, 3, n)] if n else [], pa.string()),
            "score": pa.array(score),
            "pred": pa.array((score > 0.5).astype(np.int64)),
        }
    )


def labels_for(table: pa.Table, received: datetime, *, seed: int = 0, truth: float = 1.0) -> pa.Table:
    """A label for each row: 1 with the score's own probability in `truth` of the rows, a coin's toss in the rest."""
    score = table.column("score").to_numpy()
    rng = np.random.default_rng([seed, len(score)])
    honest = rng.random(len(score)) < truth
    label = np.where(honest, rng.random(len(score)) < score, rng.random(len(score)) < 0.5).astype(np.int64)
    stamps = pa.array([received] * len(score), pa.timestamp("us", "UTC"))
    return pa.table({"id": table.column("id"), "label": pa.array(label), "received_at": stamps})


def with_column(table: pa.Table, name: str, values: Any) -> pa.Table:
    """The table with one column put in place of (or beside) the others."""
    array = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values)
    if name in table.column_names:
        return table.set_column(table.column_names.index(name), name, array)
    return table.append_column(name, array)


@dataclass
class CountingLog:
    """A log that notes which spans were read."""

    inner: PredictionLog
    spans: list[tuple[datetime, datetime]] = field(default_factory=list)

    def schema(self) -> pa.Schema:
        return self.inner.schema()

    def span(self) -> tuple[datetime, datetime] | None:
        return self.inner.span()

    def hours(self, start: datetime, end: datetime) -> list[Hour]:
        return self.inner.hours(start, end)

    def batches(self, start: datetime, end: datetime, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        self.spans.append((start, end))
        return self.inner.batches(start, end, columns)

    def parts(self, start: datetime, end: datetime, columns: Sequence[str]) -> Iterator[Part]:
        self.spans.append((start, end))
        return self.inner.parts(start, end, columns)

    def token(self) -> str:
        return self.inner.token()

    def close(self) -> None:
        self.inner.close()


@dataclass
class Flow:
    """One service under test. Everything it opened is closed by `close`."""

    folder: Path
    state: str = ""
    stores: list[Store] = field(default_factory=list)
    _puts: int = 0

    @property
    def url(self) -> str:
        return self.state or f"sqlite:///{self.folder / 'state.db'}"

    @property
    def path(self) -> Path:
        return self.folder / "config.yaml"

    def log(self, model: str = "m", columns: Mapping[str, str] = COLUMNS) -> DeltaLog:
        return DeltaLog(str(self.folder / "log"), model, Columns(**columns))

    def put(self, table: pa.Table, model: str = "m", columns: Mapping[str, str] = COLUMNS) -> pa.Table:
        """Append rows to a model's log."""
        self._puts += 1
        self.log(model, columns).append(table, f"put {self._puts} {model}")
        return table

    def put_labels(self, table: pa.Table, model: str = "m") -> None:
        self._puts += 1
        self.log(model).append_labels(table, f"put {self._puts} {model}")

    def write(self, models: Mapping[str, Mapping[str, Any]] | None = None, **top: Any) -> Path:
        """The config file: one model `m` learning for three days and watching days, unless told otherwise."""
        given = {"m": {}} if models is None else models
        usual = {"columns": COLUMNS, "baseline": {"learn": "3d"}, "horizons": ["1d"], "minimum_rows": 50}
        # Learned anew in each test that has labels, which only the tests of estimates need.
        usual["detectors"] = {"estimated_performance": {"enabled": False}}
        text = {
            "state": self.url,
            "log": {"delta": "log"},
            "server": {"listen": None, "metrics": None},
            **top,
            "models": {name: {**usual, **its} for name, its in given.items()},
        }
        self.path.write_text(yaml.safe_dump(text))
        return self.path

    def config(self, models: Mapping[str, Mapping[str, Any]] | None = None, **top: Any) -> Config:
        return load(self.write(models, **top), {})

    def store(self) -> Store:
        if not self.stores:
            self.stores.append(open_store(self.url))
        return self.stores[0]

    def world(self, models: Mapping[str, Mapping[str, Any]] | None = None, **top: Any) -> World:
        return make_world(self.config(models, **top), self.store())

    def engine(
        self, models: Mapping[str, Mapping[str, Any]] | None = None, *, start: datetime | None = START, **top: Any
    ) -> Engine:
        """An engine that judges each moment as it was; its models begin at `start` (None: at its first round)."""
        engine = Engine(self.world(models, **top), as_it_was=True)
        if start is not None:
            for model in engine.models():
                engine.start(model, start)
        return engine

    def close(self) -> None:
        for store in self.stores:
            store.close()


def counted(world: World, logs: list[CountingLog]) -> World:
    """The world with every log it opens noted in `logs`."""

    def open_log(model: str) -> PredictionLog:
        logs.append(CountingLog(world.open_log(model)))
        return logs[-1]

    return replace(world, open_log=open_log)


def findings_of(outcomes: Sequence[Outcome], **wanted: object) -> list[Finding]:
    """The findings of these outcomes whose attributes are as wanted."""
    return [
        finding
        for outcome in outcomes
        for evaluation in outcome.evaluations
        for finding in evaluation.findings
        if all(getattr(finding, name) == value for name, value in wanted.items())
    ]


def events_of(outcomes: Sequence[Outcome]) -> list[tuple[datetime, str, str]]:
    """(when, what happened, kind of trouble) of every incident event."""
    return [(e.at, e.event.value, e.incident.trouble.value) for outcome in outcomes for e in outcome.events]


def table_rows(store: Store, table: sa.Table, *leave_out: str) -> list[tuple[Any, ...]]:
    """All rows of a state table in a fixed order, without the columns named."""
    columns = [column for column in table.c if column.name not in leave_out]
    with store.read() as connection:
        return sorted((tuple(row) for row in connection.execute(sa.select(*columns))), key=repr)
