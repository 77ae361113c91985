"""The child process of a deep dive: `python -m reports.evidently_run FOLDER MEMORY_MB`.

In: `reference.arrow` and `production.arrow` in the folder. Out: `report.html` and `result.json` beside them; a failure
is a traceback on standard error and a non-zero exit. Kept: nothing.

Names and values are made harmless before Evidently sees them: it writes them into a script element as they are, where
`</script>` would end it. Evidently's page, unlike ours, runs its own script; the policy written into it forbids that
script any request.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from reports.errors import ReportError
from reports.wording import plain

MOST_CATEGORIES = 200
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'"
)
_HARMLESS = str.maketrans({"<": "‹", ">": "›", "&": "+", "\\": "/"})


def main(arguments: list[str]) -> None:
    """Compare the two tables in the folder and write the report and its verdicts."""
    folder, memory_mb = Path(arguments[0]), int(arguments[1])
    _bound_memory(memory_mb)
    reference, production = (_read(folder / f"{side}.arrow") for side in ("reference", "production"))
    kinds, left_out = comparable(reference, production)
    if not kinds:
        raise ReportError("no column can be compared")
    names = harmless_names(list(kinds))
    snapshot = _compare(reference, production, kinds, names)
    page = folder / "page.html"
    snapshot.save_html(str(page))
    (folder / "report.html").write_text(with_policy(page.read_text(encoding="utf-8")), encoding="utf-8")
    result = {"checks": checks(snapshot.dict(), names), "left_out": left_out}
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")


def comparable(reference: pa.Table, production: pa.Table) -> tuple[dict[str, str], dict[str, str]]:
    """The columns Evidently is given ("number" or "category" by name), and why the others are left out."""
    kinds: dict[str, str] = {}
    left_out: dict[str, str] = {}
    for name in reference.column_names:
        if name not in production.column_names:
            left_out[name] = "not in production"
            continue
        ours, theirs = reference.column(name), production.column(name)
        kind = _kind(ours.type)
        if ours.null_count == len(ours) or theirs.null_count == len(theirs):
            left_out[name] = "no values"
        elif kind is None:
            left_out[name] = f"values of type {ours.type} are not compared"
        elif kind != _kind(theirs.type):
            left_out[name] = f"was {ours.type}, is {theirs.type}"
        elif kind == "category" and max(_distinct(ours), _distinct(theirs)) > MOST_CATEGORIES:
            left_out[name] = f"more than {MOST_CATEGORIES} different values"
        elif kind == "number" and (
            _numbers(ours).null_count == len(ours) or _numbers(theirs).null_count == len(theirs)
        ):
            left_out[name] = "no finite values"
        else:
            kinds[name] = kind
    left_out |= {name: "not in the reference" for name in production.column_names if name not in reference.column_names}
    return kinds, left_out


def harmless_names(names: list[str]) -> dict[str, str]:
    """For each column's name one that can stand in a script, all different."""
    out: dict[str, str] = {}
    for name in names:
        shown = plain(name, 80).translate(_HARMLESS)
        used = set(out.values())
        out[name] = shown if shown not in used else f"{shown} ({len(out) + 1})"
    return out


def with_policy(page: str) -> str:
    """Evidently's page with a policy that lets its script run and nothing be fetched."""
    head = page.find("<head>")
    if head < 0:
        raise ReportError("Evidently's page has no head to put a policy into")
    at = head + len("<head>")
    return f'{page[:at]}<meta http-equiv="Content-Security-Policy" content="{POLICY}">{page[at:]}'


def checks(result: Mapping[str, Any], names: Mapping[str, str]) -> list[dict[str, object]]:
    """Evidently's verdict of each column, under the column's own name: the drift verdict is the test's status."""
    originals = {shown: name for name, shown in names.items()}
    values = {metric["id"]: metric["value"] for metric in result["metrics"]}
    found = []
    for test in result["tests"]:
        config = test["metric_config"]
        params = config["params"]
        if not str(params.get("type", "")).endswith(":ValueDrift"):
            continue
        value = values.get(config["metric_id"])
        found.append(
            {
                "column": originals[params["column"]],
                "method": str(params["method"]),
                "value": _finite(value),
                "threshold": _finite(params.get("threshold")),
                "drifted": getattr(test["status"], "value", test["status"]) == "FAIL",
            }
        )
    return found


def _compare(reference: pa.Table, production: pa.Table, kinds: Mapping[str, str], names: Mapping[str, str]) -> Any:
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    definition = DataDefinition(
        numerical_columns=[names[name] for name, kind in kinds.items() if kind == "number"],
        categorical_columns=[names[name] for name, kind in kinds.items() if kind == "category"],
    )
    ours, theirs = (
        Dataset.from_pandas(_frame(table, kinds, names), data_definition=definition)
        for table in (reference, production)
    )
    return Report([DataDriftPreset()], include_tests=True).run(theirs, ours)


def _frame(table: pa.Table, kinds: Mapping[str, str], names: Mapping[str, str]) -> Any:
    import pandas as pd

    columns = {
        names[name]: _numbers(table.column(name)).to_numpy() if kind == "number" else _labels(table.column(name))
        for name, kind in kinds.items()
    }
    return pd.DataFrame(columns)


def _kind(type_: pa.DataType) -> str | None:
    if pa.types.is_dictionary(type_):
        return _kind(type_.value_type)
    if pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_):
        return "number"
    if pa.types.is_boolean(type_) or pa.types.is_string(type_) or pa.types.is_large_string(type_):
        return "category"
    return None


def _distinct(column: pa.ChunkedArray) -> int:
    return len(column.unique())


def _numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A numeric column as float64, with null for what is not finite."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    floats = pc.cast(column, pa.float64(), safe=False)
    return pc.if_else(pc.is_finite(floats), floats, None)


def _labels(column: pa.ChunkedArray) -> list[str | None]:
    return [None if value is None else plain(str(value), 80).translate(_HARMLESS) for value in column.to_pylist()]


def _finite(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


def _read(path: Path) -> pa.Table:
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()


def _bound_memory(megabytes: int) -> None:
    """Bound the address space, where the system knows such a bound (Windows has none, macOS refuses it)."""
    try:
        import resource
    except ImportError:
        return
    try:
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    except (ValueError, OSError):
        return


if __name__ == "__main__":
    main(sys.argv[1:])
