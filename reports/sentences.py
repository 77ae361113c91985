"""What a report says of its figures in words: the headline, the alarms, the coverage. Shared by pages and mail.

In: parts of a `ReportContext`. Out: plain sentences, not yet escaped. Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from detectors.performance import MEASURES
from detectors.registry import DETECTORS, JOINT
from reports.comparison import ComparisonReport
from reports.context import AlarmCounts, Coverage, Figure, ModelPage, PerformanceSeries, State, Verdict
from reports.wording import count, duration, horizon, measured, number, plural, sentence, share, trimmed

VERDICT_WORDS = {
    Verdict.NEEDS_YOU: "Needs you",
    Verdict.WATCH: "To watch",
    Verdict.NOT_MONITORED: "Not monitored",
    Verdict.HEALTHY: "Healthy",
}
VERDICT_STATES = {
    Verdict.NEEDS_YOU: State.BREACH,
    Verdict.WATCH: State.WATCH,
    Verdict.NOT_MONITORED: State.MISSING,
    Verdict.HEALTHY: State.OK,
}
STATE_WORDS = {
    State.OK: "in order",
    State.WATCH: "watch",
    State.BREACH: "breach",
    State.INSUFFICIENT: "too little data",
    State.MISSING: "not evaluated",
}
_HEADLINE = (Verdict.NEEDS_YOU, Verdict.WATCH, Verdict.HEALTHY, Verdict.NOT_MONITORED)


def headline(counts: Sequence[tuple[Verdict, int]]) -> list[tuple[Verdict, int, str]]:
    """Verdict, number and words of each verdict that has models: "2 need you", "54 healthy"."""
    numbers = dict(counts)
    words = {
        Verdict.NEEDS_YOU: "needs you" if numbers.get(Verdict.NEEDS_YOU) == 1 else "need you",
        Verdict.WATCH: "to watch",
        Verdict.HEALTHY: "healthy",
        Verdict.NOT_MONITORED: "not monitored",
    }
    return [(verdict, n, f"{n:,} {words[verdict]}") for verdict in _HEADLINE if (n := numbers.get(verdict, 0))]


def headline_words(counts: Sequence[tuple[Verdict, int]]) -> str:
    """The headline in a line: "2 need you · 3 to watch · 54 healthy · 1 not monitored"."""
    return " · ".join(words for _, _, words in headline(counts)) or "no models"


def alarms(counted: AlarmCounts) -> list[str]:
    """The alarms of the period: how many, what they turned out to be, what was promised, how fast they were seen."""
    if not counted.sent:
        said = ["No alarm was sent."]
    else:
        kinds = (
            (counted.real, "real"),
            (counted.expected, "expected"),
            (counted.false, "false"),
            (counted.unjudged, "not yet judged"),
        )
        became = ", ".join(f"{n} {word}" for n, word in kinds if n)
        said = [f"{plural(counted.sent, 'alarm was', 'alarms were')} sent{': ' + became if became else ''}."]
    if counted.promised is not None:
        said.append(f"The budget allows {trimmed(counted.promised)} false in this time.")
    if counted.minutes_to_acknowledge is not None:
        said.append(f"Half of them were acknowledged within {duration(counted.minutes_to_acknowledge)}.")
    return said


def coverage(covered: Coverage) -> list[str]:
    """How many of the windows due were judged, and how many predictions have their labels."""
    judged = covered.windows_evaluated - covered.windows_insufficient
    if not covered.windows_due:
        said = ["No window was due."]
    elif judged == covered.windows_due:
        said = [f"All {plural(covered.windows_due, 'window')} due were judged."]
    else:
        reasons = ((covered.windows_insufficient, "had too few rows"), (covered.windows_skipped, "were skipped"))
        lost = [f"{n:,} {why}" for n, why in reasons if n]
        because = f"; {' and '.join(lost)}" if lost else ""
        said = [f"{count(judged)} of {count(covered.windows_due)} windows due were judged{because}."]
    if covered.predictions:
        part = share(covered.labels / covered.predictions)
        said.append(f"Labels came for {count(covered.labels)} of {count(covered.predictions)} predictions ({part}).")
    return said


def against(figure: Figure) -> str:
    """What a figure was held against and on how many rows: "threshold 0.1, 5,986 rows"."""
    if figure.state is State.INSUFFICIENT:
        return f"too little data to judge ({plural(figure.rows, 'row')})"
    parts = []
    if figure.threshold is not None:
        parts.append(f"threshold {measured(figure.threshold, figure.unit, limit=True)}")
    parts.append(plural(figure.rows, "row"))
    return ", ".join(parts)


def performance_caption(series: PerformanceSeries) -> str:
    """A performance chart in words: the latest value, its interval and labels, the reference's own value."""
    name = f"{series.metric}, {horizon(series.horizon)}"
    latest = next((point for point in reversed(series.points) if point.value is not None), None)
    guessed = next((point for point in reversed(series.estimated) if point.value is not None), None)
    within = f" ({number(guessed.low)} to {number(guessed.high)})" if guessed and guessed.low is not None else ""
    estimate = f"estimated without labels {measured(guessed.value, series.unit)}{within}" if guessed else ""
    if latest is None:
        return f"{name}: no labels to judge by yet{f'; {estimate}' if estimate else ''}."
    interval = f" ({number(latest.low)} to {number(latest.high)})" if latest.low is not None else ""
    reference = f"; reference {trimmed(series.baseline)}, the grey line" if series.baseline is not None else ""
    labels = f"{count(latest.labels)} of {count(latest.predictions)} predictions labelled"
    said = f"{name}: latest {measured(latest.value, series.unit)}{interval}, {labels}{reference}"
    return f"{said}{f'; {estimate}' if estimate else ''}."


def method(page: ModelPage) -> list[str]:
    """How a model's figures came about, in plain words: for the end of its page."""
    compared = next((span.baseline for span in reversed(page.versions) if span.baseline), "")
    said = [
        "Every value that production served is counted on a grid cut from the reference: numbers between its "
        "quantiles, categories by value. A window of a day or a week is the sum of its hours. Each statistic compares "
        "the window's counts with the reference's" + (f" ({compared})." if compared else "."),
        "A figure over its limit is a breach; one with too few rows behind it is neither in order nor a breach. "
        "A breach alone pages nobody: breaches that belong together are one incident, with the size of the change.",
    ]
    if any(row.figure.pvalue is not None for row in page.findings):
        said.append(
            "p is computed as if rows were independent. They seldom are, from one day to the next: so limits, "
            "and not p, decide."
        )
    if page.performance:
        said.append(
            "Performance joins predictions with the labels that had come by the time of the report; it is judged "
            "again as more come. Intervals are at 95%."
        )
    return said


_AT_LENGTH = {
    "ks": (
        "The largest distance between the two cumulative distributions, from 0 (the same) to 1 (no overlap). It does "
        "not depend on the column's unit."
    ),
    "psi": (
        "The population stability index: how far the shares of ten equal parts of the reference, or of its "
        "categories, have moved, each weighted by its change. Up to 0.1 is usually called small, from 0.2 large."
    ),
    "auc": "The chance that a positive row was given a higher score than a negative one; 0.5 is guessing.",
    "log_loss": "The mean surprise at the labels, given the predicted probabilities; lower is better.",
}
_P = ("p", "How often a statistic at least this large would come about by chance, had nothing changed.")


def glossary(page: ModelPage | ComparisonReport) -> list[tuple[str, str]]:
    """The statistics that occur among a page's findings, each in plain words."""
    seen = {row.figure.statistic for row in page.findings}
    known = [(one.name, one.title, one.help) for one in DETECTORS.values()]
    known += [(one.name, one.title, one.help) for one in JOINT.values()]
    known += [(one.name, one.title, one.help) for one in MEASURES.values()]
    found = [
        (title[:1].upper() + title[1:], _AT_LENGTH.get(name, sentence(help_)))
        for name, title, help_ in known
        if title in seen
    ]
    return found + ([_P] if any(row.figure.pvalue is not None for row in page.findings) else [])
