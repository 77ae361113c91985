"""Compare two tables with no config, no log and no state.

In: two tables, options. Out: `Compared`: findings, and the profiles they were measured on. Kept: nothing.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version as distribution_version

from detectors import Grid
from detectors.profile import Profile
from detectors.result import Finding, Window
from detectors.values import as_table
from monitor.evaluate import Context
from monitor.judging.segments import judge_everything
from monitor.on_demand.adhoc_options import read_options
from monitor.settings import ModelSettings


@dataclass(frozen=True, eq=False)
class Compared:
    """Production against reference: every statistic judged, both profiles, what was left out and why.

    `program` is Driftline's version, `minimum_rows` how many rows each table needs before anything is judged.
    """

    findings: tuple[Finding, ...]
    reference: Profile
    production: Profile
    left_out: tuple[tuple[str, str], ...]
    at: datetime
    program: str
    minimum_rows: int


def compare_tables(
    reference: object,
    production: object,
    name: str,
    now: datetime,
    *,
    detectors: object = None,
    exclude: object = (),
    private: object = (),
    resolution: object = 500,
) -> Compared:
    """Every column of `production` against `reference`; the options are those of `driftline.compare`.

    Raises DetectorError when a table cannot be read as columns, the reference has no usable column or row, or an
    option names what is not there.
    """
    old, new = as_table(reference), as_table(production)
    columns = dict.fromkeys([*old.column_names, *new.column_names])
    options = read_options(detectors, exclude, private, resolution, columns)
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        grid = Grid.fit(old, options.resolution, private=options.private, exclude=options.exclude, pool=pool)
        before, after = grid.profile(old, pool), grid.profile(new, pool)
    program = distribution_version("driftline")
    settings = ModelSettings(detectors=dict(options.detectors))
    context = Context(name, "", Window("file", now, now), 0, now, program=program)
    left_out = {one.name: one.reason for one in grid.excluded} | dict.fromkeys(options.exclude, "excluded as asked")
    left_out |= {one: "the reference has no such column" for one in columns if one not in {*grid.names, *left_out}}
    return Compared(
        findings=tuple(judge_everything(context, settings, before, after, explain=True)),
        reference=before,
        production=after,
        left_out=tuple(left_out.items()),
        at=now,
        program=program,
        minimum_rows=settings.minimum_rows,
    )
