"""Evidently's report of a breached window, made in a process of its own within bounds of time and memory.

In: two Arrow tables (reference, production; private columns already left out) and where to write. Out: an HTML file
and Evidently's own verdicts, or why there is none: a deep dive never breaks the report it is linked from.
Kept: the HTML file alone. Evidently takes seconds to import and hundreds of megabytes, so it is never imported here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from reports.context import DeepDiveLink, Period, SampleCheck
from reports.wording import plain

SAMPLE_ROWS = 5_000
_INHERITED = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "LD_LIBRARY_PATH")  # the child sees no secret of the daemon's


@dataclass(frozen=True, slots=True)
class DeepDive:
    """What came of a deep dive: the HTML file, or `error` in words.

    `statistics` holds Evidently's verdict of each column it compared, `left_out` why it did not compare the others.
    """

    path: Path | None
    error: str | None
    rows_reference: int
    rows_production: int
    statistics: Mapping[str, SampleCheck] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)

    def link(self, period: Period) -> DeepDiveLink:
        """The report's part on this deep dive; the file is taken to lie beside the page."""
        return DeepDiveLink(
            path=self.path.name if self.path else None,
            error=self.error,
            period=period,
            rows_reference=self.rows_reference,
            rows_production=self.rows_production,
            checks=tuple(sorted(self.statistics.values(), key=lambda check: (not check.drifted, check.column))),
            left_out=tuple(self.left_out.items()),
        )


def make_deep_dive(
    reference: pa.Table, production: pa.Table, out: Path, *, timeout: float = 180, memory_mb: int = 2048
) -> DeepDive:
    """Have Evidently compare a sample of both tables and write its report to `out`.

    Of more than `SAMPLE_ROWS` rows every n-th is taken, so the same tables give the same sample. The child is killed
    after `timeout` seconds and may use `memory_mb` of address space (where the system can bound it). No failure of
    Evidently's raises; `out` is written whole or not at all.
    """
    reference, production = _sample(reference), _sample(production)
    rows = reference.num_rows, production.num_rows
    if not all(rows):
        return DeepDive(None, "There were no rows to compare.", *rows)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".deep-dive-", dir=out.parent) as name:
        folder = Path(name)
        for table, file in ((reference, "reference.arrow"), (production, "production.arrow")):
            with pa.OSFile(str(folder / file), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
                writer.write_table(table)
        error = _run(folder, timeout, memory_mb)
        if error is not None:
            return DeepDive(None, error, *rows)
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        (folder / "report.html").replace(out)
    checks = {check["column"]: SampleCheck(**check) for check in result["checks"]}
    return DeepDive(out, None, *rows, statistics=checks, left_out=result["left_out"])


def _sample(table: pa.Table) -> pa.Table:
    if table.num_rows <= SAMPLE_ROWS:
        return table
    return table.take(pa.array(np.linspace(0, table.num_rows - 1, SAMPLE_ROWS).astype(np.int64)))


def _run(folder: Path, timeout: float, memory_mb: int) -> str | None:
    """Run the child in `folder`; None when its files are there, else what went wrong."""
    environment = {key: os.environ[key] for key in _INHERITED if key in os.environ}
    environment |= {
        "DO_NOT_TRACK": "1",
        "HOME": str(folder),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(Path(__file__).resolve().parent.parent),
        "PYTHONWARNINGS": "ignore",
    }
    command = [sys.executable, "-m", "reports.evidently_run", str(folder), str(memory_mb)]
    try:
        done = subprocess.run(  # noqa: S603  our own module, no shell
            command, cwd=folder, env=environment, timeout=timeout, capture_output=True, text=True, check=False
        )
    except subprocess.TimeoutExpired:
        return f"Evidently took longer than {timeout:g} s and was stopped."
    if done.returncode == 0:
        return None
    last = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "")
    if done.returncode < 0 or any(word in done.stderr for word in _OUT_OF_MEMORY):
        return f"Evidently did not finish within {memory_mb} MB of memory."
    return f"Evidently failed: {plain(last, 200)}"


_OUT_OF_MEMORY = ("MemoryError", "Cannot allocate memory", "failed to map segment", "Unable to allocate")
