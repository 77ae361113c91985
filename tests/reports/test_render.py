"""The pages: their structure, that they hold nothing but themselves, and that no data can speak HTML."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest

from reports.context import PastReport, ReportContext, Verdict
from reports.errors import ReportError
from reports.incident_pages import render_incident
from reports.links import page_name
from reports.render import ReportWriter, render_digest, render_index, render_model, render_whole
from reports.selection import WHOLE_MODELS
from reports.templating import SCRIPT
from tests.support.html_page import Page
from tests.support.incident_page import bare, evil, incident
from tests.support.report_context import (
    HOSTILE,
    empty,
    flight_delay,
    healthy,
    hostile,
    learning,
    taxi_out,
    weekly,
    wide,
)
from tests.support.report_parts import full


def digest_of(context: ReportContext) -> str:
    return render_digest(context, {model.name: f"m{n}.html" for n, model in enumerate(context.models)})


def few() -> ReportContext:
    return replace(weekly(), models=(taxi_out(), hostile(), learning()))


def pages() -> dict[str, str]:
    context = weekly()
    return {
        "digest": digest_of(context),
        "whole": render_whole(few()),
        "needs you": render_model(context, flight_delay(), "index.html"),
        "watch": render_model(context, taxi_out(), "index.html"),
        "hostile": render_model(context, hostile(), "index.html"),
        "learning": render_model(context, learning()),
        "healthy": render_model(context, healthy("fuel-burn")),
        "empty": digest_of(empty()),
        "incident": render_incident(incident(), data=True),
        "hostile incident": render_incident(evil()),
        "bare incident": render_incident(bare()),
        "past": render_index(
            "Weekly reports",
            [PastReport(HOSTILE[0], "2013-05-06/index.html", context.period, context.generated_at, context.counts())],
            "America/New_York",
            "driftline 0.1.0",
        ),
        "no past": render_index("Weekly reports", [], "UTC", "driftline 0.1.0"),
    }


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return pages()


NAMES = [
    *("digest", "whole", "needs you", "watch", "hostile", "learning", "healthy", "empty", "past", "no past"),
    *("incident", "hostile incident", "bare incident"),
]


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_well_formed_and_its_headings_descend_by_one(made: dict[str, str], name: str) -> None:
    page = Page(made[name])
    levels = [int(level[1]) for level, _ in page.headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(words for _, words in page.headings)
    ids = page.values("id")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", NAMES)
def test_nothing_on_a_page_leads_or_reaches_out_of_it(made: dict[str, str], name: str) -> None:
    page = Page(made[name])
    ids = set(page.values("id"))
    for link in page.values("href"):
        assert re.fullmatch(r"#[\w-]+|([\w%-]+/)?[\w.%-]+\.(html|json|csv)", link), link
        assert not link.startswith("#") or link[1:] in ids, f"{link} leads nowhere"
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"link", "img", "iframe", "object", "embed", "form", "base", "audio", "video", "use"}
    for attribute in ("src", "srcset", "action", "background", "poster", "ping", "formaction", "style", "xlink:href"):
        assert page.values(attribute) == []
    assert all(script == SCRIPT for script in re.findall(r"<script>(.*?)</script>", made[name], re.S))
    assert made[name].lower().count("<script") <= 1
    assert not any(key.startswith("on") for _, attrs in page.elements for key in attrs)
    assert not re.search(r"url\(|@import|expression\(", made[name].split("</style>")[0])


@pytest.mark.parametrize("name", NAMES)
def test_every_page_forbids_itself_any_request(made: dict[str, str], name: str) -> None:
    page = Page(made[name])
    policies = [attrs for tag, attrs in page.elements if attrs.get("http-equiv") == "Content-Security-Policy"]
    assert len(policies) == 1
    rules = dict(part.strip().split(" ", 1) for part in str(policies[0]["content"]).split(";"))
    assert rules == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "script-src": f"'sha256-{b64encode(sha256(SCRIPT.encode()).digest()).decode()}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert made[name].index("Content-Security-Policy") < made[name].index("<style>")


@pytest.mark.parametrize("name", NAMES)
def test_no_missing_value_is_written_as_a_program_writes_it(made: dict[str, str], name: str) -> None:
    page = Page(made[name])
    words = page.text + " ".join(page.values("title") + page.values("aria-label") + page.values("d"))
    assert not re.search(r"\bNone\b|\bnan\b|\bNaN\b|\bundefined\b|\binf\b|datetime\.|object at 0x|State\.", words)


def test_the_digest_begins_with_the_verdicts_in_words(made: dict[str, str]) -> None:
    page = Page(made["digest"])
    assert page.headings[0] == ("h1", "2 need you · 2 to watch · 8 healthy · 1 not monitored")
    assert [words for level, words in page.headings if level == "h2"] == [
        "Needs you",
        "To watch",
        "Not monitored",
        "Healthy",
        "Alarms of the period",
        "Coverage",
        "Incidents",
        "What changed",
        "What was not evaluated",
    ]
    text = " ".join(page.text.split())
    assert "AUC 0.68 → 0.61 Degradation" in text
    assert "Retrain on data since April" in text
    assert "29 Apr – 5 May 2013, America/New_York time. Made 6 May, 08:00 (2013-05-06 12:00 UTC)." in text
    assert page.count("svg") == 0, "the first screen is words"


def test_the_digest_links_every_model_to_its_page(made: dict[str, str]) -> None:
    links = Page(made["digest"]).values("href")
    assert {link for link in links if link.startswith("m")} == {f"m{n}.html" for n in range(13)}


def test_the_model_page_has_its_sections_in_the_order_of_questions(made: dict[str, str]) -> None:
    page = Page(made["needs you"])
    assert page.headings[0] == ("h1", "flight-delay")
    assert [words for level, words in page.headings if level == "h2"] == [
        "Health",
        "What changed since last week",
        "Features",
        "Predictions",
        "Performance",
        "Data quality",
        "Volume",
        "Incidents",
        "Versions and incidents",
        "What was not evaluated",
        "Deep dive",
        "Every figure",
    ]
    text = " ".join(page.text.split())
    assert text.index("The weather inputs have left") < text.index("Health")
    assert "KS 0.340 threshold 0.1, 5,986 rows" in text
    assert "Fewer than 100 labels had come. 1 window; until 7 May, 00:00" in text
    assert {"evidently-flight-delay.html", "flight-delay.evidently.html"} & set(page.values("href"))


def test_every_shown_feature_has_both_its_pictures(made: dict[str, str]) -> None:
    page = Page(made["needs you"])
    model = flight_delay()
    assert page.count("svg") == 2 * len(model.features) + 2 * len(model.predictions) + len(model.performance) + 2
    assert all(attrs.get("aria-label") for tag, attrs in page.elements if tag == "svg")


def test_the_health_strip_says_each_week_in_words_too(made: dict[str, str]) -> None:
    page = Page(made["needs you"])
    weeks = [
        title for title in page.values("title") if re.match(r".*2013: (in order|watch|breach|too little data)", title)
    ]
    assert len(weeks) == 5 * 8
    assert weeks.count("29 Apr – 5 May 2013: breach") == 2
    assert {"#drift", "#performance", "#quality", "#volume", "#prediction"} <= set(page.values("href"))


def test_a_model_that_is_learning_says_why_and_until_when(made: dict[str, str]) -> None:
    text = " ".join(Page(made["learning"]).text.split())
    assert "Not monitored · Learning" in text
    assert "Learning its baseline. 19 windows; until 14 May, 00:00" in text
    assert "Features" not in text


def test_a_deep_dive_that_failed_is_said(made: dict[str, str]) -> None:
    text = " ".join(Page(made["watch"]).text.split())
    assert "There is none this time: Evidently took longer than 180 s and was stopped." in text


def test_the_first_report_of_all_is_a_page_too(made: dict[str, str]) -> None:
    page = Page(made["empty"])
    assert page.headings == [("h1", "No models yet")]


def test_hostile_text_is_shown_and_never_parsed(made: dict[str, str]) -> None:
    for name in ("digest", "whole", "hostile", "past", "hostile incident"):
        page = Page(made[name])
        assert '<script>document.title="owned"</script>' in page.text, name
    page = Page(made["hostile"])
    assert "{{ 7*7 }} {% raw %}" in page.text
    assert "49" not in [words for _, words in page.headings]
    assert "line one line two line three" in page.text
    assert "\u202e" not in made["hostile"]


def test_a_long_name_is_cut_visibly_and_whole_in_its_title(made: dict[str, str]) -> None:
    page = Page(made["hostile"])
    assert "very_long_" * 40 in page.values("title")
    assert "very_long_" * 40 not in page.text
    assert ("very_long_" * 6)[:59] + "…" in page.text


def test_a_page_of_fifty_drawn_features_is_light() -> None:
    context = wide(50)
    page = render_model(context, context.models[0])
    assert Page(page).count("svg") >= 100
    assert len(page.encode()) < 600_000


def test_a_thousand_features_are_a_few_pictures_and_a_table() -> None:
    context = wide(12)
    model = context.models[0]
    findings = tuple(replace(model.findings[n % 24], subject=f"feature_{n:04d}") for n in range(1000))
    page = render_model(context, replace(model, findings=findings, features_total=1000))
    assert len(page.encode()) < 1_000_000
    text = " ".join(Page(page).text.split())
    assert "12 of 1,000 are drawn above" in text
    assert "feature_0999" in text


def test_features_over_their_threshold_are_shown_and_the_others_folded() -> None:
    page = render_model(weekly(), flight_delay())
    before, _, after = page.partition("more features, none over its threshold")
    assert before.count('<article class="feature" ') == 4
    assert after.partition("</details>")[0].count('<article class="feature" ') == 4


def test_two_models_in_one_file_keep_their_anchors_apart(made: dict[str, str]) -> None:
    names = Page(made["whole"]).values("id")
    assert sum(name.endswith("-drift") for name in names) == sum(bool(model.features) for model in few().models) == 2


def test_a_report_of_one_file_tells_the_most_urgent_models_and_stays_light() -> None:
    context = wide(20)
    model = context.models[0]
    quiet = healthy("fuel-burn")
    many = (*(replace(quiet, name=f"quiet-{n}") for n in range(30)), replace(model, name="loud"))
    text = render_whole(replace(context, models=many))
    page = Page(text)
    anchors = [
        value for value in page.values("id") if re.fullmatch(r"model-[\w-]+-appendix|model-[\w-]+-health", value)
    ]
    assert sum(value.endswith("-health") for value in anchors) == WHOLE_MODELS
    assert "model-loud-health" in anchors
    assert "quiet-29" in page.text, "named on the digest, though not told in full"
    assert page.values("href").count("#model-quiet-29") == 0
    assert len(text.encode()) < 1_000_000


def written(context: ReportContext, folder: Path) -> ReportContext:
    writer = ReportWriter(replace(context, models=()), folder)
    for model in context.models:
        writer.add(model)
    return writer.finish(alarms=context.alarms, changes=context.changes, coverage=context.coverage)


def test_a_report_is_written_as_a_folder_of_pages(tmp_path: Path) -> None:
    context = replace(weekly(), models=(learning(), hostile(), healthy("fuel-burn")))
    folder = tmp_path / "weekly" / "2013-05-06"
    told = written(context, folder)
    pages = {page_name(model.name) for model in context.models}
    files = {path.name for path in folder.iterdir()}
    data = {page.replace(".html", ".json") for page in pages}
    assert files == {"index.html", "report.html", "report.json", "findings.csv"} | pages | data
    digest = Page((folder / "index.html").read_text(encoding="utf-8"))
    assert pages <= set(digest.values("href"))
    for page in pages:
        assert "index.html" in Page((folder / page).read_text(encoding="utf-8")).values("href")
    assert [model.verdict for model in told.models] == [Verdict.WATCH, Verdict.NOT_MONITORED, Verdict.HEALTHY]
    assert all(not model.features and not model.findings for model in told.models), "light enough for a thousand"


def test_a_model_at_a_time_makes_the_same_as_all_at_once(tmp_path: Path) -> None:
    context = replace(weekly(), models=(flight_delay(), taxi_out(), healthy("fuel-burn")))
    written(context, tmp_path)
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == render_whole(context)


def test_a_report_written_again_replaces_the_old_one(tmp_path: Path) -> None:
    context = replace(weekly(), models=(learning(),))
    written(context, tmp_path)
    written(replace(context, title="Second"), tmp_path)
    assert "Second" in (tmp_path / "index.html").read_text(encoding="utf-8")
    assert not list(tmp_path.glob(".*.part"))


def test_a_link_out_of_the_folder_is_refused() -> None:
    with pytest.raises(ReportError):
        render_digest(weekly(), {model.name: "https://evil.example/" for model in weekly().models})
    assert flight_delay().deep_dive is not None
    dive = replace(flight_delay().deep_dive, path="javascript:alert(1)")  # type: ignore[type-var]
    with pytest.raises(ReportError):
        render_model(weekly(), flight_delay(deep_dive=dive))


def test_the_index_of_reports_leads_to_them(made: dict[str, str]) -> None:
    page = Page(made["past"])
    assert page.values("href") == ["2013-05-06/index.html"]
    assert "2 need you · 2 to watch · 8 healthy · 1 not monitored" in page.text
    assert "No report has been made yet." in Page(made["no past"]).text


def test_one_healthy_model_reads_as_one() -> None:
    context = replace(weekly(), models=(healthy("fuel-burn"),))
    page = Page(digest_of(context))
    assert page.headings[0] == ("h1", "1 healthy")
    assert "1 model with nothing to report" in page.text
    assert context.by_verdict(Verdict.NEEDS_YOU) == ()


def test_each_optional_part_has_its_section_and_an_absent_one_its_reason() -> None:
    page = Page(render_model(weekly(), full()))
    assert [words for level, words in page.headings if level == "h2"] == [
        "Health",
        "What changed since last week",
        "Why",
        "Features",
        "Predictions",
        "Performance",
        "Business",
        "Two versions side by side",
        "Segments",
        "Data quality",
        "Volume",
        "Incidents",
        "Versions and incidents",
        "What was not evaluated",
        "What this page does not show",
        "Deep dive",
        "Every figure",
    ]
    text = " ".join(page.text.split())
    assert "All inputs together: domain classifier 0.710" in text
    assert "Change of mean score: 3.1% in all, 0.20% of it not explained" in text
    assert re.search(r"Outcome by region ?No label carries a region\.", text)
    assert "estimated without labels 0.660 (0.630 to 0.690)" in text


def test_what_a_verdict_is_about_leads_to_its_evidence() -> None:
    text = render_model(weekly(), full())
    evidence = text[text.index("Evidence:") : text.index("</p>", text.index("Evidence:"))]
    links = re.findall(r'href="#([\w-]+)">([\w ]+)<', evidence)
    assert links == [("f-temp", "temp"), ("performance", "AUC"), ("q-engine", "engine")]
    assert {target for target, _ in links} <= set(Page(text).values("id"))
    assert "no such column" in evidence
