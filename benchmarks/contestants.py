"""What each package is made to do, in a process of its own: its own Python, nothing else loaded.

In: `python -P contestants.py WHAT FOLDER RESULT [ARGUMENTS]`, where FOLDER holds `reference.npy` and `production.npy`,
float64 of shape (features, rows). Out: one JSON object in the file RESULT. Kept: nothing.

Only numpy and the package under test may be imported, each where it is needed: this file runs in every peer's own
environment. The clock starts when the package is imported, has done the same work once on 50,000 rows (compilers,
lazy imports), and holds all rows in the container it likes best; it stops when all figures are there.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

_STARTED = time.monotonic()
Work = Callable[[Any, Any], Any]
CHUNKS = 10
# A tenth of it, a chunk, is enough for the compiled loop to be taken.
_WARM = 50_000


def load(folder: Path, name: str) -> np.ndarray:
    """One side, shape (features, rows)."""
    values: np.ndarray = np.load(folder / f"{name}.npy")
    return values


def names(values: np.ndarray) -> list[str]:
    """What the columns are called."""
    return [f"f{index:02}" for index in range(len(values))]


def arrow(values: np.ndarray) -> Any:
    """An Arrow table over the same memory."""
    import pyarrow as pa

    return pa.table(dict(zip(names(values), map(pa.array, values), strict=True)))


def frame(values: np.ndarray) -> Any:
    """A pandas frame over the same memory, each column in one piece."""
    import pandas as pd

    return pd.DataFrame(dict(zip(names(values), values, strict=True)), copy=False)


def plain(values: np.ndarray) -> Any:
    """An array of shape (rows, features), each column in one piece."""
    return values.T


def timed(folder: Path, into: Callable[[np.ndarray], Any], work: Work, figures: Callable[[Any], list[float]]) -> Any:
    """Seconds of `work(reference, production)`, the process's peak memory, and each feature's figure."""
    first, second = (load(folder, name) for name in ("reference", "production"))
    work(*(into(np.ascontiguousarray(side[:, :_WARM])) for side in (first, second)))
    reference, production = into(first), into(second)
    start = time.perf_counter()
    found = work(reference, production)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "peak_mb": peak, "figures": [float(figure) for figure in figures(found)]}


def driftline(folder: Path) -> Any:
    """Fit the grid, count both sides, every default detector; columns side by side, as wherever Driftline runs."""
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        return _driftline(folder, pool)


def driftline_alone(folder: Path) -> Any:
    """The same on one thread."""
    return _driftline(folder, None)


def _driftline(folder: Path, pool: ThreadPoolExecutor | None) -> Any:
    from detectors import Grid

    def work(reference: Any, production: Any) -> Any:
        grid = Grid.fit(reference, pool=pool)
        return _measured(grid.profile(reference, pool), grid.profile(production, pool))

    return timed(folder, arrow, work, lambda found: found["ks"].value)


def driftline_profiled(folder: Path) -> Any:
    """One thread, with the reference profiled before, as it is in production."""
    from detectors import Grid

    # Twice: for the rows that warm up and for all, by how many there are.
    sides = load(folder, "reference")
    ready = {}
    for rows in (_WARM, sides.shape[1]):
        table = arrow(np.ascontiguousarray(sides[:, :rows]))
        grid = Grid.fit(table)
        ready[rows] = (grid, grid.profile(table))

    def work(reference: Any, production: Any) -> Any:
        grid, before = ready[reference.num_rows]
        return _measured(before, grid.profile(production))

    return timed(folder, arrow, work, lambda found: found["ks"].value)


def driftline_chunks(folder: Path) -> Any:
    """One thread, in as many chunks a side as NannyML makes, each judged against the whole reference."""
    from detectors import Grid

    def work(reference: Any, production: Any) -> Any:
        grid = Grid.fit(reference)
        chunks = [grid.profile(chunk) for side in (reference, production) for chunk in _chunks(side)]
        before = sum(chunks[1:CHUNKS], chunks[0])
        return [_measured(before, chunk) for chunk in chunks]

    return timed(folder, arrow, work, lambda found: np.mean([each["ks"].value for each in found[CHUNKS:]], axis=0))


def _chunks(table: Any) -> list[Any]:
    step = -(-table.num_rows // CHUNKS)
    return [table.slice(start, step) for start in range(0, table.num_rows, step)]


def _measured(before: Any, after: Any) -> Any:
    from detectors import DETECTORS

    return {name: detector.function(before, after) for name, detector in DETECTORS.items()}


def scipy_loop(folder: Path) -> Any:
    """`ks_2samp` a column."""
    from scipy.stats import ks_2samp

    def work(reference: Any, production: Any) -> Any:
        return [ks_2samp(reference[:, index], production[:, index]) for index in range(reference.shape[1])]

    return timed(folder, plain, work, lambda found: [each.statistic for each in found])


def evidently_ks(folder: Path) -> Any:
    """The drift preset with KS for every column."""
    return _evidently(folder, {"method": "ks"})


def evidently_default(folder: Path) -> Any:
    """The drift preset as it comes."""
    return _evidently(folder, {})


def _evidently(folder: Path, options: dict[str, Any]) -> Any:
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    def into(values: np.ndarray) -> Any:
        return Dataset.from_pandas(frame(values), DataDefinition(numerical_columns=names(values)))

    def work(reference: Any, production: Any) -> Any:
        return Report([DataDriftPreset(**options)]).run(production, reference)

    return timed(folder, into, work, _evidently_figures)


def _evidently_figures(found: Any) -> list[float]:
    every = found.dict()["metrics"]
    return [each["value"] for each in every if each["metric_name"].startswith("ValueDrift")]


def nannyml(folder: Path) -> Any:
    """KS of every column in chunks of reference and production."""
    return timed(folder, frame, _nannyml, lambda found: _nannyml_chunks(found).mean(axis=0))


def _nannyml(reference: Any, production: Any) -> Any:
    from nannyml import UnivariateDriftCalculator

    columns = list(reference.columns)
    calculator = UnivariateDriftCalculator(
        column_names=columns, continuous_methods=["kolmogorov_smirnov"], chunk_number=CHUNKS
    )
    return calculator.fit(reference).calculate(production)


def _nannyml_chunks(found: Any) -> np.ndarray:
    """KS of production's chunks, shape (chunks, features)."""
    table = found.filter(period="analysis").to_df(multilevel=False)
    wanted = [column for column in table.columns if column.endswith("kolmogorov_smirnov_value")]
    values: np.ndarray = table[sorted(wanted)].to_numpy()
    return values


def alibi_detect(folder: Path) -> Any:
    """Its KS detector over all columns."""
    from alibi_detect.cd import KSDrift

    def work(reference: Any, production: Any) -> Any:
        return KSDrift(reference).predict(production)

    return timed(folder, plain, work, lambda found: found["data"]["distance"])


def with_one(values: np.ndarray, one: float | None) -> np.ndarray:
    """A copy whose first row is `one` in every column."""
    values = values.copy()
    if one is not None:
        values[:, 0] = one
    return values


def _sides(folder: Path, one: str, where: str) -> tuple[np.ndarray, np.ndarray]:
    first, second = (
        with_one(load(folder, name), float(one) if where == name else None) for name in ("reference", "production")
    )
    return first, second


def nannyml_outlier(folder: Path, one: str, where: str) -> Any:
    """KS of a whole production against a reference, one row of one side being `one`."""
    from nannyml import UnivariateDriftCalculator

    first, second = map(frame, _sides(folder, one, where))
    calculator = UnivariateDriftCalculator(
        column_names=list(first.columns), continuous_methods=["kolmogorov_smirnov"], chunk_number=1
    )
    return {"figures": _nannyml_chunks(calculator.fit(first).calculate(second))[0].tolist()}


def evidently_outlier(folder: Path, one: str, where: str) -> Any:
    """PSI of production against a reference, one row of one side being `one`."""
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    first, second = _sides(folder, one, where)
    definition = DataDefinition(numerical_columns=names(first))
    sides = [Dataset.from_pandas(frame(side), definition) for side in (second, first)]
    return {"figures": _evidently_figures(Report([DataDriftPreset(method="psi")]).run(*sides))}


def nannyml_cbpe(folder: Path) -> Any:
    """Estimated AUC, F1 and accuracy of production's windows with their sampling errors, and the realised ones.

    Here both files hold score, prediction, label and window, float64 of shape (4, rows).
    """
    import pandas as pd
    from nannyml import CBPE

    def into(values: np.ndarray, first: str) -> Any:
        table = pd.DataFrame({"score": values[0], "said": values[1].astype(int), "truth": values[2].astype(int)})
        return table.assign(at=pd.Timestamp(first) + pd.to_timedelta(values[3], unit="D"))

    wanted = ("roc_auc", "f1", "accuracy")
    estimator = CBPE(
        metrics=list(wanted),
        y_pred="said",
        y_pred_proba="score",
        y_true="truth",
        timestamp_column_name="at",
        chunk_period="D",
        problem_type="classification_binary",
    )
    estimator.fit(into(load(folder, "reference"), "2020-01-01"))
    found = estimator.estimate(into(load(folder, "production"), "2024-01-01"))
    table = found.filter(period="analysis").to_df()
    return {
        name: {
            "value": table[(name, "value")].tolist(),
            "error": table[(name, "sampling_error")].tolist(),
            "realised": table[(name, "realized")].tolist(),
        }
        for name in wanted
    }


def _by_day(folder: Path, reference: str) -> tuple[Any, Any, list[str]]:
    """Rows of the reference's days and of those after it, as frames, and the columns beside `day`."""
    import pandas as pd

    rows = pd.read_parquet(folder / "days.parquet")
    early = rows["day"] < int(reference)
    return rows[early], rows[~early], [name for name in rows.columns if name != "day"]


def nannyml_days(folder: Path, reference: str) -> Any:
    """Which columns are beyond their thresholds on each day, a day a chunk: its univariate calculator as it comes."""
    import pandas as pd
    from nannyml import UnivariateDriftCalculator

    before, after, columns = _by_day(folder, reference)
    before, after = (
        side.assign(at=pd.Timestamp("2024-01-01") + pd.to_timedelta(side["day"], unit="D")) for side in (before, after)
    )
    calculator = UnivariateDriftCalculator(column_names=columns, timestamp_column_name="at", chunk_period="D")
    found = calculator.fit(before).calculate(after).filter(period="analysis").to_df(multilevel=False)
    alarms = {
        column: [name for name in found.columns if name.startswith(column + "_") and name.endswith("_alert")]
        for column in columns
    }
    told = [[c for c in columns if any(bool(row[name]) for name in alarms[c])] for _, row in found.iterrows()]
    return {"days": sorted(after["day"].unique().tolist()), "alarms": told}


def evidently_days(folder: Path, reference: str, seconds: str) -> Any:
    """Which columns drift on each day against the reference: its drift preset as it comes.

    Days are taken in an order of chance until another one would end more than `seconds` after this process began, so
    that those that were judged are a fair sample.
    """
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    before, after, columns = _by_day(folder, reference)
    numbers = [name for name in columns if before[name].dtype.kind in "if"]
    definition = DataDefinition(
        numerical_columns=numbers, categorical_columns=[name for name in columns if name not in numbers]
    )
    usual = Dataset.from_pandas(before[columns], definition)
    alarms: dict[int, list[str]] = {}
    longest, began = 0.0, time.monotonic()
    for day in np.random.default_rng(0).permutation(after["day"].unique()).tolist():
        if alarms and began + longest > _STARTED + float(seconds):
            break
        rows = after.loc[after["day"] == day, columns].reset_index(drop=True)
        found = Report([DataDriftPreset()]).run(Dataset.from_pandas(rows, definition), usual)
        alarms[day] = _evidently_drifted(found.dict()["metrics"])
        longest, began = max(longest, time.monotonic() - began), time.monotonic()
    return {"days": sorted(alarms), "alarms": [alarms[day] for day in sorted(alarms)]}


def _evidently_drifted(metrics: list[dict[str, Any]]) -> list[str]:
    """The columns beyond the threshold of their method: p-values below it, distances at or above it."""
    drifted = []
    for each in metrics:
        if not each["metric_name"].startswith("ValueDrift"):
            continue
        config = each["config"]
        below = "p_value" in config["method"]
        if (each["value"] < config["threshold"]) if below else (each["value"] >= config["threshold"]):
            drifted.append(config["column"])
    return drifted


WORK: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        driftline,
        driftline_alone,
        driftline_profiled,
        driftline_chunks,
        scipy_loop,
        evidently_ks,
        evidently_default,
        nannyml,
        alibi_detect,
        nannyml_outlier,
        evidently_outlier,
        nannyml_cbpe,
        nannyml_days,
        evidently_days,
    )
}


def main(what: str, folder: str, result: str, *arguments: str) -> None:
    """Do one thing and write down what came of it."""
    Path(result).write_text(json.dumps(WORK[what](Path(folder), *arguments)), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
