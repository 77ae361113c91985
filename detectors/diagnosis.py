"""What the findings of a model amount to.

In: judged findings of one model. Out: at most one `Diagnosis` a kind of trouble, the reason in words a person reads at
03:00. Kept: nothing. Names of columns and models appear as plain text, shortened and on one line; whoever sends or
renders a diagnosis escapes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from detectors.conclusion import RATES, Conclusion, Verdict, conclude, harm_of_drift, rates_of
from detectors.diagnosis_words import parted, plain, size_of
from detectors.reason import ATTRIBUTION, BECAUSE, OF_LOSS, UNEXPLAINED
from detectors.registry import DETECTORS
from detectors.result import PROVISIONAL, Finding, Kind, Severity, Status, Window
from detectors.trouble import Diagnosis, Trouble
from detectors.troubles_told import DIAGNOSES, HARD, OF_ALL_ROWS

_VOLUME = {"log_reachable": Trouble.BLIND, "label_feed": Trouble.LABELS, "training_overlap": Trouble.LABELS}


def diagnose(findings: Sequence[Finding], known: Sequence[Finding] = ()) -> list[Diagnosis]:
    """The troubles of one model's findings: blindness and silence, then data bugs, drift, performance.

    `known`: what else is known of these windows, judged before (performance where drift is judged now, and the other
    way round). It opens no trouble of its own, and tells what drift has done and what a degradation comes of: each
    diagnosis of data, drift or performance is one of `conclusion.Conclusion`.

    Only breaches count, but all findings are needed: how far a column moved tells a bug from drift. A column with a
    data bug is named there and not again under drift. Values outside the reference's range are a data bug where they
    are all that changed, and part of the drift where the whole distribution moved. Columns that no longer go together
    are drift, unless one of them has a data bug, which explains it. One diagnosis a trouble, never one a column.
    """
    breaches = sorted((finding for finding in findings if finding.status is Status.BREACH), key=_weight, reverse=True)
    moved = _moved(findings)
    broken = {finding.subject for finding in breaches if finding.kind is Kind.QUALITY and _is_bug(finding, moved)}
    grouped: dict[Trouble, list[Finding]] = {trouble: [] for trouble in DIAGNOSES}
    for finding in breaches:
        grouped[_trouble_of(finding, broken)].append(finding)
    told = [_unsure(DIAGNOSES[trouble](tuple(found))) for trouble, found in grouped.items() if found]
    return [_concluded(one, findings, known) for one in told]


def verdict_of(findings: Sequence[Finding]) -> Verdict:
    """One conclusion for a model, from everything that is known of its windows of interest."""
    moved = _moved(findings)
    return conclude(findings, lambda finding: _is_bug(finding, moved))


def _concluded(diagnosis: Diagnosis, findings: Sequence[Finding], known: Sequence[Finding]) -> Diagnosis:
    """A trouble with its name and what to do, by everything that is known."""
    everything = (*findings, *known)
    reason, left = _reason(diagnosis, findings)
    if diagnosis.trouble is Trouble.DRIFT:
        harm = harm_of_drift(everything)
        said = replace(diagnosis, diagnosis=harm.conclusion.value)
        if reason:
            said = replace(said, summary=f"{reason}. What changed: {said.summary}{left}")
        if harm.conclusion is Conclusion.UNKNOWN:
            return said
        return replace(said, action=f"{harm.sentence[0].upper()}{harm.sentence[1:]}. {harm.action}")
    if diagnosis.trouble is not Trouble.PERFORMANCE:
        return diagnosis
    verdict = verdict_of(everything)
    summary = f"{diagnosis.summary}: {verdict.sentence}" if verdict.sentence else diagnosis.summary
    if rates_of(diagnosis.evidence) is not None and verdict.conclusion in (
        Conclusion.PRIOR_SHIFT,
        Conclusion.CONCEPT_DRIFT,
    ):
        # The rates say it better than the measure that breached because of them.
        told = RATES in diagnosis.evidence[0].detail
        figures = f"{diagnosis.evidence[0].n:,} labelled rows" if told else diagnosis.summary
        summary = f"{verdict.sentence} ({figures})" if verdict.sentence else summary
    if reason and verdict.conclusion is Conclusion.COVARIATE_SHIFT:
        summary = f"{reason}. {summary}{left}"
    return replace(diagnosis, diagnosis=verdict.conclusion.value, summary=summary, action=verdict.action)


def _reason(diagnosis: Diagnosis, findings: Sequence[Finding]) -> tuple[str, str]:
    """What the change of the predictions is attributed to, where that was found for a window of the trouble; and what
    is to be said at the end of how much of it is not explained."""
    windows = {finding.window for finding in diagnosis.evidence}
    told = [f for f in findings if f.detector == ATTRIBUTION and f.window in windows and BECAUSE in f.detail]
    if diagnosis.trouble is Trouble.PERFORMANCE:
        # What the loss is attributed to says more than what the predictions are.
        told.sort(key=lambda finding: OF_LOSS not in finding.detail)
    for finding in told:
        left = plain(str(finding.detail.get(UNEXPLAINED, "")), 120)
        return plain(str(finding.detail[BECAUSE]), 400), f"; {left}" if left else ""
    return "", ""


def _unsure(diagnosis: Diagnosis) -> Diagnosis:
    """A trouble that only provisional thresholds tell of warns, says so, and never pages."""
    reasons = [finding.detail.get(PROVISIONAL) for finding in diagnosis.evidence]
    if not reasons or None in reasons:
        return diagnosis
    severity = min(diagnosis.severity, Severity.WARNING, key=lambda one: one.rank)
    said = f"{diagnosis.summary}; threshold provisional, {plain(str(reasons[0]), 120)}"
    return replace(diagnosis, severity=severity, summary=said)


def _trouble_of(finding: Finding, broken: set[str]) -> Trouble:
    if finding.kind is Kind.VOLUME:
        return _VOLUME.get(finding.detector, Trouble.SILENCE)
    if finding.kind in (Kind.PERFORMANCE, Kind.BUSINESS):
        return Trouble.PERFORMANCE
    about = {finding.subject, *parted(finding)}
    return Trouble.DATA if about & broken else Trouble.DRIFT


def _moved(findings: Sequence[Finding]) -> dict[tuple[str, str, Window], float]:
    """KS of every column in every window, whether or not it is a breach."""
    return {(f.version, f.subject, f.window): f.statistic or 0.0 for f in findings if f.detector == "ks"}


def _is_bug(finding: Finding, moved: Mapping[tuple[str, str, Window], float]) -> bool:
    """Whether a quality breach is a data bug rather than a sign of a distribution that moved as a whole."""
    if finding.detector != "out_of_range":
        return True
    outside = finding.statistic or 0.0
    # Where most is outside, the cells cannot tell a season from a bug: the milder name is given.
    # A sentinel in a share of the rows moves KS by just that share; a season moves everything.
    return outside < 0.5 and moved.get((finding.version, finding.subject, finding.window), 0.0) <= outside + 0.05


def _weight(finding: Finding) -> float:
    """How many thresholds large a breach is; hard data faults before soft ones of the same size."""
    size, limit = abs(size_of(finding)), finding.threshold
    if not limit:
        # Judged by what is unusual: of rates the usual limit ranks them, of distances the figure that was judged.
        known = DETECTORS.get(finding.detector) if finding.kind is Kind.QUALITY else None
        limit = known.threshold if known is not None else float("inf")
    first = 2000.0 if finding.detector in OF_ALL_ROWS else 1000.0 if finding.detector in HARD else 0.0
    return size / limit + first
