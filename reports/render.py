"""A report as HTML pages: the digest of all models, a page for each, the index of past reports.

In: a `ReportContext`. Out: whole HTML documents as text, or written to a folder. Kept: nothing. A page is one file:
style and charts are in it, it runs no script and its Content-Security-Policy lets nothing be fetched. Links lead to
other parts of the page or to files beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reports import sentences
from reports.context import ModelPage, PastReport, ReportContext, Verdict
from reports.links import page_name, relative, slug
from reports.selection import DRAWN, WHOLE_DRAWN, whole_models
from reports.templating import environment

MOST_INCIDENTS = 20  # that the digest lists
_GROUPS = (Verdict.NEEDS_YOU, Verdict.WATCH, Verdict.NOT_MONITORED)


@dataclass(frozen=True, slots=True)
class WrittenReport:
    """The files of one report: the digest, and each model's page by the model's name."""

    digest: Path
    pages: Mapping[str, Path]


def write_report(context: ReportContext, folder: Path) -> WrittenReport:
    """Write `index.html` and one page per model into `folder`, made if need be; each file is replaced whole."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = {model.name: folder / page_name(model.name) for model in context.models}
    for model in context.models:
        _replace(pages[model.name], render_model(context, model, "index.html"))
    digest = folder / "index.html"
    _replace(digest, render_digest(context, {name: path.name for name, path in pages.items()}))
    return WrittenReport(digest, pages)


def render_digest(context: ReportContext, links: Mapping[str, str]) -> str:
    """The digest of all models; `links` gives the relative link of a model's page, by the model's name."""
    return _digest(context, {name: relative(link) for name, link in links.items()}, ())


def render_whole(context: ReportContext) -> str:
    """The digest and the most urgent models in one file, light enough to go with a mail."""
    models = whole_models(context)
    return _digest(context, {model.name: f"#model-{slug(model.name)}" for model in models}, models)


def render_model(context: ReportContext, model: ModelPage, home: str | None = None) -> str:
    """One model's page; `home` is the relative link back to the digest, if there is one."""
    link = None if home is None else relative(home)
    values = {"page": model, "home": link, "program": context.program, "most_drawn": DRAWN}
    return _render("model.html.j2", context.timezone, report=context, **values)


def render_index(heading: str, past: Sequence[PastReport], timezone: str, program: str) -> str:
    """The index of past reports, in the order given."""
    return _render("past.html.j2", timezone, heading=heading, past=past, timezone=timezone, program=program)


def _digest(context: ReportContext, links: Mapping[str, str], whole: Sequence[ModelPage]) -> str:
    return _render(
        "digest.html.j2",
        context.timezone,
        report=context,
        links=links,
        whole=whole,
        most_drawn=max(3, WHOLE_DRAWN // max(1, len(whole))),
        anchors={name: link.removeprefix("#") for name, link in links.items()},
        headline=sentences.headline(context.counts()),
        groups=[(verdict, sentences.VERDICT_WORDS[verdict]) for verdict in _GROUPS],
        verdicts=Verdict,
        alarms=sentences.alarms(context.alarms),
        coverage=sentences.coverage(context.coverage),
        incidents=sorted(
            ((model, incident) for model in context.models for incident in model.incidents),
            key=lambda pair: pair[1].opened_at,
            reverse=True,
        ),
        most_incidents=MOST_INCIDENTS,
        all_gaps=[gap for model in context.models for gap in model.gaps],
        program=context.program,
    )


def _replace(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.part")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def _render(template: str, zone: str, /, **values: object) -> str:
    return environment(zone).get_template(template).render(**values)
