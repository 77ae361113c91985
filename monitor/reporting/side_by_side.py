"""Two versions that served in a report's period, side by side on its model's page.

In: a `World`, `Gathered`. Out: `reports.parts.VersionComparison`, None where one version served. Kept: nothing. The log
is read, once, only in a period in which two served.
"""

from __future__ import annotations

from datetime import datetime

import structlog

from monitor.on_demand.comparing import Comparison, Line, compare_versions
from monitor.prediction_log.base import LogError
from monitor.reporting.gather import Gathered
from monitor.world import World
from reports.figures import State
from reports.parts import VersionComparison, VersionRow

_SHARES = ("rows apart in ", "rate of ", "true rate")

log = structlog.get_logger()


def side_by_side(world: World, gathered: Gathered, now: datetime) -> VersionComparison | None:
    """The two newest versions with rows in the period, with the labels received by `now`."""
    period = gathered.period
    served = [v for v, (first, last) in gathered.versions.items() if first < period.end and last >= period.start]
    if len(served) < 2:
        return None
    old, new = served[-2:]
    baseline = gathered.baselines.get(old) or gathered.baselines.get(new)
    if baseline is None:
        return None
    rows, labels = world.open_log(gathered.model), world.open_labels(gathered.model)
    try:
        found = compare_versions(
            rows, labels, gathered.model, gathered.settings, baseline, (old, new), (period.start, period.end), now
        )
    except LogError as error:
        log.warning("versions not compared", model=gathered.model, error=str(error))
        return None
    return VersionComparison(old, new, period, tuple(_row(line, found) for line in found.lines))


def _row(line: Line, found: Comparison) -> VersionRow:
    unit = "share" if line.measure.startswith(_SHARES) else "number"
    note = line.note
    if line.measure == "rows" and not found.together:
        note = "not on the same days: what differs may be the days"
    return VersionRow(line.measure, line.old, line.new, unit, State.BREACH if line.note == "worse" else State.OK, note)
