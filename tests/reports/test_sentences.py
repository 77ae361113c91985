"""What a report says in words."""

from __future__ import annotations

from dataclasses import replace

from reports import sentences
from reports.context import AlarmCounts, Coverage, State, Verdict
from tests.support.report_context import flight_delay, performance


def test_the_headline_counts_in_words_and_leaves_zeros_out() -> None:
    counts = ((Verdict.NEEDS_YOU, 2), (Verdict.WATCH, 3), (Verdict.NOT_MONITORED, 1), (Verdict.HEALTHY, 54))
    assert sentences.headline_words(counts) == "2 need you · 3 to watch · 54 healthy · 1 not monitored"
    assert sentences.headline_words(((Verdict.NEEDS_YOU, 1), (Verdict.HEALTHY, 0))) == "1 needs you"
    assert sentences.headline_words(()) == "no models"


def test_alarms() -> None:
    assert sentences.alarms(AlarmCounts()) == ["No alarm was sent."]
    assert sentences.alarms(AlarmCounts(1, unjudged=1)) == ["1 alarm was sent: 1 not yet judged."]
    assert sentences.alarms(AlarmCounts(5, 2, 1, 1, 1, 3.0, 14.0)) == [
        "5 alarms were sent: 2 real, 1 expected, 1 false, 1 not yet judged.",
        "The budget allows 3 false in this time.",
        "Half of them were acknowledged within 14 min.",
    ]


def test_coverage() -> None:
    assert sentences.coverage(Coverage()) == ["No window was due."]
    assert sentences.coverage(Coverage(10, 10)) == ["All 10 windows due were judged."]
    assert sentences.coverage(Coverage(273, 271, 3, 2, 200, 190)) == [
        "268 of 273 windows due were judged; 3 had too few rows and 2 were skipped.",
        "Labels came for 190 of 200 predictions (95%).",
    ]


def test_performance_without_labels_says_so() -> None:
    series = performance("AUC", 0.68, 0.0, 0.6)
    unlabelled = replace(series, points=tuple(replace(point, value=None) for point in series.points))
    assert sentences.performance_caption(unlabelled) == "AUC, daily: no labels to judge by yet."
    assert "reference 0.68" in sentences.performance_caption(series)


def test_the_glossary_explains_what_is_on_the_page_and_nothing_else() -> None:
    assert [term for term, _ in sentences.glossary(flight_delay())] == ["KS", "PSI", "p"]
    assert sentences.glossary(flight_delay(findings=())) == []


def test_a_figure_is_held_against_its_threshold_in_its_own_unit() -> None:
    figure = flight_delay().features[0].figures[0]
    assert sentences.against(figure) == "threshold 0.1, 5,986 rows"
    assert sentences.against(replace(figure, unit="share")) == "threshold 10%, 5,986 rows"
    assert sentences.against(replace(figure, threshold=None, rows=1)) == "1 row"
    assert sentences.against(replace(figure, state=State.INSUFFICIENT)) == "too little data to judge (5,986 rows)"
