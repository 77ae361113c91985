"""What a chart shows, in a sentence or two: read aloud where it is not seen, and the text of a mail without pictures.

In: the figures of one chart, the name of what it is about. Out: plain text, not yet escaped. Kept: nothing.
"""

from __future__ import annotations

from reports.context import ModelPage
from reports.figures import (
    CategoryDistribution,
    NumberDistribution,
    PerformanceSeries,
    Series,
    State,
    VolumeSeries,
)
from reports.parts import HeatMap, Why
from reports.wording import count, horizon, measured, number, plain, plural, share


def numbers(shown: NumberDistribution, name: str) -> str:
    """The median of both sides, and what lies outside the bins."""
    reference, production = _median(shown.edges, shown.reference), _median(shown.edges, shown.production)
    said = f"Distribution of {plain(name, 80)}: median {number(reference)} in the reference, {number(production)} in "
    outside = [
        f"{plain(part.label, 40)} {share(part.reference)} then {share(part.production)}" for part in shown.outside
    ]
    return said + "production" + ("; " + "; ".join(outside) if outside else "") + "."


def categories(shown: CategoryDistribution, name: str) -> str:
    """The three values whose shares moved most."""
    moved = sorted(shown.shares, key=lambda part: -abs(part.production - part.reference))[:3]
    parts = "; ".join(
        f"{plain(part.label, 40)} {share(part.reference)} in the reference, {share(part.production)} in production"
        for part in moved
    )
    return f"Shares of {plain(name, 80)}: {parts}." if parts else f"Shares of {plain(name, 80)}: no values."


def statistic(series: Series, name: str) -> str:
    """The last value, the threshold, how many windows breached it and how many were not judged."""
    windows = f"{plural(len(series.points), 'window')}, {horizon(series.horizon)}"
    said = f"{series.statistic} of {plain(name, 80)} over {windows}"
    judged = [point for point in series.points if point.value is not None]
    if not judged:
        return said + ": none was judged."
    last = judged[-1]
    limit = f", threshold {measured(last.threshold, series.unit, limit=True)}" if last.threshold is not None else ""
    breaches = sum(point.state in (State.BREACH, State.WATCH) for point in series.points)
    missing = sum(point.state in (State.INSUFFICIENT, State.MISSING) for point in series.points)
    unjudged = f", {missing} not judged" if missing else ""
    return (
        f"{said}: last {measured(last.value, series.unit)}{limit}; {plural(breaches, 'breach', 'breaches')}{unjudged}."
    )


def performance(series: PerformanceSeries) -> str:
    """The last value with its interval, beside the reference's; what is estimated without labels, after it."""
    guessed = next((point for point in reversed(series.estimated) if point.value is not None), None)
    estimate = f"; estimated without labels {number(guessed.value)}" if guessed else ""
    judged = [point for point in series.points if point.value is not None]
    if not judged:
        return f"{series.metric} over {plural(len(series.points), 'window')}: no labels to judge by{estimate}."
    last = judged[-1]
    interval = f" (95% interval {number(last.low)} to {number(last.high)})" if last.low is not None else ""
    reference = f", {number(series.baseline)} in the reference" if series.baseline is not None else ""
    return (
        f"{series.metric} over {plural(len(series.points), 'window')}, {horizon(series.horizon)}: "
        f"last {number(last.value)}{interval} from {count(last.labels)} labels{reference}{estimate}."
    )


def heat(shown: HeatMap) -> str:
    """The features that were over their threshold on most days."""
    days = len(shown.days)
    over = [(row.name, sum(ratio is not None and ratio >= 1 for ratio in row.ratios)) for row in shown.rows]
    most = sorted((pair for pair in over if pair[1]), key=lambda pair: -pair[1])[:5]
    said = f"{plural(len(shown.rows), 'feature')} over {plural(days, 'day')}"
    if not most:
        return f"{said}: none was over its threshold on any day."
    return f"{said}, days over the threshold: " + ", ".join(f"{plain(name, 40)} {count}" for name, count in most) + "."


def timeline(page: ModelPage) -> str:
    """How many versions served, and how many incidents there were."""
    versions = ", ".join(plain(span.version, 40) for span in page.versions[:5])
    said = f"{plural(len(page.versions), 'version')} served ({versions})" if page.versions else "No version is known"
    return f"{said}; {plural(len(page.incidents), 'incident')} in this time."


def contributions(why: Why) -> str:
    """The largest parts, signed."""
    largest = sorted(why.contributions, key=lambda one: -abs(one.value))[:5]
    parts = ", ".join(f"{plain(one.subject, 40)} {measured(one.value, why.unit)}" for one in largest)
    return f"Parts of the change{f' of {plain(why.measure, 40)}' if why.measure else ''}: {parts}."


def volume(series: VolumeSeries) -> str:
    """The least, the most and the last number of rows."""
    rows = [point.rows for point in series.points]
    if not rows:
        return "Rows over time: none yet."
    said = f"Rows over {plural(len(rows), 'window')}, {horizon(series.horizon)}"
    return f"{said}: between {count(min(rows))} and {count(max(rows))}, last {count(rows[-1])}."


def _median(edges: tuple[float, ...], shares: tuple[float, ...]) -> float | None:
    """The median of binned rows, rows within a bin taken as evenly spread."""
    half, before = sum(shares) / 2, 0.0
    if half <= 0:
        return None
    for left, right, part in zip(edges, edges[1:], shares, strict=False):
        if part > 0 and before + part >= half:
            return left + (right - left) * (half - before) / part
        before += part
    return edges[-1]
