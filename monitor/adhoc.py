"""Compare two tables with no config, no log and no state.

In: two Arrow tables. Out: findings. Kept: nothing.
"""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa

from detectors import Grid
from detectors.result import Finding, Window
from monitor.evaluate import Context, judge_inputs
from monitor.judging import program
from monitor.settings import ModelSettings


def compare_tables(reference: pa.Table, production: pa.Table, name: str, now: datetime) -> list[Finding]:
    """Every column of `production` against `reference` (default detectors and thresholds).

    Raises DetectorError when the reference has no usable column or row.
    """
    grid = Grid.fit(reference)
    context = Context(name, "", Window("file", now, now), 0, now, program=program())
    before, after = grid.profile(reference), grid.profile(production)
    return judge_inputs(context, ModelSettings(), before, after, explain=True)
