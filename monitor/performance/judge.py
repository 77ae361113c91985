"""Performance of the windows that are due, and of earlier ones whose labels have come or changed since.

In: a model's `Judging`, its due windows. Out: `Evaluation`s: of a window judged before a new revision, never an edit.
Kept: the performance of a baseline whose own labels were still coming when it was made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from detectors.label_delay import LabelLaw, learn_delay
from detectors.label_feed import label_feed
from detectors.result import Finding, Kind, Status, Window
from detectors.volume import OPERATIONAL
from monitor.business.figures import Figured, NoFigure, figure
from monitor.business.judge import Past, judge_business
from monitor.evaluate import Context, enabled, unjudged
from monitor.judging.noting import noted
from monitor.performance.outcomes import Outcomes, read_outcomes
from monitor.performance.realised import (
    Maturity,
    by_segment,
    judge_performance,
    maturity,
    reference_performance,
    unchanged,
)
from monitor.performance.training import judge_training
from monitor.prediction_log.arrow import micros, moment
from monitor.reference.left_out import only_event
from monitor.store import baselines, evaluations
from monitor.store.baselines import Baseline
from monitor.store.evaluations import Evaluation
from monitor.windows import Aspect, Due, local_day, midnight

if TYPE_CHECKING:
    from monitor.judging.moment import Judging

_DAY = timedelta(days=1)
_LONGEST = ("1d", "7d", "28d")
_REMEMBERED = timedelta(days=56)
# How far a window has been judged, at the end of its ledger row's source: what it was judged on is before it.
_PRELIMINARY, _UNJUDGED, _JUDGED = ":p", ":n", ":j"
# So few labels may be missing for want of rows.
_FEWEST_EXPECTED = 20.0
_CERTAIN = 0.001


@dataclass(frozen=True, slots=True)
class _Labels:
    """What is known of a model's labels at one moment: outcomes by version, how late they come, whether they do.

    `until` is the moment up to which labels are thought to have come as they should (microseconds): now, or when the
    last one came if the feed has stopped.
    """

    outcomes: Mapping[str, Outcomes]
    sums: Mapping[str, NDArray[np.uint64]]
    law: LabelLaw | None
    until: int
    feed: tuple[float, float, float, float] | None


def judge_windows(judging: Judging, dues: Sequence[Due], *, revisions: bool = True) -> Iterator[Evaluation]:
    """Every due window, then those judged within the label horizon whose labels are others now, or all there now."""
    if not dues:
        return
    windows = [due.window for due in dues]
    before = _earlier(judging, windows) if revisions and _labelled(judging) else []
    known = _read(judging, [*windows, *(old.window for old in before)])
    references: dict[str, Baseline | None] = {}
    for due in dues:
        yield from _first(judging, due, known, references)
    for old in before:
        yield from _again(judging, old, known)


def _labelled(judging: Judging) -> bool:
    """Whether the model has labels to join; without, its business metrics alone are looked at."""
    columns = judging.settings.columns
    return judging.labels is not None and columns.id is not None and bool(columns.score or columns.prediction)


def _earlier(judging: Judging, due: Sequence[Window]) -> list[Evaluation]:
    """The newest look at each window that ended within the label horizon, as far as it was known by now."""
    with judging.world.store.read() as connection:
        found = list(
            evaluations.find(
                connection,
                judging.model,
                start=judging.now - judging.settings.label_horizon - _DAY,
                aspect=Aspect.PERFORMANCE,
                findings=False,
                latest=True,
            )
        )
    return [old for old in found if old.window not in due and old.window.horizon in _LONGEST and old.version]


def _read(judging: Judging, windows: Sequence[Window]) -> _Labels:
    settings, now = judging.settings, judging.now
    if judging.labels is None or not _labelled(judging):
        return _Labels({}, {}, None, micros(now), None)
    # How late labels come is learned from rows older than the windows at hand.
    past = midnight(local_day(now - settings.label_horizon, settings.zone), settings.zone)
    start = min(past, *(window.start for window in windows))
    end = max(window.end for window in windows)
    outcomes = read_outcomes(judging.log, judging.labels, settings, start, max(end, now), now)
    law, until, feed = _law(judging, outcomes)
    sums = {version: _sums(one) for version, one in outcomes.items()}
    return _Labels(outcomes, sums, law, until, feed)


def _sums(outcomes: Outcomes) -> NDArray[np.uint64]:
    return np.concatenate((np.zeros(1, np.uint64), np.cumsum(outcomes.digests(), dtype=np.uint64)))


def _law(
    judging: Judging, outcomes: Mapping[str, Outcomes]
) -> tuple[LabelLaw | None, int, tuple[float, float, float, float] | None]:
    settings, now = judging.settings, micros(judging.now)
    there = [one for one in outcomes.values() if one.first is not None and one.labelled]
    if not there:
        return None, now, None
    first = np.concatenate([one.first for one in there if one.first is not None])
    times = np.concatenate([one.times for one in there])
    last = int(first.max())
    label = np.concatenate([one.label for one in there])
    law = learn_delay(
        label,
        (first - times) / 1e6,
        (last - times) / 1e6,
        settings.label_horizon.total_seconds(),
        numbers=settings.task == "regression",
    )
    if law is None:
        return None, now, None
    rows = np.concatenate([one.row_times for one in outcomes.values()])
    # As many as came of the rows old enough to have had theirs when the last one came.
    old = law.least((last - rows) / 1e6) >= 0.5
    share = min(len(first) / max(float(law.least((last - rows[old]) / 1e6).sum()), 1.0), 1.0)
    due = share * float((law.least((now - rows) / 1e6) - law.least((last - rows) / 1e6)).sum())
    found = label_feed(first / 1e6, now / 1e6, due)
    assert found.effect is not None
    assert found.pvalue is not None
    feed = (float(found.value[0]), float(found.pvalue[0]), float(found.effect[0]), due)
    return law, last if _stopped(judging, feed) else now, feed


def _stopped(judging: Judging, feed: tuple[float, float, float, float]) -> bool:
    _, pvalue, times, due = feed
    return bool(times >= _threshold(judging) and pvalue <= _CERTAIN and due >= _FEWEST_EXPECTED)


def _threshold(judging: Judging) -> float:
    chosen = judging.settings.detectors.get("label_feed")
    return chosen.threshold if chosen is not None and chosen.threshold is not None else OPERATIONAL["label_feed"]


def _first(judging: Judging, due: Due, known: _Labels, references: dict[str, Baseline | None]) -> Iterator[Evaluation]:
    """A window's first look."""
    window = due.window
    parts = {version: one.between(window.start, window.end) for version, one in known.outcomes.items()}
    parts = {version: part for version, part in parts.items() if part.rows}
    if not parts:
        context = judging.context("", window, None, Aspect.PERFORMANCE)
        findings: list[Finding] = []
        if _labelled(judging):
            findings.append(unjudged(context, "performance", 0, "no rows in the window", Kind.PERFORMANCE))
        findings += _feed(judging, context, known)
        findings += _business(judging, context, [])
        yield judging.evaluation(context, due, 0, "", findings)
    for place, (version, part) in enumerate(parts.items()):
        if version not in references:
            references[version] = _reference(judging, version, known.law)
        baseline = references[version]
        context = judging.context(version, window, baseline, Aspect.PERFORMANCE)
        findings, ripe = _judged(judging, context, part, known, baseline)
        if place == len(parts) - 1:
            findings += _feed(judging, context, known)
            findings += judge_training(context, judging.settings, baseline, judging.log)
            findings += _business(judging, context, list(parts.values()))
        source = _digest(known, version, window) + _stage(findings, ripe)
        yield judging.evaluation(context, due, part.rows, source, findings)


def _again(judging: Judging, old: Evaluation, known: _Labels) -> Iterator[Evaluation]:
    """A window judged before, if its labels are others now, or have all come at last."""
    whole = known.outcomes.get(old.version)
    if whole is None or old.window.end > judging.now:
        return
    part = whole.between(old.window.start, old.window.end)
    digest, stage = _digest(known, old.version, old.window), old.source[-2:]
    if stage not in (_PRELIMINARY, _UNJUDGED, _JUDGED):
        # Written by an earlier Driftline, which noted how many labels there were and judged what it saw.
        if old.source == str(part.labelled):
            return
        stage = _JUDGED
    elif old.source[:-2] == digest and not (stage == _PRELIMINARY and _ripe(judging, part, known).complete):
        return
    with judging.world.store.read() as connection:
        baseline = baselines.get(connection, old.baseline) if old.baseline else None
    context = judging.context(old.version, old.window, baseline, Aspect.PERFORMANCE)
    findings, ripe = _judged(judging, context, part, known, baseline)
    now = _stage(findings, ripe)
    others = {version: one.between(old.window.start, old.window.end) for version, one in known.outcomes.items()}
    if old.version == [version for version, one in others.items() if one.rows][-1]:
        findings += _business(judging, context, list(others.values()))
    if stage != _JUDGED and now == _JUDGED:
        findings = [replace(one, detail={**one.detail, "first_judged": True}) for one in findings]
    due = Due(old.due_at, old.window, Aspect.PERFORMANCE)
    yield judging.evaluation(context, due, part.rows, digest + (stage if stage == _JUDGED else now), findings)


def _stage(findings: Sequence[Finding], ripe: Maturity) -> str:
    if not ripe.complete:
        return _PRELIMINARY
    told = (one for one in findings if one.kind is Kind.PERFORMANCE and one.detail.get("judged", True))
    return _JUDGED if any(one.status is not Status.INSUFFICIENT for one in told) else _UNJUDGED


def _judged(
    judging: Judging, context: Context, part: Outcomes, known: _Labels, baseline: Baseline | None
) -> tuple[list[Finding], Maturity]:
    ripe = _ripe(judging, part, known)
    if gone := judging.retired(context.version, context.window):
        return [unjudged(context, "performance", part.rows, gone, Kind.PERFORMANCE)], ripe
    event = only_event(judging.settings, context.window)
    findings = judge_performance(
        context,
        judging.settings,
        part,
        baseline.performance if baseline else {},
        ripe=ripe,
        segments=baseline.grid.segments if baseline else (),
        segment_baseline=baseline.segment_performance if baseline else {},
    )
    return findings if event is None else noted(findings, event, ()), ripe


def _ripe(judging: Judging, part: Outcomes, known: _Labels) -> Maturity:
    return maturity(part, known.law, known.until, judging.settings.label_horizon.total_seconds())


def _digest(known: _Labels, version: str, window: Window) -> str:
    """What a window's labels were, in a few characters."""
    whole = known.outcomes[version]
    first, last = np.searchsorted(whole.times, (micros(window.start), micros(window.end)))
    digest = np.subtract(known.sums[version][last : last + 1], known.sums[version][first : first + 1])[0]
    return f"{int(digest):016x}.{last - first}"


def _reference(judging: Judging, version: str, law: LabelLaw | None) -> Baseline | None:
    """A version's baseline; while labels of its own rows may still come, with its performance as they say now."""
    with judging.world.store.read() as connection:
        baseline = baselines.current(connection, judging.model, version)
    if baseline is None or baseline.start is None or baseline.end is None or judging.labels is None:
        return baseline
    if baseline.inherited or baseline.provisional or judging.now > baseline.end + judging.settings.label_horizon + _DAY:
        return baseline
    wait = timedelta(seconds=0.0 if law is None or law.complete_age is None else law.complete_age)
    # Rows that may yet be labelled are left out: those labelled early are not like the others.
    end = min(baseline.end, max(judging.now - wait, baseline.start))
    found = read_outcomes(judging.log, judging.labels, judging.settings, baseline.start, end, judging.now)
    outcomes = found.get(version)
    if outcomes is None or unchanged(judging.settings, outcomes, baseline.performance):
        return baseline
    performance = reference_performance(judging.settings, outcomes)
    segments = {
        label: reference_performance(judging.settings, part)
        for label, part in by_segment(outcomes, baseline.grid.segments)
    }
    fresh = replace(baseline, performance=performance, segment_performance=segments)
    if fresh.performance_json() != baseline.performance_json():
        with judging.world.store.begin() as connection:
            baselines.keep_performance(connection, fresh)
    return fresh


def _business(judging: Judging, context: Context, outcomes: list[Outcomes]) -> list[Finding]:
    """The business metrics of a window of the shortest horizon of a day or more: they are figures of a day."""
    settings, window = judging.settings, context.window
    if not settings.business or window.horizon != next((h for h in _LONGEST if h in settings.horizons), None):
        return []
    past = _past(judging, window)
    today = local_day(window.end - _DAY / 2, settings.zone)
    findings = []
    for name, chosen in settings.business.items():
        try:
            found: Figured | str = figure(settings, chosen, judging.log, window, outcomes)
        except NoFigure as error:
            found = str(error)
        findings.append(judge_business(context, settings, name, found, today, past.get(name, [])))
    event = only_event(settings, window)
    return findings if event is None else noted(findings, event, ())


def _past(judging: Judging, window: Window) -> dict[str, list[Past]]:
    """The values of earlier days, by metric."""
    found: dict[str, list[Past]] = {}
    with judging.world.store.read() as connection:
        for old in evaluations.find(
            connection,
            judging.model,
            start=window.start - _REMEMBERED,
            end=window.start,
            horizon=window.horizon,
            aspect=Aspect.PERFORMANCE,
        ):
            day = local_day(old.window.end - _DAY / 2, judging.settings.zone)
            for one in old.findings:
                if one.kind is Kind.BUSINESS and one.statistic is not None and "event" not in one.detail:
                    past = Past(day, one.statistic, one.status is Status.BREACH)
                    found.setdefault(one.subject, []).append(past)
    return found


def _feed(judging: Judging, context: Context, known: _Labels) -> list[Finding]:
    """Whether labels still come."""
    if known.feed is None or not enabled(judging.settings, "label_feed"):
        return []
    since, pvalue, times, due = known.feed
    status = Status.INSUFFICIENT
    if np.isfinite(times):
        status = Status.BREACH if _stopped(judging, known.feed) else Status.OK
    last = moment(micros(judging.now) - int(since * 1e6)) if np.isfinite(since) else None
    detail: dict[str, object] = {"expected": round(due)}
    if last is not None:
        detail["last"] = last.strftime("%Y-%m-%dT%H:%M:%SZ")
    return [
        context.finding(
            "labels",
            Kind.VOLUME,
            "label_feed",
            status,
            max(round(due), 1),
            statistic=since,
            pvalue=pvalue,
            threshold=_threshold(judging),
            effect=times,
            detail=detail,
        )
    ]
