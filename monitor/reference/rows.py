"""Which rows and columns a reference is made of, and the grid that is cut from them.

In: a model's settings, batches of rows or a training file. Out: columns, tables, a grid with its profile.
Kept: nothing.
"""

from __future__ import annotations

import gzip
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from detectors import Grid, Profile
from detectors.columns import Role
from detectors.result import DetectorError
from monitor.prediction_log.base import LogMismatch
from monitor.settings import ModelSettings

# A grid is cut from at most this many values (rows x columns): quantiles need no more, and memory stays bounded.
MOST_VALUES = 30_000_000


def read_table(path: Path) -> pa.Table:
    """A whole Parquet, CSV or NDJSON file (the latter two also gzipped). Raises LogMismatch."""
    import pyarrow.csv as csv
    import pyarrow.json as ndjson
    import pyarrow.parquet as parquet

    if not path.is_file():
        raise LogMismatch(f"there is no file {path}")
    name = path.name.removesuffix(".gz")
    try:
        if name.endswith((".parquet", ".pq")):
            return parquet.ParquetFile(path).read()
        with gzip.open(path, "rb") if path.name.endswith(".gz") else path.open("rb") as stream:
            if name.endswith(".csv"):
                return csv.read_csv(stream)
            if name.endswith((".ndjson", ".jsonl", ".json")):
                return ndjson.read_json(stream)
    except (OSError, EOFError, zlib.error, pa.ArrowInvalid) as error:
        raise LogMismatch(f"{path}: {error}") from error
    raise LogMismatch(f"{path}: not a .parquet, .csv or .ndjson file")


def watched(settings: ModelSettings, schema: pa.Schema) -> list[str]:
    """The columns a grid is cut for: features, score and prediction, in the source's order."""
    columns, features = settings.columns, settings.features
    outputs = {name for name in (columns.score, columns.prediction) if name}
    parts = {
        columns.timestamp,
        columns.id,
        columns.version,
        columns.label,
        columns.label_time,
        columns.run,
        columns.preprocessing,
    }
    if settings.cadence is not None:
        parts.add(settings.cadence.run)
    if features.auto:
        chosen = [name for name in schema.names if name not in parts and name not in features.exclude]
    else:
        chosen = [name for name in features.include if name not in features.exclude]
        chosen += [name for name in outputs if name not in chosen]
    return [name for name in chosen if name not in parts or name in outputs]


def roles(settings: ModelSettings) -> dict[str, Role]:
    """The columns that are outputs rather than features."""
    found: dict[str, Role] = {}
    if settings.columns.prediction:
        found[settings.columns.prediction] = Role.PREDICTION
    if settings.columns.score:
        found[settings.columns.score] = Role.SCORE
    return found


def fit(
    parts: Callable[[], Iterator[pa.RecordBatch]], settings: ModelSettings, names: Sequence[str]
) -> tuple[Grid, Profile] | None:
    """A grid over the columns `names`, with the segments of those the parts have, and the profile of all rows."""
    kept: list[pa.RecordBatch] = []
    values, every, rows = 0, 1, 0
    for part in parts():
        # A systematic sample: when the buffer is full, every second row of it goes, and so on.
        kept.append(part if every == 1 else part.take(pa.array(range((-rows) % every, part.num_rows, every))))
        rows += part.num_rows
        values += kept[-1].num_rows * part.num_columns
        if values > MOST_VALUES:
            kept = [piece.take(pa.array(range(0, piece.num_rows, 2))) for piece in kept]
            every *= 2
            values = sum(piece.num_rows * piece.num_columns for piece in kept)
    if not rows:
        return None
    table, alike = _joined(kept)
    output = settings.columns.prediction
    try:
        grid = Grid.fit(
            table,
            roles=roles(settings),
            private=settings.features.private,
            only=[name for name in names if name in table.column_names],
            segments=[name for name in settings.segments if name in table.column_names],
            categories=[output] if output and settings.task != "regression" else [],
        )
    except DetectorError as error:
        raise LogMismatch(f"no baseline can be made: {error}") from error
    profile = Profile.empty(grid)
    if every > 1:
        for part in parts():
            profile = profile + grid.profile(part)
    else:
        for batch in table.to_batches(max_chunksize=262144) if alike else kept:
            profile = profile + grid.profile(batch)
    return grid, profile


def _joined(parts: list[pa.RecordBatch]) -> tuple[pa.Table, bool]:
    """The parts as one table, and whether it holds all their values.

    It does not where a column has types that do not go together: then those of the type most rows have are in it, and
    the others count as of a changed type when they are profiled.
    """
    tables = [pa.Table.from_batches([part]) for part in parts]
    try:
        return pa.concat_tables(tables, promote_options="permissive"), True
    except pa.ArrowException:
        pass
    rows: dict[str, Counter[pa.DataType]] = {}
    for table in tables:
        for field in table.schema:
            rows.setdefault(field.name, Counter())[field.type] += table.num_rows
    usual = {name: kinds.most_common(1)[0][0] for name, kinds in rows.items()}
    chosen = [table.select([f.name for f in table.schema if f.type == usual[f.name]]) for table in tables]
    return pa.concat_tables(chosen, promote_options="permissive"), False
