"""Streams with labels on which estimates of performance are compared: flights, and shifts made on purpose.

In: a random generator. Out: a `Labelled` reference and production. Kept: the scored flights, in the machine's temporary
folder, for the next run.

In every constructed stream but `concept` the labels are drawn from one law given the features; only which rows come
changes. Models are trained on rows that are in neither side.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.special import expit

from monitor.demo.flights import CATEGORIES, FEATURES, ZONE, data_folder, load
from monitor.demo.model import DECISION_THRESHOLD

_RECIPE = 1
_FOLDS = 5
REFERENCE_DAYS = 28


@dataclass(frozen=True)
class Labelled:
    """Labelled rows: `features` of shape (rows, F), NaN for missing, categories as whole numbers; the rest (rows,)."""

    features: np.ndarray
    categorical: np.ndarray
    score: np.ndarray
    prediction: np.ndarray
    label: np.ndarray
    window: np.ndarray

    def __len__(self) -> int:
        return len(self.score)

    def at(self, chosen: np.ndarray) -> Labelled:
        """Some of the rows."""
        return Labelled(
            self.features[chosen],
            self.categorical,
            self.score[chosen],
            self.prediction[chosen],
            self.label[chosen],
            self.window[chosen],
        )

    def windows(self) -> list[Labelled]:
        """One a window, in order."""
        return [self.at(np.flatnonzero(self.window == each)) for each in np.unique(self.window)]


Stream = tuple[Labelled, Labelled]


def flights(length: int = 1) -> Stream:
    """January, scored out of fold by day, and the months after it in windows of `length` days; landed flights only."""
    cache = Path(tempfile.gettempdir()) / f"driftline-flights-labelled-{_RECIPE}.parquet"
    if not cache.exists():
        part = cache.with_suffix(".part")
        pq.write_table(_scored(), part)
        part.replace(cache)
    table = pq.read_table(cache)
    day = table.column("day").to_numpy()
    columns = [_numbers(table.column(name).combine_chunks()) for name in FEATURES]
    score = table.column("score").to_numpy()
    rows = Labelled(
        np.column_stack(columns),
        np.array([name in CATEGORIES for name in FEATURES]),
        score,
        (score > DECISION_THRESHOLD).astype(np.int64),
        table.column("late").to_numpy().astype(np.int64),
        day,
    )
    later = rows.at(np.flatnonzero(day >= 31))
    windows = (later.window - 31) // length
    whole = windows < (365 - 31) // length
    production = Labelled(**{**_fields(later), "window": windows}).at(np.flatnonzero(whole))
    return rows.at(np.flatnonzero(day < 31)), production


def _fields(rows: Labelled) -> dict[str, Any]:
    return {name: getattr(rows, name) for name in Labelled.__dataclass_fields__}


def _numbers(column: pa.Array) -> np.ndarray:
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        values = column.dictionary_encode()
        return values.indices.to_numpy(zero_copy_only=False).astype(float)
    numbers: np.ndarray = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return numbers


def _scored() -> pa.Table:
    import pandas as pd

    from monitor.demo.model import train

    table = load(data_folder())
    table = table[table["late"].notna()]
    local = table["ts"].dt.tz_convert(ZONE).dt.tz_localize(None).dt.normalize()
    day = (local - pd.Timestamp(date(2013, 1, 1))).dt.days.to_numpy()
    early = day < 31
    score = np.full(len(table), np.nan)
    score[~early] = train(table[early]).score(table[~early])
    for fold in range(_FOLDS):
        out = early & (day % _FOLDS == fold)
        score[out] = train(table[early & ~out]).score(table[out])
    return pa.Table.from_pandas(table[[*FEATURES, "late"]].assign(score=score, day=day), preserve_index=False)


Draw = Callable[[np.random.Generator, int, float], np.ndarray]


@dataclass(frozen=True)
class World:
    """A law of rows and labels: `draw(rng, rows, shift)` gives features, `chance(features)` the truth's probability."""

    draw: Draw
    chance: Callable[[np.ndarray], np.ndarray]
    columns: int


def _mean_world() -> World:
    """The mean of the telling features moves to where positives are common and the model's sigmoid is too steep."""

    def draw(rng: np.random.Generator, rows: int, shift: float) -> np.ndarray:
        features = rng.normal(size=(rows, 6))
        features[:, :2] += 1.2 * shift
        return features

    def chance(x: np.ndarray) -> np.ndarray:
        return expit(-1.2 + 1.1 * x[:, 0] + 0.6 * x[:, 1] ** 2 - 0.5 * x[:, 2] * x[:, 0])

    return World(draw, chance, 6)


def _segment_world() -> World:
    """A segment in which the same score means something else grows from a fifth to most of the rows."""

    def draw(rng: np.random.Generator, rows: int, shift: float) -> np.ndarray:
        features = rng.normal(size=(rows, 6))
        features[:, 5] = rng.random(rows) < 0.2 + 0.6 * shift
        return features

    def chance(x: np.ndarray) -> np.ndarray:
        inside = x[:, 5] > 0.5
        return expit(np.where(inside, 0.3 * x[:, 0] - 0.4 + 1.5 * x[:, 3], -0.8 + 1.6 * x[:, 0] + 0.8 * x[:, 1]))

    return World(draw, chance, 6)


def _noise_world() -> World:
    """Rows move to where labels are noisier: a feature the model has never used says how sure the others are."""

    def draw(rng: np.random.Generator, rows: int, shift: float) -> np.ndarray:
        features = rng.normal(size=(rows, 6))
        features[:, 4] = rng.beta(1.5 + 1.5 * shift, 3.0 - 1.5 * shift, rows)
        return features

    def chance(x: np.ndarray) -> np.ndarray:
        return expit((-0.4 + 1.8 * x[:, 0] + 1.0 * x[:, 1]) * (1.6 - 1.5 * x[:, 4]))

    return World(draw, chance, 6)


WORLDS: dict[str, Callable[[], World]] = {"mean": _mean_world, "segment": _segment_world, "noise": _noise_world}
UNUSED = {"mean": (), "segment": (3, 5), "noise": (4,)}


def constructed(
    name: str,
    rng: np.random.Generator,
    *,
    windows: int = 30,
    rows: int = 2000,
    days: float = 0.0,
    shift: float = 1.0,
    concept: float = 0.0,
) -> Stream:
    """A stream of a world: 28 days of reference, then windows (of a day) whose shift grows to `shift`.

    `days` is the standard deviation of each day's own log odds; `concept` turns the first feature's effect around by
    that share in production (P(label | features) changes).
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    world = WORLDS[name]()
    used = [place for place in range(world.columns) if place not in UNUSED[name]]
    training = world.draw(rng, 6000, 0.0)
    truth = rng.random(len(training)) < world.chance(training)
    model = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=8, early_stopping=False, random_state=0)
    model.fit(training[:, used], truth)

    def side(count: int, shifts: np.ndarray, turned: float) -> Labelled:
        features = np.vstack([world.draw(rng, rows, shifts[day]) for day in range(count)])
        window = np.repeat(np.arange(count), rows)
        chance = world.chance(features)
        if turned:
            other = features.copy()
            other[:, 0] = -other[:, 0]
            chance = (1.0 - turned) * chance + turned * world.chance(other)
        if days:
            odds = np.log(chance) - np.log1p(-chance) + np.repeat(rng.normal(0.0, days, count), rows)
            chance = expit(odds)
        label = (rng.random(len(chance)) < chance).astype(np.int64)
        score = np.round(model.predict_proba(features[:, used])[:, 1], 6)
        categorical = np.zeros(world.columns, dtype=bool)
        return Labelled(features, categorical, score, (score >= 0.5).astype(np.int64), label, window)

    growing = shift * np.linspace(0.0, 1.0, windows)
    return side(REFERENCE_DAYS, np.zeros(REFERENCE_DAYS), 0.0), side(windows, growing, concept)


def resampled_flights(rng: np.random.Generator, windows: int = 30, rows: int = 2000) -> Stream:
    """Flights of March to December in any order: more and more of the evening, of rain and of one carrier.

    Which rows come depends on their features alone, so the law of labels given features stays that of the pool.
    """
    _, pool = flights()
    pool = pool.at(np.flatnonzero(pool.window >= 28))
    order = rng.permutation(len(pool))
    count = REFERENCE_DAYS * rows
    reference = pool.at(np.sort(order[:count]))
    rest = pool.at(order[count:])
    names = list(FEATURES)
    evening = rest.features[:, names.index("departure_minute")] / 1440.0
    humid = np.nan_to_num(rest.features[:, names.index("humidity")], nan=60.0) / 100.0
    pull = 4.0 * (evening - 0.55) + 3.0 * (humid - 0.6)
    parts = []
    for number in range(windows):
        weight = np.exp(pull * number / (windows - 1))
        chosen = rng.choice(len(rest), rows, replace=False, p=weight / weight.sum())
        parts.append(Labelled(**{**_fields(rest.at(chosen)), "window": np.full(rows, number)}))
    production = Labelled(
        *(
            parts[0].categorical if name == "categorical" else np.concatenate([getattr(part, name) for part in parts])
            for name in Labelled.__dataclass_fields__
        )
    )
    days = rng.permutation(np.repeat(np.arange(REFERENCE_DAYS), rows))
    return Labelled(**{**_fields(reference), "window": days}), production
