"""How rows came: how many, how fresh, how late, by which clock, how often twice.

In: counts of rows, ids and hours as values, and the model's settings. Out: `Finding`s. Kept: nothing.
Pure, as `evaluate.py` is.
"""

from __future__ import annotations

from math import isfinite

from detectors.arrivals import duplicates, late_rows
from detectors.clock import clock_shift
from detectors.registry import Unit
from detectors.result import Finding, Kind, Status
from detectors.volume import OPERATIONAL, freshness, volume
from monitor.evaluate import Context, enabled
from monitor.judging.volumes import History
from monitor.settings import ModelSettings

_ROWS, _TIMES, _LATE = "rows", "timestamps", "late rows"
_ALPHA = 0.01


def judge_volume(
    context: Context,
    settings: ModelSettings,
    rows: int,
    age: float | None,
    history: History,
) -> list[Finding]:
    """How many rows came against the same window of earlier weeks, and how old the newest was at its end (seconds).

    Without enough history both are insufficient, even for no rows at all: a new model may have its quiet days.
    """
    findings = []
    if enabled(settings, "volume"):
        threshold = _threshold(settings, "volume")
        found = volume(rows, history.rows)
        value, pvalue = float(found.value[0]), None if found.pvalue is None else float(found.pvalue[0])
        status = Status.INSUFFICIENT
        if isfinite(value):
            certain = pvalue is None or not isfinite(pvalue) or pvalue <= _ALPHA
            # More rows are news only when they are a multiple: marketing is allowed to work.
            far = value <= -threshold or value >= 1.0 / (1.0 - min(threshold, 0.9))
            status = Status.BREACH if far and (certain or rows == 0) else Status.OK
        detail = {"before": f"{_median(history.rows):,.0f} rows", "after": f"{rows:,} rows"} if history.rows else {}
        findings.append(
            context.finding(
                _ROWS, Kind.VOLUME, "volume", status, rows,
                statistic=value, pvalue=pvalue, threshold=threshold, effect=value, detail=detail,
            )
        )  # fmt: skip
    if enabled(settings, "freshness") and rows and age is not None:
        threshold = _threshold(settings, "freshness")
        found = freshness(age, [*history.ages])
        times = float(found.effect[0]) if found.effect is not None else float("nan")
        enough = isfinite(times) and len(history.ages) >= 3
        # A gap of minutes is no news however punctual the rows usually are.
        stale = enough and times >= threshold and age >= 3600.0
        status = Status.BREACH if stale else Status.OK if enough else Status.INSUFFICIENT
        findings.append(
            context.finding(
                _ROWS, Kind.VOLUME, "freshness", status, rows, statistic=age, threshold=threshold, effect=times
            )
        )
    if enabled(settings, "clock_shift") and history.hours is not None:
        threshold = _threshold(settings, "clock_shift")
        found = clock_shift(history.hours[0], history.hours[1])
        lag = float(found.value[0])
        status = Status.INSUFFICIENT if not isfinite(lag) else Status.BREACH if abs(lag) >= threshold else Status.OK
        findings.append(
            context.finding(
                _TIMES, Kind.VOLUME, "clock_shift", status, rows, statistic=lag, threshold=threshold, effect=abs(lag)
            )
        )
    return findings


def judge_late(context: Context, settings: ModelSettings, first: int, rows: int) -> list[Finding]:
    """How many of a window's rows came after it was first judged, on `first` rows: nothing on the first judgement."""
    if context.revision == 0 or not enabled(settings, "late_rows"):
        return []
    threshold = _threshold(settings, "late_rows")
    share = float(late_rows(first, rows).value[0])
    status = Status.INSUFFICIENT if not isfinite(share) else Status.BREACH if share >= threshold else Status.OK
    detail = {"before": f"{first:,} rows", "after": f"{rows:,} rows"}
    return [
        context.finding(
            _LATE, Kind.VOLUME, "late_rows", status, rows,
            statistic=share, threshold=threshold, effect=share, detail=detail,
        )
    ]  # fmt: skip


def judge_duplicates(context: Context, settings: ModelSettings, ids: int, repeats: int) -> list[Finding]:
    """How many of `ids` rows have an id that came before within the hour: `repeats` of them."""
    column = settings.columns.id
    if column is None or not ids or not enabled(settings, "duplicates"):
        return []
    threshold = _threshold(settings, "duplicates")
    found = duplicates(ids - repeats, ids)
    share, pvalue = float(found.value[0]), None if found.pvalue is None else float(found.pvalue[0])
    status = Status.OK
    if ids < settings.minimum_rows:
        status = Status.INSUFFICIENT
    elif share >= threshold and (pvalue is None or pvalue <= _ALPHA):
        status = Status.BREACH
    detail: dict[str, object] = {}
    if status is Status.BREACH:
        detail = {
            "explanation": f"came more than once: {Unit.SHARE.show(share)} of the rows repeat one of the same hour"
        }
    return [
        context.finding(
            column, Kind.QUALITY, "duplicates", status, ids,
            statistic=share, pvalue=pvalue, threshold=threshold, effect=share, detail=detail,
        )
    ]  # fmt: skip


def _threshold(settings: ModelSettings, name: str) -> float:
    chosen = settings.detectors.get(name)
    return chosen.threshold if chosen is not None and chosen.threshold is not None else OPERATIONAL[name]


def _median(values: tuple[int, ...]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return float(ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2)
