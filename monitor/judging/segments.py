"""One window as a whole and by segment: what breached, where, and which segment explains it.

In: profiles with segments, a threshold rule. Out: `Finding`s: all of the whole, and the breaches of segments.
Pure, as `evaluate.py` is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from detectors.columns import Column, ColumnKind
from detectors.learned import LearnedRule
from detectors.profile import Profile
from detectors.registry import DETECTORS
from detectors.result import Finding, FloatArray, Judgement, Statistic, Status
from detectors.segment import split_change
from detectors.threshold import ThresholdRule
from monitor.evaluate import Context, finding_of, judge_inputs, measure_inputs, rule_of
from monitor.reference.calibrating import unusual_findings
from monitor.settings import ModelSettings


def judge_everything(
    context: Context,
    settings: ModelSettings,
    reference: Profile,
    production: Profile,
    breakage_only: bool = False,
    rule: ThresholdRule | None = None,
    explain: bool = False,
) -> list[Finding]:
    """`judge_inputs` of the whole, then of each segment; a breach of the whole names the segment that explains it.

    Under a false-alarm budget a segment alarms by its own days, or tells where the whole does.

    Of segments only the breaches are kept, but with `explain` everything: a model of 50 features with 20 segments has
    eight thousand figures a window.
    """
    whole = judge_inputs(context, settings, reference, production, breakage_only, rule, explain)
    learned = rule if isinstance(rule, LearnedRule) else None
    if learned is not None:
        whole += unusual_findings(context, learned, production)
    if not production.grid.segments:
        return whole
    explained = [_explained(finding, reference, production) for finding in whole]
    # A segment without days of its own to go by tells where, and is no alarm of its own.
    alarmed = {one.subject for one in whole if one.status is Status.BREACH}
    telling = np.array([learned is None or column.name in alarmed for column in production.grid.columns], np.bool_)
    apart = list(_judge_segments(context, settings, reference, production, breakage_only, rule, telling))
    return [*explained, *(one for one in apart if explain or one.status is Status.BREACH)]


def _judge_segments(
    context: Context,
    settings: ModelSettings,
    reference: Profile,
    production: Profile,
    breakage_only: bool,
    rule: ThresholdRule | None,
    telling: NDArray[np.bool_],
) -> Iterator[Finding]:
    """All segments judged together, so that significance accounts for how many were looked at.

    `telling`, shape (features,): which columns breach by that; by its own days, a segment's column may as well.
    What is certain (a vanished column) is a fact about the whole and not told again of each of its parts.
    """
    labels = production.grid.segment_labels
    pairs = [(reference.segment(index), production.segment(index)) for index in range(len(labels))]
    measured = [measure_inputs(settings, *pair, breakage_only=breakage_only) for pair in pairs]
    names = [name for name in measured[0] if not DETECTORS[name].certain]
    features = len(production.grid)
    rows = [np.repeat([pair[side].rows for pair in pairs], features) for side in (0, 1)]
    together = {name: _joined([one[name] for one in measured]) for name in names}
    learned = rule if isinstance(rule, LearnedRule) else None
    judged = (learned.fixed if learned else rule or rule_of(settings)).judge(together, rows[0], rows[1])
    for place, (label, pair) in enumerate(zip(labels, pairs, strict=True)):
        mine = slice(place * features, (place + 1) * features)
        own = learned.segments.get(place) if learned else None
        breach = {name: judged[name].breach[mine] & telling for name in names}
        if own is not None:
            for name in names:
                if own.learns(name):
                    breach[name] |= judged[name].sufficient[mine] & own.news(name, measured[place][name])
            unusual = unusual_findings(context, own, pair[1])
            yield from (replace(found, segment=label) for found in unusual if found.status is Status.BREACH)
        for index, column in enumerate(pair[1].grid.columns):
            for name in names:
                if DETECTORS[name].applies(column, asked=name in settings.detectors):
                    one = judged[name]
                    part = Judgement(one.threshold[mine], breach[name], one.sufficient[mine])
                    found = finding_of(context, column, index, name, measured[place][name], part, *pair)
                    yield replace(found, segment=label)


def _joined(found: Sequence[Statistic]) -> Statistic:
    def side(name: str) -> FloatArray | None:
        parts = [getattr(one, name) for one in found]
        return None if parts[0] is None else np.concatenate(parts)

    value = side("value")
    assert value is not None
    return Statistic(value, side("pvalue"), side("effect"), side("bound"))


def _explained(finding: Finding, reference: Profile, production: Profile) -> Finding:
    known = DETECTORS.get(finding.detector)
    if finding.status is not Status.BREACH or known is None or known.certain:
        return finding
    grid = production.grid
    place = grid.index(finding.subject)
    mix = ""
    for number, part in enumerate(grid.segments):
        if part.name == finding.subject:
            continue
        span = range(grid.segment_starts[number], grid.segment_starts[number + 1])
        sides = [[profile.segment(index) for index in span] for profile in (reference, production)]
        weights, rates = _shares(finding.detector, place, sides)
        if any(side.sum() == 0 for side in weights):
            continue
        change = split_change(weights[0] / weights[0].sum(), rates[0], weights[1] / weights[1].sum(), rates[1])
        said = change.explanation(part.labels, part.name)
        if said is not None and said.endswith(part.labels):
            return replace(finding, detail={**finding.detail, "segment": said})
        mix = mix or (said or "")
    return replace(finding, detail={**finding.detail, "segment": mix}) if mix else finding


def _shares(name: str, place: int, sides: list[list[Profile]]) -> tuple[list[FloatArray], list[FloatArray]]:
    """What each segment weighs, and the rate of it that tells of the change: before and now, each (segments,)."""
    column = sides[0][0].grid.columns[place]
    if name == "missing":
        weights = [np.array([p.present[place] for p in side], dtype=np.float64) for side in sides]
        counts = [np.array([p.null[place] + p.nan[place] for p in side], dtype=np.float64) for side in sides]
    elif name == "non_finite":
        weights = [np.array([p.present[place] for p in side], dtype=np.float64) for side in sides]
        counts = [np.array([p.infinite[place] for p in side], dtype=np.float64) for side in sides]
    else:
        cells = [np.array([_cells(p, place) for p in side], dtype=np.float64) for side in sides]
        weights = [each.sum(axis=1) for each in cells]
        counts = [each[:, _telling(name, column, cells)].sum(axis=1) for each in cells]
    rates = [_rate(count, weight) for count, weight in zip(counts, weights, strict=True)]
    return weights, rates


def _cells(profile: Profile, place: int) -> NDArray[np.int64]:
    first, last = profile.grid.offsets[place], profile.grid.offsets[place + 1]
    return profile.counts[first:last]


def _telling(name: str, column: Column, cells: list[FloatArray]) -> NDArray[np.bool_]:
    """The cells whose common share tells of the change: all up to where KS is largest, or the class that moved most."""
    if name == "out_of_range":
        return column.exterior
    places = np.arange(column.cells)
    if name == "unseen":
        return np.equal(places, column.cells - 1)
    totals = [each.sum(axis=0) for each in cells]
    before, now = (_rate(total, np.full(len(total), total.sum())) for total in totals)
    if column.kind is ColumnKind.NUMBER:
        return np.less_equal(places, np.argmax(np.abs(np.cumsum(now - before))))
    return np.equal(places, np.argmax(np.abs(now - before)))


def _rate(part: FloatArray, whole: FloatArray) -> FloatArray:
    rate: FloatArray = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return rate
