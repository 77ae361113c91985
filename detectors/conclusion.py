"""Whether a model got worse, and why: one of eight conclusions, from everything that is known of it.

In: the judged findings of one model (quality, drift, estimated and realised performance, business, labels), of the
windows that are now of interest. Out: a `Verdict`: the conclusion, what to do, one sentence, its evidence.
Kept: nothing.

What decides, in this order:

- *data bug*: a column is broken. It explains drift and degradation alike, and retraining would learn it.
- *label problem*: the labels are late, gone, of one class only, or look inverted; what they say is not to be trusted.
- The model is measurably worse, or (by estimate) expected to be:
    - *prior shift*: the true rate moved, ranking held up, and no column moved by more than a moved rate can explain.
      Under a pure prior shift a distribution is another mixture of the same two parts, so no distance (KS, total
      variation) of a column exceeds the change of the rate (Saerens, Latinne & Decaestecker 2002; Lipton et al. 2018).
    - *degradation by covariate shift*: inputs moved, and the model's own probabilities say as much as labels do: the
      estimate fell with the realised figure, or the predicted rate followed the true one.
    - *concept drift or unobserved cause*: everything else. Labels say what the inputs do not.
- *drift without harm*: inputs or predictions moved, and performance, realised or estimated, is as it was.
- *not enough evidence*: they moved, and nobody knows what it did; or nothing could be judged.
- *healthy*: judged, and nothing found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from detectors.performance import MEASURES
from detectors.result import Finding, Kind, Status


class Conclusion(StrEnum):
    """What the findings amount to."""

    HEALTHY = "healthy"
    DATA_BUG = "data bug"
    HARMLESS = "drift without harm"
    COVARIATE_SHIFT = "degradation by covariate shift"
    PRIOR_SHIFT = "prior shift"
    CONCEPT_DRIFT = "concept drift or unobserved cause"
    LABEL_PROBLEM = "label problem"
    UNKNOWN = "not enough evidence"


class Advice(StrEnum):
    """What to do, in a word a machine can act on."""

    NOTHING = "nothing"
    INVESTIGATE = "investigate"
    FIX_DATA = "fix the data"
    FIX_LABELS = "fix the labels"
    RETRAIN = "retrain"


ADVICE: Mapping[Conclusion, Advice] = {
    Conclusion.HEALTHY: Advice.NOTHING,
    Conclusion.DATA_BUG: Advice.FIX_DATA,
    Conclusion.HARMLESS: Advice.INVESTIGATE,
    Conclusion.COVARIATE_SHIFT: Advice.RETRAIN,
    Conclusion.PRIOR_SHIFT: Advice.RETRAIN,
    Conclusion.CONCEPT_DRIFT: Advice.RETRAIN,
    Conclusion.LABEL_PROBLEM: Advice.FIX_LABELS,
    Conclusion.UNKNOWN: Advice.INVESTIGATE,
}
"""What each conclusion recommends. Only a confirmed or estimated degradation is a reason to retrain."""

ACTIONS: Mapping[Conclusion, str] = {
    Conclusion.HEALTHY: "Nothing to do.",
    Conclusion.DATA_BUG: "Mend what fills the column before anything else; do not retrain on it.",
    Conclusion.HARMLESS: "See whether the change is expected; there is no reason to retrain while performance holds.",
    Conclusion.COVARIATE_SHIFT: "Retrain on rows like those that come now, or weigh the training rows towards them.",
    Conclusion.PRIOR_SHIFT: "Recalibrate to the new rate, or retrain on recent rows: the ranking is still good.",
    Conclusion.CONCEPT_DRIFT: "Look for what the features do not show, then retrain on recent labels or roll back.",
    Conclusion.LABEL_PROBLEM: "Look at what writes the labels before believing the figures; do not retrain on them.",
    Conclusion.UNKNOWN: "See whether the change is expected, and check performance as soon as labels come.",
}

ESTIMATED = "estimated_"
"""How the names of performance estimated without labels begin."""
CONCEPT = "concept_drift"
"""The finding that realised performance is not what the inputs led to expect: realised minus estimated."""
RATES = "rates"
"""Detail of a realised finding: `true_before`, `true_now`, `predicted_before`, `predicted_now` of the positive class
(or of the mean, for regression)."""
RANKING = frozenset({"auc", "roc_auc", "pr_auc", "average_precision"})
"""Realised measures that say how well a model ranks, and nothing of how well its probabilities fit."""
_DISTANCES = frozenset({"ks", "total_variation", "l_infinity"})
# Distances of samples are never 0: this much is let pass beside what a moved rate explains.
_SLACK = 0.05
_LABELS = "label"
_ONE_CLASS = 1e-6


@dataclass(frozen=True, slots=True)
class Rates:
    """The rate of positives (the mean, for regression), true and predicted, in the reference and now."""

    true_before: float
    true_now: float
    predicted_before: float
    predicted_now: float

    @property
    def moved(self) -> float:
        """How far the true rate moved, signed."""
        return self.true_now - self.true_before

    @property
    def gap(self) -> float:
        """How far the predicted rate is from where the true one would have it, signed; 0 where it followed."""
        return (self.predicted_now - self.predicted_before) - self.moved

    @property
    def followed(self) -> bool:
        """Whether the predicted rate went along with the true one, or neither moved by much."""
        return abs(self.gap) <= max(0.5 * abs(self.moved), 0.02)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A conclusion with its reasons. `evidence`: the findings it rests on, those that decide first."""

    conclusion: Conclusion
    sentence: str
    evidence: tuple[Finding, ...] = ()

    @property
    def advice(self) -> Advice:
        """What it recommends, for a machine."""
        return ADVICE[self.conclusion]

    @property
    def action(self) -> str:
        """What it recommends, in a sentence."""
        return ACTIONS[self.conclusion]


@dataclass(frozen=True, slots=True)
class _Known:
    """The findings by what they speak of; the newest of each window and revision only matters to the caller."""

    bugs: tuple[Finding, ...]
    drift: tuple[Finding, ...]
    inputs: tuple[Finding, ...]
    realised: tuple[Finding, ...]
    estimated: tuple[Finding, ...]
    concept: tuple[Finding, ...]
    labels: tuple[Finding, ...]


def conclude(findings: Sequence[Finding], is_bug: Callable[[Finding], bool] = lambda finding: True) -> Verdict:
    """One conclusion for a model. `is_bug` tells a quality breach that is a data bug from one that is mere drift."""
    known = _sorted(findings, is_bug)
    if known.bugs:
        are = "is" if len({finding.subject for finding in known.bugs}) == 1 else "are"
        return Verdict(Conclusion.DATA_BUG, f"{_named(known.bugs)} {are} broken", known.bugs)
    if (wrong := _label_problem(known)) is not None:
        return wrong
    if breached(known.realised) or breached(known.concept):
        return _worse(known)
    if found := breached(known.estimated):
        said = "by its own probabilities the model is expected to be worse on these inputs; labels have not spoken yet"
        return Verdict(Conclusion.COVARIATE_SHIFT, said, (*found, *known.drift))
    judged = _ok((*known.realised, *known.estimated))
    if known.drift:
        return _harmless(known) or Verdict(Conclusion.UNKNOWN, "whether it does harm is not known yet", known.drift)
    if judged or _ok(known.inputs):
        return Verdict(Conclusion.HEALTHY, "nothing is unusual", judged)
    return Verdict(Conclusion.UNKNOWN, "nothing could be judged")


def harm_of_drift(findings: Sequence[Finding]) -> Verdict:
    """What drift has done, whatever else is wrong: *drift without harm*, *degradation by covariate shift* (the two
    came together), or *not enough evidence*."""
    known = _sorted(findings, lambda finding: False)
    if breached((*known.realised, *known.concept)):
        worse = _worse(known)
        if worse.conclusion is Conclusion.COVARIATE_SHIFT:
            return worse
    elif breached(known.estimated):
        return Verdict(Conclusion.COVARIATE_SHIFT, "the model is expected to be worse on such rows", known.estimated)
    elif (harmless := _harmless(known)) is not None:
        return harmless
    return Verdict(Conclusion.UNKNOWN, "whether it does harm is not known yet", known.drift)


def breached(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those that are a breach, in the order given."""
    return tuple(finding for finding in findings if finding.status is Status.BREACH)


def rates_of(findings: Iterable[Finding]) -> Rates | None:
    """The rates that a realised finding of the whole carries, if one does."""
    for finding in findings:
        told = finding.detail.get(RATES)
        if finding.segment is None and isinstance(told, Mapping):
            values = [told.get(name) for name in ("true_before", "true_now", "predicted_before", "predicted_now")]
            if all(isinstance(value, int | float) for value in values):
                return Rates(*(float(value) for value in values))  # type: ignore[arg-type]  # checked just above
    return None


def held_up(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The realised measures of ranking that are as they were; none where one of them is not, or none was judged."""
    ranking = [finding for finding in findings if finding.detector in RANKING and finding.segment is None]
    return () if breached(ranking) else _ok(ranking)


def _sorted(findings: Sequence[Finding], is_bug: Callable[[Finding], bool]) -> _Known:
    # What is measured and not judged speaks for nothing.
    whole = [f for f in findings if f.status is not Status.INSUFFICIENT and f.detail.get("judged", True)]
    inputs = [f for f in whole if f.kind in (Kind.FEATURE, Kind.PREDICTION, Kind.QUALITY)]
    performance = [f for f in whole if f.kind in (Kind.PERFORMANCE, Kind.BUSINESS)]
    labels = [f for f in whole if f.detector.startswith(_LABELS)]
    bugs = [f for f in breached(inputs) if f.kind is Kind.QUALITY and is_bug(f)]
    broken = {finding.subject for finding in bugs}
    return _Known(
        bugs=tuple(bugs),
        drift=tuple(f for f in breached(inputs) if f.subject not in broken),
        inputs=tuple(inputs),
        realised=tuple(
            f for f in performance if not f.detector.startswith((ESTIMATED, _LABELS)) and f.detector != CONCEPT
        ),
        estimated=tuple(f for f in performance if f.detector.startswith(ESTIMATED)),
        concept=tuple(f for f in performance if f.detector == CONCEPT),
        labels=tuple(labels),
    )


def _harmless(known: _Known) -> Verdict | None:
    """That performance is as it was, realised or estimated; None where neither was judged."""
    for how, found in (("performance", known.realised), ("estimated performance", known.estimated)):
        if judged := _ok(found):
            return Verdict(Conclusion.HARMLESS, f"{how} is as it was", (*known.drift, *judged))
    return None


def _label_problem(known: _Known) -> Verdict | None:
    if found := breached(known.labels):
        return Verdict(Conclusion.LABEL_PROBLEM, "the labels do not come as they used to", found)
    rates = rates_of(known.realised)
    n = max((finding.n for finding in known.realised if RATES in finding.detail), default=0)
    if rates is not None and n and 0.0 < rates.true_before < 1.0:
        if rates.true_now == 0.0 and (1.0 - rates.true_before) ** n < _ONE_CLASS:
            return Verdict(Conclusion.LABEL_PROBLEM, f"not one of {n:,} labels is positive", known.realised)
        if rates.true_now == 1.0 and rates.true_before**n < _ONE_CLASS:
            return Verdict(Conclusion.LABEL_PROBLEM, f"all of {n:,} labels are positive", known.realised)
    for finding in breached(known.realised):
        if finding.detector in ("auc", "roc_auc") and finding.statistic is not None and finding.effect is not None:
            usual = finding.statistic + finding.effect
            if usual >= 0.6 and finding.statistic <= 0.5 - 0.5 * (usual - 0.5):
                said = f"AUC is {finding.statistic:.2f}, about as far below 0.5 as it was above: labels look inverted"
                return Verdict(Conclusion.LABEL_PROBLEM, said, (finding,))
    return None


def _worse(known: _Known) -> Verdict:
    """Why a model that is measurably worse is worse."""
    worse = (*breached(known.concept), *breached(known.realised))
    # The rates of a window that breached: a longer one beside it says less.
    rates, ranking = rates_of((*breached(known.realised), *known.realised)), held_up(known.realised)
    if rates is not None and ranking and not rates.followed and _only_the_rate(known, rates):
        said = f"{_ranking(ranking)}; {_rates(rates)}; no column moved by more than that explains"
        return Verdict(Conclusion.PRIOR_SHIFT, said, (*worse, *ranking))
    if breached(known.concept) or not known.drift or (rates is not None and not rates.followed):
        said = "; ".join(
            part
            for part in (
                _ranking(ranking),
                "" if rates is None or rates.followed else _rates(rates),
                "realised performance is not what the inputs led to expect" if breached(known.concept) else "",
                "" if known.drift else "the inputs have not moved",
            )
            if part
        )
        return Verdict(Conclusion.CONCEPT_DRIFT, said, (*worse, *ranking))
    if breached(known.estimated):
        said = "the estimate without labels says the same: the inputs moved to where the model is worse"
    elif rates is not None:
        said = "inputs moved, and the predicted rate followed the true one"
    else:
        said = "inputs moved at the same time; whether they are all of it takes an estimate or the rates to tell"
    return Verdict(Conclusion.COVARIATE_SHIFT, said, (*worse, *breached(known.estimated), *known.drift))


def _only_the_rate(known: _Known, rates: Rates) -> bool:
    """Whether no column moved by more than the moved rate explains, where any was measured."""
    distances = [f for f in known.inputs if f.detector in _DISTANCES and f.segment is None and f.statistic is not None]
    horizons = {finding.window.horizon for finding in known.realised if RATES in finding.detail}
    same = [f for f in distances if f.window.horizon in horizons] or distances
    moved = [abs(finding.statistic or 0.0) for finding in same]
    return bool(moved) and max(moved) <= abs(rates.moved) + _SLACK


def _ranking(ranking: Sequence[Finding]) -> str:
    if not ranking or ranking[0].statistic is None:
        return ""
    known = MEASURES.get(ranking[0].detector)
    return f"ranking held up ({known.title if known else ranking[0].detector} {ranking[0].statistic:.2f})"


def _rates(rates: Rates) -> str:
    return (
        f"the predicted rate stopped following the true one: predicted {rates.predicted_now:.2f} "
        f"(was {rates.predicted_before:.2f}), true {rates.true_now:.2f} (was {rates.true_before:.2f})"
    )


def _named(found: Sequence[Finding]) -> str:
    subjects = list(dict.fromkeys(finding.subject for finding in found))
    return subjects[0] if len(subjects) == 1 else f"{subjects[0]} and {len(subjects) - 1} more"


def _ok(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.status is Status.OK)
