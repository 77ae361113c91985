"""Learn a false-alarm budget from a baseline's own days, and hold windows against it.

In: a log, a baseline, a model's settings; the day profiles of a window. Out: what was `Taught`, a rule, findings.
Kept: what was learned, in the store, beside the baseline it belongs to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

import numpy as np

from detectors.calibration import Calibration
from detectors.learned import RATE_SERIES, LearnedRule, Unusual
from detectors.learned_parts import LearnedParts
from detectors.profile import Profile
from detectors.registry import DETECTORS, UNUSUAL
from detectors.result import PROVISIONAL, DetectorError, Finding, IntArray, Kind, Status
from detectors.threshold import FixedRule, ThresholdRule
from monitor.evaluate import Context, rule_of
from monitor.prediction_log.base import PredictionLog
from monitor.profiling.counting import count_slots
from monitor.reference.day_sums import sums_of
from monitor.reference.hours_of_day import HoursOfDay
from monitor.reference.left_out import Span, incident_spans, without
from monitor.settings import ModelSettings
from monitor.store import Store, calibrations
from monitor.store.baselines import Baseline
from monitor.store.calibrations import Stored
from monitor.windows import days, local_day, slots

# Days counted at a time, or one by its hours: each holds the counts of every cell.
_TOGETHER = 8
# An hour tells of breakage only: a rate that is most of the rows more than is usual at that hour.
_BROKEN = 0.5

Day = tuple[date, Profile]


@dataclass(frozen=True, slots=True)
class Taught:
    """What a baseline's days teach under a budget. `key` is that of its stored form, whatever the budget."""

    parts: LearnedParts
    key: str


def learn(
    store: Store, log: PredictionLog, settings: ModelSettings, baseline: Baseline, pool: Executor | None = None
) -> Taught | None:
    """What a baseline's days teach under the model's budget, learned now if nobody has; None where they do not.

    A model without `false_alarms` has none, nor has a baseline that is not an interval of the log or is provisional.
    Raises LogUnreachable or LogMismatch.
    """
    budget = settings.budget
    if budget is None or baseline.provisional or baseline.start is None or baseline.end is None:
        return None
    with store.read() as connection:
        stored = calibrations.get(connection, baseline.id)
    known = None if stored is None else _known(stored)
    if stored is None or (stored.data is not None and known is None):
        with store.read() as connection:
            troubled = incident_spans(connection, baseline.model)
        hours = HoursOfDay(settings.zone)
        stored = _learned(log, settings, baseline, budget, troubled, hours, pool)
        with store.begin() as connection:
            calibrations.save(connection, baseline.id, stored)
            hours.save(connection, baseline.id)
        known = _known(stored)
    if known is None or stored.data is None:
        return None
    return Taught(known.within(budget), _key(stored.data))


def _known(stored: Stored) -> LearnedParts | None:
    """What was stored; None where the days teach nothing, or another version learned from them in another way."""
    try:
        return None if stored.data is None else _read(stored.data)
    except DetectorError:
        return None


# A few models' are kept: reading one takes as long as judging a window by it.
_read = lru_cache(maxsize=8)(LearnedParts.from_bytes)


@lru_cache(maxsize=8)
def _key(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


def _learned(
    log: PredictionLog,
    settings: ModelSettings,
    baseline: Baseline,
    budget: float,
    troubled: Sequence[Span],
    hours: HoursOfDay,
    pool: Executor | None,
) -> Stored:
    try:
        held = list(_days(log, settings, baseline, troubled, hours, pool))
        made = LearnedParts.learn(baseline.grid, held, budget, settings.minimum_rows)
    except DetectorError as error:
        return Stored(None, str(error))
    return Stored(made.to_bytes())


def _days(
    log: PredictionLog,
    settings: ModelSettings,
    baseline: Baseline,
    troubled: Sequence[Span],
    hours: HoursOfDay,
    pool: Executor | None,
) -> Iterator[Day]:
    """Each day of a baseline that has rows; its hours are added to `hours` where a model has windows of one."""
    assert baseline.start is not None
    assert baseline.end is not None
    version, grid = baseline.version, baseline.grid
    spans = without(list(days(baseline.start, baseline.end, settings.zone)), settings, troubled)
    hourly = "1h" in settings.horizons
    together = 1 if hourly else _TOGETHER
    for first in range(0, len(spans), together):
        some = spans[first : first + together]
        pieces = [hour for start, end in some for hour in slots(start, end, settings.zone)] if hourly else some
        counts = count_slots(log, settings, {version: grid}, pieces, pool)
        found = [(start, counts.profile(version, slot)) for slot, (start, _) in enumerate(pieces)]
        held = [(start, profile) for start, profile in found if profile is not None]
        if hourly:
            for start, profile in held:
                hours.add(start, profile)
            held = [(held[0][0], sum((profile for _, profile in held), Profile.empty(grid)))] if held else []
        for start, profile in held:
            yield local_day(start, settings.zone), profile


def learned_rule(
    learned: LearnedParts, settings: ModelSettings, window_days: Sequence[Day], sums: Sequence[IntArray] | None = None
) -> LearnedRule | None:
    """The rule for one window, whose day profiles are given; None for a window without rows.

    `sums`: what `day_sums.sums_of` makes of each day, where that is known already.
    """
    if not window_days:
        return None
    known = np.array([sums_of(learned, profile) for _, profile in window_days] if sums is None else sums)
    weekdays = np.array([day.weekday() for day, _ in window_days], dtype=np.int64)
    rules: dict[int | None, LearnedRule] = {}
    start = 0
    for place, one in learned.each():
        rows = [profile.rows if place is None else int(profile.parts[place, 0]) for _, profile in window_days]
        there = np.flatnonzero(rows)
        if len(there):
            rules[place] = _one_rule(one, settings, known[there, start : start + one.views.width], weekdays[there])
        start += one.views.width
    whole = rules.pop(None, None)
    if whole is None:
        return None
    return replace(whole, segments={place: rule for place, rule in rules.items() if place is not None})


def _one_rule(calibration: Calibration, settings: ModelSettings, sums: IntArray, weekdays: IntArray) -> LearnedRule:
    named = frozenset(name for name, chosen in settings.detectors.items() if chosen.threshold is not None)
    scores = calibration.score_window(sums, weekdays)
    if settings.small_changes == "alarm":
        scores = replace(scores, beyond=scores.significant)
    return LearnedRule(rule_of(settings), named, calibration, scores)


def hourly_rule(settings: ModelSettings) -> FixedRule:
    """The rule for an hour of a model with a budget: what the config fixes, and breakage that needs no learning."""
    fixed = rule_of(settings)
    rates = dict.fromkeys(("missing", "unseen", "out_of_range", "spike", "rounding"), _BROKEN)
    return replace(fixed, thresholds={**rates, **fixed.thresholds})


def unusual_findings(context: Context, rule: LearnedRule, production: Profile) -> list[Finding]:
    """How unusual each column is by the baseline's own days: one finding a column, its most unusual view."""
    return [_finding(context, rule, one, production) for one in rule.unusual() if one.place >= 0]


def _finding(context: Context, rule: LearnedRule, one: Unusual, production: Profile) -> Finding:
    column = production.grid.columns[one.place]
    detail: dict[str, object] = {"view": one.view, "change": float(f"{one.change:.3g}")}
    if one.small:
        detail["small"] = f"real, but at least {one.lower:.2g} where {one.floor:.2g} is the least that matters"
    if one.listed:
        detail["listed"] = True
    return context.finding(
        column.name,
        DETECTORS["ks"].kind_of(column),
        UNUSUAL,
        Status.BREACH if one.beyond else Status.OK,
        production.rows,
        statistic=one.score,
        threshold=rule.calibration.threshold,
        effect=abs(one.score),
        detail=detail,
    )


def marked(findings: Sequence[Finding], settings: ModelSettings, rule: ThresholdRule | None) -> list[Finding]:
    """The findings of a window, those breaches marked `provisional` whose threshold a short history has set.

    Under a budget that is not guaranteed yet they warn, and never page (`diagnosis.py`). Not so what needs no learning
    (a vanished column, a unit, a rate that is most of the rows more than usual), nor what the owner gave a threshold.
    """
    if settings.budget is None or isinstance(rule, FixedRule):
        return list(findings)
    if not isinstance(rule, LearnedRule):
        reason = "no days to learn from, so sampling noise alone set it"
    elif rule.calibration.provisional:
        reason = f"learned from {rule.calibration.days} days"
    else:
        return list(findings)
    reason = f"{reason}: the budget of false alarms is not guaranteed yet"
    own = {name for name, chosen in settings.detectors.items() if chosen.threshold is not None}
    return [
        replace(one, detail={**one.detail, PROVISIONAL: reason})
        if one.status is Status.BREACH and one.detector not in own and _learnable(one)
        else one
        for one in findings
    ]


def _learnable(finding: Finding) -> bool:
    if finding.kind in (Kind.FEATURE, Kind.PREDICTION):
        return True
    return finding.detector in RATE_SERIES and abs(finding.effect or 0.0) < _BROKEN


def with_rows(findings: Sequence[Finding], rule: LearnedRule) -> list[Finding]:
    """The findings about how rows came, the one about their number judged by what days do by themselves as well."""
    rows = next((one for one in rule.unusual() if one.place < 0), None)
    if rows is None or not rows.beyond:
        return list(findings)
    return [
        replace(one, status=Status.BREACH, detail={**one.detail, "unusual": f"{rows.score:+.1f} sd"})
        if one.detector == "volume" and one.kind is Kind.VOLUME and one.statistic is not None
        else one
        for one in findings
    ]
