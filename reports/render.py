"""A report as HTML pages: the digest of all models, a page for each, the index of past reports.

In: a `ReportContext`. Out: whole HTML documents as text, or written to a folder. Kept: nothing but the compiled
templates. A page is one file: style and charts are in it, it runs no script and its Content-Security-Policy lets
nothing be fetched. Links lead to other parts of the page or to files beside it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import jinja2
from markupsafe import Markup

from reports import charts, sentences, wording
from reports.context import (
    Aspect,
    CategoryDistribution,
    Distribution,
    FeatureDrift,
    ModelPage,
    PastReport,
    ReportContext,
    State,
    Verdict,
)
from reports.errors import ReportError
from reports.picture import Chart, to_svg
from reports.theme import properties

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
DRAWN_LOUD = 12  # features over their threshold that are shown at once
DRAWN = 50  # features drawn at all; the others stand in the appendix

_GROUPS = (
    (Verdict.NEEDS_YOU, "Needs you"),
    (Verdict.WATCH, "To watch"),
    (Verdict.NOT_MONITORED, "Not monitored"),
)


@dataclass(frozen=True, slots=True)
class WrittenReport:
    """The files of one report: the digest, and each model's page by the model's name."""

    digest: Path
    pages: Mapping[str, Path]


def write_report(context: ReportContext, folder: Path, home: str | None = None) -> WrittenReport:
    """Write `index.html` and one page per model into `folder`, which is made if need be.

    Each file is replaced whole. `home` is where the pages' first link leads, the digest when None.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pages = {model.name: folder / page_name(model.name) for model in context.models}
    for model in context.models:
        _replace(pages[model.name], render_model(context, model, home or "index.html"))
    digest = folder / "index.html"
    _replace(digest, render_digest(context, {name: path.name for name, path in pages.items()}))
    return WrittenReport(digest, pages)


def render_digest(context: ReportContext, links: Mapping[str, str]) -> str:
    """The digest of all models; `links` gives the relative link of each model's page."""
    return _digest(context, {name: relative(link) for name, link in links.items()}, ())


def render_whole(context: ReportContext) -> str:
    """The digest and every model in one file, for an attachment or a single model's report."""
    anchors = {model.name: f"model-{slug(model.name)}" for model in context.models}
    return _digest(context, {name: f"#{anchor}" for name, anchor in anchors.items()}, context.models)


def render_model(context: ReportContext, model: ModelPage, home: str | None = None) -> str:
    """One model's page; `home` is the relative link back to the digest, if there is one."""
    link = None if home is None else relative(home)
    return _render("model.html.j2", context.timezone, report=context, page=model, home=link, program=context.program)


def render_index(heading: str, past: Sequence[PastReport], timezone: str, program: str) -> str:
    """The index of past reports, in the order given."""
    return _render("past.html.j2", timezone, heading=heading, past=past, timezone=timezone, program=program)


def page_name(model: str) -> str:
    """The file name of a model's page: safe on every system, different for different models."""
    return f"model-{slug(model)}.html"


def deep_dive_name(model: str) -> str:
    """The file name of a model's deep dive, beside its page."""
    return f"evidently-{slug(model)}.html"


def slug(name: str) -> str:
    """`name` in lower-case letters, digits and dashes, with a hash of it where that lost anything."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:48]
    if plain == name:
        return plain
    return f"{plain or 'model'}-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def relative(path: str) -> str:
    """`path` as a link to a file beside the page or below it. Raises ReportError for anything else."""
    parts = path.split("/")
    if not path or path.startswith("/") or ".." in parts or re.search(r"[\\:\x00-\x1f]", path):
        raise ReportError(f"{wording.plain(path)!r} is no file beside the page")
    return quote(path)


def _digest(context: ReportContext, links: Mapping[str, str], whole: Sequence[ModelPage]) -> str:
    return _render(
        "digest.html.j2",
        context.timezone,
        report=context,
        links=links,
        whole=whole,
        anchors={name: link.removeprefix("#") for name, link in links.items()},
        headline=sentences.headline(context.counts()),
        groups=_GROUPS,
        verdicts=Verdict,
        alarms=sentences.alarms(context.alarms),
        coverage=sentences.coverage(context.coverage),
        all_gaps=[gap for model in context.models for gap in model.gaps],
        program=context.program,
    )


def _sections(page: ModelPage) -> set[str]:
    """The aspects that have a section of their own on the page, so that the health strip can lead there."""
    present = {
        Aspect.QUALITY: page.quality,
        Aspect.DRIFT: page.features,
        Aspect.PREDICTION: page.predictions,
        Aspect.PERFORMANCE: page.performance,
        Aspect.VOLUME: page.volume and page.volume.points,
    }
    return {aspect.value for aspect, there in present.items() if there}


def _split_features(page: ModelPage) -> tuple[list[FeatureDrift], list[FeatureDrift]]:
    """The features shown at once, and those folded away; together at most `DRAWN`."""
    drawn = page.features[:DRAWN]
    loud = [feature for feature in drawn if any(f.state in (State.BREACH, State.WATCH) for f in feature.figures)]
    loud = loud[:DRAWN_LOUD]
    return loud, [feature for feature in drawn if feature not in loud]


def _cut_labels(shown: Distribution) -> list[str]:
    """The category names a chart has no room for."""
    if not isinstance(shown, CategoryDistribution):
        return []
    return [part.label for part in shown.shares if wording.plain(part.label, charts.LABEL) != part.label]


def _replace(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.part")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def _render(template: str, zone: str, **values: object) -> str:
    return _environment(zone).get_template(template).render(**values)


@lru_cache(maxsize=8)
def _environment(timezone: str) -> jinja2.Environment:
    """The templates with what they call, for readers in `timezone`."""
    zone = ZoneInfo(timezone)
    folder = Path(__file__).parent / "templates"
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(_filters(zone))
    style = environment.from_string(Markup((folder / "report.css").read_text(encoding="utf-8")))  # noqa: S704  our own file
    environment.globals.update(
        policy=POLICY,
        drawn_loud=DRAWN_LOUD,
        style=Markup(style.render(light=properties("light"), dark=properties("dark"))),  # noqa: S704  our own file
        draw_distribution=lambda shown, name: _svg(charts.distribution(shown, name)),
        draw_statistic=lambda series, name: _svg(charts.statistic(series, name, zone)),
        draw_performance=lambda series: _svg(charts.performance(series, zone)),
        draw_volume=lambda series: _svg(charts.volume(series, zone)),
        sections=_sections,
    )
    return environment


def _filters(zone: ZoneInfo) -> dict[str, Any]:
    return {
        "plain": wording.plain,
        "number": wording.number,
        "trimmed": wording.trimmed,
        "share": wording.share,
        "count": wording.count,
        "pvalue": wording.pvalue,
        "plural": wording.plural,
        "horizon": wording.horizon,
        "span": lambda period: wording.span(period, zone),
        "day": lambda moment: wording.day(moment, zone),
        "short_day": lambda moment: wording.day(moment, zone, year=False),
        "clock": lambda moment: wording.clock(moment, zone),
        "utc": wording.utc,
        "iso": lambda moment: moment.isoformat(timespec="seconds"),
        "relative": relative,
        "state_words": sentences.STATE_WORDS.__getitem__,
        "verdict_words": sentences.VERDICT_WORDS.__getitem__,
        "verdict_state": sentences.VERDICT_STATES.__getitem__,
        "verdict_class": lambda verdict: sentences.VERDICT_STATES[verdict].value,
        "headline_words": sentences.headline_words,
        "against": sentences.against,
        "performance_caption": sentences.performance_caption,
        "glossary": sentences.glossary,
        "cut_labels": _cut_labels,
        "split_features": _split_features,
    }


def _svg(chart: Chart) -> Markup:
    return Markup(to_svg(chart))  # noqa: S704  drawn by us, its texts escaped by ElementTree
