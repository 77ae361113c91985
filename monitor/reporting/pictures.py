"""What the charts of a model page are made of.

In: `Gathered`. Out: distributions and series of `reports.figures`. Kept: nothing.
Private columns have no distribution.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from math import isfinite

from detectors.columns import ColumnKind
from detectors.estimated import ESTIMATED
from detectors.performance import MEASURES
from detectors.profile import Profile
from detectors.registry import DETECTORS, Unit, entry_of
from detectors.result import Finding, Kind, Status
from detectors.trouble import Trouble
from detectors.view import ColumnProfile
from monitor.reporting.estimated import NOTE, estimated_points
from monitor.reporting.gather import Gathered, kinds, name_of
from monitor.windows import days
from reports.context import (
    CategoryDistribution,
    Distribution,
    Figure,
    HeatMap,
    HeatRow,
    IncidentMark,
    NumberDistribution,
    PerformancePoint,
    PerformanceSeries,
    Period,
    QualityRow,
    Series,
    SeriesPoint,
    Share,
    State,
    VolumePoint,
    VolumeSeries,
)

_MOST_BARS = 8
_WIDE, _MOST_HEAT = 20, 40
_DRIFT = frozenset(name for name, detector in DETECTORS.items() if detector.kind is None)
_STATES = {Status.OK: State.OK, Status.BREACH: State.BREACH, Status.INSUFFICIENT: State.INSUFFICIENT}
_95 = 1.96


def state_of(finding: Finding) -> State:
    """How a finding stands."""
    return _STATES[finding.status]


def title_of(detector: str) -> str:
    """A detector's name as people write it."""
    known = entry_of(detector) or MEASURES.get(detector) or ESTIMATED.get(detector)
    return detector.replace("_", " ") if known is None else known.title


def unit_of(detector: str) -> Unit:
    """How a detector's value is written."""
    known = entry_of(detector)
    return Unit.NUMBER if known is None else known.unit


def figure(finding: Finding) -> Figure:
    """A finding as a judged figure; the threshold of a measure is the value it must not pass, not its tolerance."""
    threshold = finding.threshold
    if finding.detector in MEASURES or finding.detector in ESTIMATED:
        usual = finding.detail.get("baseline")
        threshold = limit_of(finding.detector, usual if isinstance(usual, float) else None, threshold)
    return Figure(
        statistic=title_of(finding.detector),
        value=finding.statistic,
        threshold=threshold,
        state=state_of(finding),
        unit=unit_of(finding.detector).value,
        horizon=finding.window.horizon.partition(":")[0],
        period=Period(finding.window.start, finding.window.end),
        rows=finding.n,
        pvalue=finding.pvalue,
        effect=finding.effect,
    )


def quality_row(finding: Finding, since: datetime | None = None) -> QualityRow:
    """A data-quality finding with the reference's own rate, which is what is left without the rise."""
    value, effect = finding.statistic, finding.effect
    return QualityRow(
        finding.subject,
        title_of(finding.detector),
        None if value is None or effect is None else max(value - effect, 0.0),
        value,
        finding.threshold,
        state_of(finding),
        since,
    )


def distribution(reference: Profile, production: Profile, name: str) -> Distribution | None:
    """A column in the reference and in production on common bins; None where it is private or has no values."""
    before, after = reference.column(name), production.column(name)
    if before.private or not before.valid or not after.valid:
        return None
    return _numbers(before, after) if before.column.kind is ColumnKind.NUMBER else _categories(before, after)


def _numbers(before: ColumnProfile, after: ColumnProfile) -> NumberDistribution:
    bins = before.bins()
    old, new = before.histogram(bins), after.histogram(bins)
    outside = [
        Share(f"below {bins[0]:.4g}", *_of_all(before, after, old.below, new.below)),
        Share(f"above {bins[-1]:.4g}", *_of_all(before, after, old.above, new.above)),
        Share("missing", *_rates(before, after)),
    ]
    scale = before.valid / before.rows, after.valid / after.rows
    return NumberDistribution(
        edges=tuple(float(edge) for edge in bins),
        reference=tuple(float(share * scale[0]) for share in old.shares),
        production=tuple(float(share * scale[1]) for share in new.shares),
        outside=tuple(share for share in outside if max(share.reference, share.production) >= 0.0005),
    )


def _of_all(before: ColumnProfile, after: ColumnProfile, old: float, new: float) -> tuple[float, float]:
    return float(old * before.valid / before.rows), float(new * after.valid / after.rows)


def _rates(before: ColumnProfile, after: ColumnProfile) -> tuple[float, float]:
    found = before.missing_rate, after.missing_rate
    return found[0] if isfinite(found[0]) else 0.0, found[1] if isfinite(found[1]) else 0.0


def _categories(before: ColumnProfile, after: ColumnProfile) -> CategoryDistribution:
    old, new = before.counts / before.rows, after.counts / after.rows
    labels = before.labels()
    order = sorted(range(len(labels)), key=lambda cell: (-max(old[cell], new[cell]), cell))
    shown = [cell for cell in order if old[cell] or new[cell]]
    shares = [Share(labels[cell], float(old[cell]), float(new[cell])) for cell in shown[:_MOST_BARS]]
    tail = shown[_MOST_BARS:]
    if tail:
        shares.append(Share(f"{len(tail)} more", float(sum(old[c] for c in tail)), float(sum(new[c] for c in tail))))
    missing = _rates(before, after)
    if max(missing) >= 0.0005:
        shares.append(Share("missing", *missing))
    return CategoryDistribution(tuple(shares))


def marks(gathered: Gathered, subject: str | None = None, trouble: Trouble | None = None) -> tuple[IncidentMark, ...]:
    """The incidents over a time axis: all, those that name a subject, those of one kind of trouble."""
    return tuple(
        IncidentMark(incident.id, incident.window.start, incident.resolved_at, incident.diagnosis)
        for incident in gathered.incidents
        if (subject is None or subject in incident.subjects) and (trouble is None or incident.trouble is trouble)
    )


def series(gathered: Gathered, subject: str, detector: str) -> Series | None:
    """One statistic of one subject over the last eight weeks."""
    horizon = gathered.steady
    points = [
        SeriesPoint(
            Period(past.window.start, past.window.end),
            value if status is not Status.INSUFFICIENT else None,
            threshold,
            _STATES[status],
        )
        for past in gathered.of_horizon(gathered.history, horizon)
        if (subject, detector) in past.figures
        for value, threshold, status in (past.figures[subject, detector],)
    ]
    if len(points) < 2:
        return None
    return Series(title_of(detector), horizon, tuple(points), marks(gathered, subject), unit_of(detector).value)


def heat(gathered: Gathered) -> HeatMap | None:
    """The features that came half way to a threshold on some day of the last eight weeks, the furthest first.

    None for a model with few features, whose series are all drawn, and where nothing is judged by the day.
    """
    past = gathered.of_horizon(gathered.history, "1d")
    strongest: list[dict[str, float]] = []
    for one in past:
        ratios: dict[str, float] = {}
        for (subject, detector), (value, threshold, status) in one.figures.items():
            if detector in _DRIFT and threshold and value is not None and status is not Status.INSUFFICIENT:
                ratio = abs(value) / threshold
                if ratio >= ratios.get(subject, 0.0):
                    ratios[subject] = ratio
        strongest.append(ratios)
    furthest = {name: max(day.get(name, 0.0) for day in strongest) for name in {n for day in strongest for n in day}}
    if len(furthest) < _WIDE or len(past) < 2:
        return None
    shown = sorted((name for name, ratio in furthest.items() if ratio >= 0.5), key=lambda name: (-furthest[name], name))
    rows = tuple(HeatRow(name, tuple(day.get(name) for day in strongest)) for name in shown[:_MOST_HEAT])
    return HeatMap(tuple(Period(one.window.start, one.window.end) for one in past), rows) if rows else None


def performance(gathered: Gathered) -> tuple[PerformanceSeries, ...]:
    """Each measure over the last eight weeks, with its 95% interval and the baseline's own value."""
    horizons = {name_of(one) for one in gathered.performance}
    horizon = next((name for name in ("7d", "1d", "28d") if name in horizons), None)
    if horizon is None:
        return ()
    points: dict[str, list[PerformancePoint]] = {}
    limits: dict[str, float | None] = {}
    for evaluation in gathered.of_horizon(gathered.performance, horizon):
        for finding in kinds(evaluation, Kind.PERFORMANCE):
            if finding.detector not in MEASURES or finding.segment or not finding.detail.get("judged", True):
                continue
            value = finding.statistic
            low, high = interval(finding)
            points.setdefault(finding.detector, []).append(
                PerformancePoint(
                    Period(evaluation.window.start, evaluation.window.end),
                    value,
                    low,
                    high,
                    finding.n,
                    evaluation.rows,
                    state_of(finding),
                )
            )
            limits[finding.detector] = finding.threshold
    base = gathered.baseline.performance if gathered.baseline else {}
    guessed = estimated_points(gathered, horizon)
    found = []
    for name, line in points.items():
        usual = base[name].value if name in base else None
        found.append(
            PerformanceSeries(
                MEASURES[name].title,
                MEASURES[name].higher_is_better,
                usual,
                limit_of(name, usual, limits[name]),
                horizon,
                tuple(line),
                marks(gathered, trouble=Trouble.PERFORMANCE),
                estimated=guessed.get(name, ()),
                note=NOTE if name in guessed else "",
            )
        )
    return tuple(found)


def business(gathered: Gathered) -> tuple[PerformanceSeries, ...]:
    """Each business metric day by day over the last eight weeks, with what was usual when it was last judged."""
    points: dict[str, list[PerformancePoint]] = {}
    newest: dict[str, Finding] = {}
    for evaluation in gathered.performance:
        for finding in kinds(evaluation, Kind.BUSINESS):
            period = Period(evaluation.window.start, evaluation.window.end)
            one = PerformancePoint(period, finding.statistic, None, None, finding.n, finding.n, state_of(finding))
            points.setdefault(finding.subject, []).append(one)
            newest[finding.subject] = finding
    found = []
    for name, line in points.items():
        chosen, last = gathered.settings.business.get(name), newest[name]
        usual = last.detail.get("baseline")
        found.append(
            PerformanceSeries(
                name.replace("_", " "),
                chosen is None or chosen.higher_is_better,
                usual if isinstance(usual, float) else None,
                last.threshold,
                last.window.horizon,
                tuple(line),
            )
        )
    return tuple(found)


def interval(finding: Finding) -> tuple[float | None, float | None]:
    """A measure's 95% interval, which knows that days differ; older findings tell a standard error alone."""
    told = finding.detail.get("interval")
    if isinstance(told, list) and len(told) == 2:
        return float(told[0]), float(told[1])
    error = finding.detail.get("stderr")
    if finding.statistic is None or not isinstance(error, float):
        return None, None
    return finding.statistic - _95 * error, finding.statistic + _95 * error


def limit_of(name: str, usual: float | None, tolerance: float | None) -> float | None:
    """The value a measure must not pass, from the baseline's and how much worse it may be."""
    realised = MEASURES.get(name)
    if usual is None or tolerance is None or (realised is not None and realised.signed):
        return None  # what is best at 0 has a limit on either side
    measure = realised or ESTIMATED[name]
    worse = tolerance * usual if measure.relative else tolerance
    return usual - worse if measure.higher_is_better else usual + worse


def volume(gathered: Gathered) -> VolumeSeries | None:
    """Rows by day (by run for batch models) over the last eight weeks."""
    if gathered.steady == "run":
        runs = [one for one in gathered.of_horizon(gathered.history, "run") if one.rows]
        points = [VolumePoint(Period(r.window.start, r.window.end), r.rows, None, None, State.OK) for r in runs]
        return VolumeSeries("run", tuple(points)) if points else None
    if not gathered.slots:
        return None
    first = max(gathered.period.end - timedelta(weeks=8), min(slot.start for slot in gathered.slots))
    judged = _volume_states(gathered)
    rows = sorted((slot.start, slot.rows) for slot in gathered.slots)
    points = []
    position = 0
    for start, end in days(first, gathered.period.end, gathered.settings.zone):
        total = 0
        while position < len(rows) and rows[position][0] < end:
            total += rows[position][1] if rows[position][0] >= start else 0
            position += 1
        points.append(VolumePoint(Period(start, end), total, None, None, judged.get(end, State.OK)))
    silent = tuple(mark for mark in marks(gathered, "rows"))
    return VolumeSeries("1d", tuple(points), silent)


def _volume_states(gathered: Gathered) -> dict[datetime, State]:
    return {
        past.window.end: _STATES[status]
        for past in gathered.of_horizon(gathered.history, "1d")
        for (_, detector), (_, _, status) in past.figures.items()
        if detector == "volume"
    }
