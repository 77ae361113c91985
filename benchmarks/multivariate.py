"""Is a column that was shuffled within the day found, and are healthy days left alone? And what does it cost?

The flights of 2013: reference February, production every second day of March to December, about 900 rows a day; in real
order (a day has its own weather) and with all rows shuffled over the days. Every column that a gradient boosting of the
other columns predicts on days it was not trained on with R² of 0.3 or more must be found by the domain classifier on
every day on which it varies, and it must raise no more than the stated rate of healthy days. The textbook's classifier,
trained to tell the day from the reference, runs beside it. Costs are those of 50 columns, 28 days and 2,000 rows a day,
and of hashing a million ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.measure import Stopwatch, run
from detectors import JOINT, Grid, JointModel, Sample, SampleRule, Status, take
from detectors.day_null import p_lower

RATE, FLOOR, VARIES = 0.01, 0.3, 20
FIT_TARGET, SCORE_TARGET = 30.0, 1.0
_BROKEN_EVERY = 12


@dataclass(frozen=True)
class Days:
    """Samples of the reference's and of production's days, with their grid."""

    grid: Grid
    reference: list[Sample]
    production: list[Sample]


def flights(shuffle: bool) -> Days:
    """February as reference, every second day of March to December as production."""
    from monitor.demo.flights import FEATURES, ZONE, data_folder, load

    frame = load(data_folder())
    table = pa.table({name: pa.array(frame[name], from_pandas=True) for name in (*FEATURES, "prediction_id")})
    local = frame["ts"].dt.tz_convert(ZONE).dt
    day, month = local.dayofyear.to_numpy().copy(), local.month.to_numpy()
    first, last = day[month == 2].min(), day[month == 2].max()
    if shuffle:
        used = np.flatnonzero(month >= 2)
        day[used] = day[np.random.default_rng(3).permutation(used)]
    reference = table.filter(pa.array((day >= first) & (day <= last)))
    grid = Grid.fit(reference.drop_columns("prediction_id"))

    def samples(numbers: Sequence[int]) -> list[Sample]:
        return [take(grid, table.filter(pa.array(day == n)), "prediction_id", SampleRule(1.0)) for n in numbers]

    return Days(grid, samples(range(first, last + 1)), samples(range(last + 1, day.max() + 1, 2)))


def predictability(days: Days) -> dict[str, float]:
    """R² of every column, as its place on the grid, by gradient boosting of the others; four folds, blocked by day."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.metrics import r2_score
    from sklearn.model_selection import GroupKFold

    thinned = [sample.lowest(150).cells for sample in days.reference]
    values = np.vstack(thinned).astype(float)
    values[values >= 65_000] = np.nan
    groups = np.repeat(np.arange(len(thinned)), [len(each) for each in thinned])
    found = {}
    for index, name in enumerate(days.grid.names):
        there = ~np.isnan(values[:, index])
        others, told, block = np.delete(values[there], index, axis=1), values[there, index], groups[there]
        guess = np.empty(len(told))
        for train, test in GroupKFold(4).split(others, groups=block):
            model = HistGradientBoostingRegressor(max_iter=40, early_stopping=False, random_state=0)
            guess[test] = model.fit(others[train], told[train]).predict(others[test])
        found[name] = float(r2_score(told, guess))
    return found


def broken(sample: Sample, column: int, rng: np.random.Generator) -> Sample:
    """The same day with one column shuffled."""
    cells = sample.cells.copy()
    cells[:, column] = cells[rng.permutation(len(cells)), column]
    return Sample(sample.grid_id, sample.hashes, cells)


def textbook_auc(day: Sample, others: Sequence[Sample], rng: np.random.Generator) -> float:
    """AUC of a classifier of this day against others, ranks within the day; other days blocked, three folds.

    Mid-ranks of common values differ by day, which alone tells days apart: part of why healthy days score so high.
    """
    from scipy.stats import rankdata
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score

    def ranks(sample: Sample) -> Any:
        return rankdata(sample.cells, axis=0) / sample.rows

    rows, parts = ranks(day), [ranks(each)[:80] for each in others]
    own, found = rng.integers(0, 3, len(rows)), []
    for fold in range(3):
        train = np.vstack([part for i, part in enumerate(parts) if i % 3 != fold] + [rows[own != fold]])
        test = np.vstack([part for i, part in enumerate(parts) if i % 3 == fold] + [rows[own == fold]])
        count_train, count_test = int((own != fold).sum()), int((own == fold).sum())
        model = HistGradientBoostingClassifier(
            max_iter=20, max_leaf_nodes=15, early_stopping=False, class_weight="balanced", random_state=0
        )
        model.fit(train, np.arange(len(train)) >= len(train) - count_train)
        found.append(roc_auc_score(np.arange(len(test)) >= len(test) - count_test, model.predict_proba(test)[:, 1]))
    return float(np.mean(found))


def textbook(days: Days, columns: Sequence[int]) -> str:
    """How the textbook's classifier fares, on a few days."""
    rng = np.random.default_rng(5)
    null = np.array(
        [textbook_auc(day, [other for other in days.reference if other is not day], rng) for day in days.reference[::3]]
    )
    days_broken = [broken(days.production[20], column, rng) for column in columns]
    found = np.array([textbook_auc(day, days.reference, rng) for day in days_broken])
    pvalues = p_lower(-null[:, None], -found)
    return (
        f"textbook: AUC {null.mean():.3f} ± {null.std(ddof=1):.3f} on healthy days, {found.mean():.3f} on days with a "
        f"shuffled column; found {np.mean(pvalues <= RATE):.0%}"
    )


def power(shuffle: bool) -> tuple[float, tuple[bool, list[str]]]:
    """The table of one order, and whether the targets hold."""
    days = flights(shuffle)
    model = JointModel.fit(days.grid, days.reference)
    model = JointModel.from_bytes(days.grid, model.to_bytes())
    scores = predictability(days)
    told = [index for index, name in enumerate(days.grid.names) if scores[name] >= FLOOR]
    rng = np.random.default_rng(4)
    lines, held = [], True
    lines.append(
        f"{'column':18}{'R²':>6}{'days':>6}" + "".join(f"{name[:17]:>20}{'p':>9}{'first':>7}" for name in JOINT)
    )
    for index in np.argsort([-scores[name] for name in days.grid.names]):
        name = days.grid.names[index]
        at = [
            sample
            for sample in days.production[::_BROKEN_EVERY]
            if sample.rows - np.unique(sample.cells[:, index], return_counts=True)[1].max() >= VARIES
        ]
        line = f"{name:18}{scores[name]:>6.2f}{len(at):>6}"
        for detector in JOINT.values():
            found = [detector.function(model, broken(sample, int(index), rng)) for sample in at]
            share = np.mean([each.status(detector.threshold, RATE) is Status.BREACH for each in found])
            worst = np.nanmax([each.pvalue for each in found])
            first = np.mean([bool(each.contributions) and each.contributions[0].column == name for each in found])
            line += f"{share:>20.0%}{worst:>9.0e}{first:>7.0%}"
            if detector.name == "domain_classifier" and index in told:
                held &= share == 1.0
        lines.append(line)
    for detector in JOINT.values():
        found = [detector.function(model, sample) for sample in days.production]
        breach = np.mean([each.status(detector.threshold, RATE) is Status.BREACH for each in found])
        low = np.mean([each.pvalue <= RATE for each in found])
        lines.append(
            f"{detector.name}: {breach:.1%} of {len(found)} healthy days breach (p alone: {low:.1%}), stated "
            f"{RATE:.0%}; largest value {max(each.value for each in found):.2f}, threshold {detector.threshold}"
        )
        held &= breach <= RATE or detector.name != "domain_classifier"
    lines.append(textbook(days, told))
    return 0.0, (held, lines)


def cost() -> tuple[float, dict[str, float]]:
    """Seconds of fitting, scoring and hashing."""
    from detectors.idhash import hash_ids

    rng = np.random.default_rng(8)

    def day(number: int) -> pa.Table:
        factors = rng.normal(size=(2000, 5))
        columns: dict[str, Any] = {"id": np.arange(2000) + 2000 * number}
        for index in range(50):
            value = factors[:, index % 5] + rng.normal(size=2000)
            columns[f"f{index:02}"] = value if index % 5 else np.char.add("v", (value * 3).astype(int).astype(str))
        return pa.table(columns)

    tables = [day(number) for number in range(29)]
    grid = Grid.fit(pa.concat_tables(tables).drop_columns("id"))
    samples = [take(grid, table, "id", SampleRule(1.0)) for table in tables]
    with Stopwatch() as fit:
        model = JointModel.fit(grid, samples[:28])
    found = {"fit": fit.seconds, "bytes": float(len(model.to_bytes())), "sample": float(len(samples[0].to_bytes()))}
    for detector in JOINT.values():
        with Stopwatch() as watch:
            detector.function(model, samples[28])
        found[detector.name] = watch.seconds
    ids = {
        "numbers": pa.array(np.arange(1_000_000)),
        "texts": pa.array([f"prediction-{i:09}" for i in range(1_000_000)]),
    }
    for name, array in ids.items():
        with Stopwatch() as watch:
            hash_ids(array)
        found[name] = watch.seconds
    return fit.seconds, found


def main() -> bool:
    """Print the tables; whether the targets hold."""
    held = True
    for shuffle, title in ((False, "in real order"), (True, "rows shuffled over the days")):
        kept, lines = run(power, shuffle).result
        held &= kept
        print(f"\nFlights, {title}: one column shuffled in a daily window; shares found, largest p, named first")
        print("\n".join(lines))
    spent = run(cost)
    seconds = spent.result
    print("\n50 columns x 28 days x 2,000 rows, seconds")
    print(f"fit {seconds['fit']:.1f} (target {FIT_TARGET:.0f}), model {seconds['bytes'] / 1e6:.2f} MB")
    for name in JOINT:
        print(f"{name} {seconds[name]:.2f} a window (target {SCORE_TARGET:.0f})")
        held &= seconds[name] < SCORE_TARGET
    held &= seconds["fit"] < FIT_TARGET
    print(f"a day's sample {seconds['sample'] / 1e3:.0f} KB; peak {spent.peak_mb:.0f} MB")
    print(f"a million ids: numbers {seconds['numbers']:.3f}, texts of 20 characters {seconds['texts']:.3f}")
    print(f"targets {'held' if held else 'MISSED'}")
    return bool(held)


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
