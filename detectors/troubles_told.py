"""One kind of trouble in words: how bad it is, what is affected, why, and what to look at first.

In: the breaches of one kind of trouble, worst first. Out: a `Diagnosis`. Kept: nothing.
`DIAGNOSES` has a function for each kind, in the order in which troubles are told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from detectors.conclusion import Conclusion
from detectors.diagnosis_words import (
    age,
    fault,
    figure,
    no_longer,
    number,
    others,
    parted,
    plain,
    size_of,
    span,
    subjects_of,
    where,
)
from detectors.estimated import CONCEPT_DRIFT, ESTIMATED
from detectors.performance import MEASURES
from detectors.registry import JOINT, Unit
from detectors.result import Finding, Kind, Severity
from detectors.trouble import Diagnosis, Trouble

# Faults of the data that are worse than others of their size: of values, and of all rows at once.
HARD = frozenset({"vanished", "type_change", "missing", "non_finite"})
OF_ALL_ROWS = frozenset({"unit_change", "stuck", "scaler_mismatch"})
_LOST = 0.5
_TELLING = {"ks": 0, "psi": 1}
_MENDING = {
    "unregistered_version": "Find out who deployed it; register it (`driftline versions register`) or roll it back.",
    "preprocessing_change": "Serve the version with the preprocessing it was trained with, or give it a new name.",
    "training_skew": "Compare the feature pipeline of training with the one that serves: they do not agree.",
    "scaler_mismatch": "Look at the scaler: it was fitted on other rows, applied twice, or left out.",
}


def _blind(found: tuple[Finding, ...]) -> Diagnosis:
    why = found[0].detail.get("reason")
    return Diagnosis(
        Trouble.BLIND,
        "monitor blind",
        Severity.CRITICAL,
        subjects_of(found),
        f"the prediction log cannot be read{f': {plain(str(why), 300)}' if why else ''}",
        "Restore access to the prediction log; nothing is known about the model meanwhile.",
        found,
    )


def _silence(found: tuple[Finding, ...]) -> Diagnosis:
    missed = [finding for finding in found if finding.detector == "run_due"]
    none = [finding for finding in found if finding.detector == "volume" and (finding.statistic or 0.0) <= -1.0]
    stale = [finding for finding in found if finding.detector == "freshness"]
    if missed:
        name, summary = "missed run", plain(str(missed[0].detail.get("reason", "no run has come")), 300)
    elif none:
        name, summary = "no rows", f"no rows came in the window {span(none[0])}"
    elif stale:
        name, summary = "stale", f"the newest row is {age(stale[0].statistic or 0.0)} old"
    elif found[0].detector == "clock_shift":
        name, summary = "clock shift", f"timestamps look shifted by {found[0].statistic or 0.0:+.0f} h"
    elif found[0].detector == "late_rows":
        name = "late rows"
        summary = f"{Unit.SHARE.show(found[0].statistic or 0.0)} of the rows came after their window was first judged"
    else:
        change = found[0].statistic or 0.0
        name = "fewer rows than usual" if change < 0 else "more rows than usual"
        summary = f"{found[0].n:,} rows, {Unit.SHARE.show(abs(change))} {'fewer' if change < 0 else 'more'} than usual"
    return Diagnosis(
        Trouble.SILENCE,
        name,
        Severity.CRITICAL if missed or none else Severity.WARNING,
        subjects_of(found),
        summary,
        "Look at the serving job and at what writes the prediction log.",
        found,
    )


def _labels(found: tuple[Finding, ...]) -> Diagnosis:
    stopped = next((one for one in found if one.detector == "label_feed"), None)
    if stopped is None:
        share = Unit.SHARE.show(found[0].statistic or 0.0)
        return Diagnosis(
            Trouble.LABELS,
            "baseline was trained on",
            Severity.WARNING,
            subjects_of(found),
            f"{share} of the baseline are rows the model was trained on: its performance flatters, and any other looks "
            "worse beside it",
            "Give a baseline of held-out rows, or log out-of-fold scores and say so (training: out_of_fold).",
            found,
        )
    return Diagnosis(
        Trouble.LABELS,
        "labels stopped",
        Severity.WARNING,
        subjects_of(found),
        f"no label has come for {age(stopped.statistic or 0.0)}, {stopped.effect or 0.0:.1f} times the longest usual "
        f"pause; about {stopped.n:,} were to be expected",
        "Look at what delivers the labels; until they come, performance is judged on what came before.",
        found,
    )


def _data(found: tuple[Finding, ...]) -> Diagnosis:
    subjects = subjects_of(found)
    telling = [finding for finding in found if finding.kind is Kind.QUALITY]
    named = subjects_of(telling)
    lost = any(
        finding.detector in (HARD | OF_ALL_ROWS | {"unseen"}) and size_of(finding) >= _LOST for finding in telling
    )
    return Diagnosis(
        Trouble.DATA,
        Conclusion.DATA_BUG.value,
        Severity.CRITICAL if lost else Severity.WARNING,
        subjects,
        fault(telling[0]) + where(telling[0]) + others(named, "column", "columns"),
        _MENDING.get(
            telling[0].detector,
            f"Look at what fills {plain(named[0])}: the last change to its source, join or feature pipeline.",
        ),
        found,
    )


def _drift(found: tuple[Finding, ...]) -> Diagnosis:
    # Of several the sharpest speaks, which is the first of the registry; of its windows the one furthest off.
    joint = next((finding for name in JOINT for finding in found if finding.detector == name), None)
    moved = tuple(finding for finding in found if finding.detector not in JOINT)
    if joint is None:
        return _moved_columns(found)
    if moved:
        told = _moved_columns(moved)
        return replace(told, subjects=subjects_of(found), summary=f"{told.summary}; {no_longer(joint)}", evidence=found)
    who = parted(joint)
    return Diagnosis(
        Trouble.DRIFT,
        Conclusion.UNKNOWN.value,
        Severity.WARNING,
        subjects_of(found),
        f"{no_longer(joint)}: {figure(joint)} ({joint.n:,} rows)",
        f"Look at what fills {plain(who[0]) if who else 'the columns'}: its values are as usual, but they may stand in "
        "the wrong rows (a join on the wrong key, a column one row off).",
        found,
    )


def _moved_columns(found: tuple[Finding, ...]) -> Diagnosis:
    subjects = subjects_of(found)
    about = [finding for finding in found if finding.subject == subjects[0] and finding.kind is not Kind.QUALITY]
    # Of figures that have no limit of their own the best known one tells what happened.
    first = min(
        about,
        key=lambda finding: _TELLING.get(finding.detector, 2) if finding.threshold is None else 2,
        default=found[0],
    )
    count = len(subjects) - 1
    who = plain(subjects[0]) + (f" and {count} more" if count else "")
    predicted = any(finding.kind is Kind.PREDICTION for finding in found)
    return Diagnosis(
        Trouble.DRIFT,
        Conclusion.UNKNOWN.value,
        Severity.WARNING,
        subjects,
        f"{who} drifted: {figure(first)}{f' on {plain(first.subject)}' if count else ''} ({first.n:,} rows)"
        + where(first),
        "Compare the distributions in the report; "
        + (
            "the predictions moved too: check performance once labels come, and whether to retrain."
            if predicted
            else "the predictions have not moved: see whether the change is expected before retraining."
        ),
        found,
    )


def _performance(found: tuple[Finding, ...]) -> Diagnosis:
    worst = found[0]
    if worst.kind is Kind.BUSINESS:
        return _business(found)
    twice = worst.threshold is not None and size_of(worst) >= 2.0 * worst.threshold
    if worst.detector == CONCEPT_DRIFT:
        return _unexpected(found)
    known = MEASURES.get(worst.detector) or ESTIMATED.get(worst.detector)
    summary = f"{plain(known.title if known else worst.detector)} is {number(worst.statistic)}"
    if known is not None and worst.statistic is not None and worst.effect is not None:
        told = worst.detail.get("baseline")
        sign = 1.0 if known.higher_is_better else -1.0
        worse = sign * worst.effect
        usual = worst.statistic / (1.0 - worse) if known.relative else worst.statistic + worse
        usual = told if isinstance(told, float) else usual
        verb = "fell" if worst.statistic < usual else "rose"
        summary = f"{known.title} {verb} from {number(usual)} to {number(worst.statistic)}"
        rates = worst.detail.get("predicted_rate"), worst.detail.get("true_rate")
        if all(isinstance(rate, float) for rate in rates):
            shown = [Unit.SHARE.show(rate) for rate in rates if isinstance(rate, float)]
            summary = f"predicted rate {shown[0]}, true rate {shown[1]} ({number(usual)} apart before)"
    return Diagnosis(
        Trouble.PERFORMANCE,
        Conclusion.CONCEPT_DRIFT.value,
        Severity.CRITICAL if twice else Severity.WARNING,
        subjects_of(found),
        f"{summary} on {worst.n:,} {'rows, without labels' if worst.detector in ESTIMATED else 'labelled rows'}",
        "See in the report since when, and whether inputs drifted too; consider retraining or rolling back.",
        found,
    )


def _business(found: tuple[Finding, ...]) -> Diagnosis:
    worst = found[0]
    before, after = (plain(str(worst.detail.get(side, "n/a"))) for side in ("before", "after"))
    return Diagnosis(
        Trouble.PERFORMANCE,
        Conclusion.CONCEPT_DRIFT.value,
        Severity.WARNING,
        subjects_of(found),
        f"{plain(worst.subject)} is {after} (usual: {before})",
        "See with `driftline business` whether predictions, drift or performance moved with it.",
        found,
    )


def _unexpected(found: tuple[Finding, ...]) -> Diagnosis:
    """Labels are not what the inputs led to expect."""
    worst = found[0]
    realised, estimated = (worst.detail.get(name) for name in ("realised", "estimated"))
    told = f"{plain(worst.subject)} is not what the inputs led to expect"
    if isinstance(realised, float) and isinstance(estimated, float):
        told = f"{plain(worst.subject)} is {number(realised)} where the inputs led to expect {number(estimated)}"
    return Diagnosis(
        Trouble.PERFORMANCE,
        Conclusion.CONCEPT_DRIFT.value,
        Severity.WARNING,
        subjects_of(found),
        f"{told}, on {worst.n:,} labelled rows",
        "Look for what the features do not show; then retrain on recent labels, or roll back.",
        found,
    )


DIAGNOSES: dict[Trouble, Callable[[tuple[Finding, ...]], Diagnosis]] = {
    Trouble.BLIND: _blind,
    Trouble.SILENCE: _silence,
    Trouble.LABELS: _labels,
    Trouble.DATA: _data,
    Trouble.DRIFT: _drift,
    Trouble.PERFORMANCE: _performance,
}
