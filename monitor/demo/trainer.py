"""The demo's training job: asked by webhook, it trains on what the log knows by now, and serves what proved better.

In: the demo's log and labels, the demo's time. Out: a `Retrained`. Kept: in the log, the flights from the next midnight
on, now scored by the new version; a model that is no better on the days held out changes nothing.

A job of your own does the same: take the labelled rows, leave the newest out, train, compare with the version that
serves on rows neither was fitted on, deploy, say so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitor.demo.flights import FEATURES, ZONE
from monitor.demo.model import DECISION_THRESHOLD, calibrated, log_loss, train
from monitor.prediction_log.base import LabelSource, PredictionLog

if TYPE_CHECKING:
    import pandas as pd

# Four weeks have every weekday and several kinds of weather: enough for one number, how common late flights are now.
HELD_OUT = timedelta(days=28)
# More rows would take seconds longer and show in nothing.
MOST_ROWS = 100_000


class ServedLog(PredictionLog, Protocol):
    """What the job needs of the log beside reading it: to put rows in place of those that are not served yet."""

    def replace_from(self, start: datetime, rows: pa.Table) -> int: ...


@dataclass(frozen=True, slots=True)
class Retrained:
    """What a training came to: `version` serves from `since` on, or nothing does (`better` False).

    On the `held_out` flights: how many were late, what either version said, and either's log loss.
    """

    version: str
    since: datetime
    better: bool
    rows: int
    held_out: int
    true: float
    said: tuple[float, float]
    losses: tuple[float, float]


def retrain(log: ServedLog, labels: LabelSource, clock: Callable[[], datetime]) -> Retrained:
    """Train by what is known now, and put the new version into service if it is better.

    It serves from the first midnight after it is ready: `clock` goes on while it is trained, and what has been served
    by then stays as it was. Raises LogError.
    """
    now = clock()
    first, last = log.span() or (now, now)
    known = _labelled(log, labels, first, now)
    held = (known["ts"] >= now - HELD_OUT).to_numpy()
    older, newest = known[~held], known[held]
    model = calibrated(train(older.iloc[:: max(1, -(-len(older) // MOST_ROWS))]), newest)
    late, old, new = newest["late"].to_numpy(), newest["score"].to_numpy(), model.score(newest)
    better = log_loss(late, new) < log_loss(late, old)
    ahead = score = None
    if better and (begin := _midnight(clock())) <= last:
        ahead = _rows(log, begin, last + timedelta(seconds=1), log.schema().names)
        score = model.score(ahead.to_pandas())
    since = _midnight(clock())
    made = Retrained(
        version=f"{since.astimezone(ZoneInfo(ZONE)):%Y-%m-%d}",
        since=since,
        better=better,
        rows=len(older),
        held_out=len(newest),
        true=float(late.mean()),
        said=(float(old.mean()), float(new.mean())),
        losses=(log_loss(late, old), log_loss(late, new)),
    )
    if ahead is not None and score is not None:
        left = pc.greater_equal(ahead.column("ts"), pa.scalar(since, ahead.schema.field("ts").type))
        log.replace_from(since, _rescored(ahead, made.version, score).filter(left))
    return made


def _midnight(now: datetime) -> datetime:
    """The next one in New York."""
    zone = ZoneInfo(ZONE)
    day = now.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def _labelled(log: PredictionLog, labels: LabelSource, start: datetime, now: datetime) -> pd.DataFrame:
    """The flights whose end is known."""
    rows = _rows(log, start, now, ["ts", "prediction_id", "score", *FEATURES])
    known = labels.labels(start, now)
    found = pc.index_in(rows.column("prediction_id").combine_chunks(), value_set=known.column("id").combine_chunks())
    late = known.column("label").combine_chunks().take(found).cast(pa.float64())
    return rows.append_column("late", late).filter(late.is_valid()).to_pandas()


def _rows(log: PredictionLog, start: datetime, end: datetime, columns: Sequence[str]) -> pa.Table:
    batches = [batch for batch in log.batches(start, end, columns) if batch.num_rows]
    return pa.Table.from_batches(batches).combine_chunks()


def _rescored(rows: pa.Table, version: str, score: np.ndarray) -> pa.Table:
    """Rows as another version would have served them."""
    new = {
        "model_version": pa.array([version] * len(rows), pa.string()),
        "score": pa.array(score, pa.float64()),
        "prediction": pa.array((score > DECISION_THRESHOLD).astype("int64")),
    }
    for name, values in new.items():
        rows = rows.set_column(rows.schema.get_field_index(name), name, values)
    return rows
