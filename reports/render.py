"""A report as HTML pages: the digest of all models, a page for each, the index of past reports.

In: a `ReportContext`. Out: whole HTML documents as text, or written to a folder. Kept: nothing. A page is one file:
style and charts are in it, it runs no script and its Content-Security-Policy lets nothing be fetched. Links lead to
other parts of the page or to files beside it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reports import machine, sentences
from reports.context import ModelPage, PastReport, ReportContext, Verdict
from reports.files import replace_file
from reports.incident import IncidentPage
from reports.incident_pages import write_incident
from reports.links import data_name, page_name, relative, slug
from reports.selection import DRAWN, WHOLE_DRAWN, digest_part, most_urgent
from reports.templating import environment

HOME, WHOLE = "index.html", "report.html"
MOST_INCIDENTS = 20  # that the digest lists
_GROUPS = (Verdict.NEEDS_YOU, Verdict.WATCH, Verdict.NOT_MONITORED)


@dataclass(frozen=True, slots=True)
class Pages:
    """What is kept of models whose pages are written: their lines of the digest, the most urgent whole, CSV lines."""

    lines: tuple[ModelPage, ...] = ()
    urgent: tuple[ModelPage, ...] = ()
    findings: tuple[str, ...] = ()

    def __add__(self, other: Pages) -> Pages:
        urgent = most_urgent((*self.urgent, *other.urgent))
        return Pages((*self.lines, *other.lines), tuple(urgent), (*self.findings, *other.findings))


class ReportWriter:
    """Writes a report's folder, a model at a time: of a hundred models, one page at a time is in memory.

    `head` is the report without its models. `finish` writes what is about all of them, those that another writer wrote
    to the same folder included (`others`). Each file is replaced whole.
    """

    def __init__(self, head: ReportContext, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._head, self._folder = head, folder
        self.made = Pages()

    def add(self, model: ModelPage, incidents: Sequence[IncidentPage] = ()) -> None:
        """Write one model's page and its incidents', each with its JSON, and keep its line of the digest."""
        for incident in incidents:
            write_incident(incident, self._folder)
        replace_file(self._folder / page_name(model.name), render_model(self._head, model, HOME))
        replace_file(self._folder / data_name(model.name), _json(machine.model_document(self._head, model)))
        self.made += Pages((digest_part(model),), (model,), tuple(machine.findings_lines(model)))

    def finish(self, others: Pages | None = None, **totals: object) -> ReportContext:
        """Write the digest, all in one file, `report.json` and the findings; the report with its models' lines."""
        made = self.made + (others or Pages())
        ranked = tuple(sorted(made.lines, key=lambda page: (list(Verdict).index(page.verdict), page.name)))
        context = replace(self._head, models=ranked, **totals)  # type: ignore[arg-type]
        replace_file(
            self._folder / HOME, render_digest(context, {model.name: page_name(model.name) for model in ranked})
        )
        replace_file(self._folder / WHOLE, render_whole(context, made.urgent))
        replace_file(self._folder / "report.json", _json(machine.report_document(context)))
        replace_file(self._folder / "findings.csv", ",".join(machine.COLUMNS) + "\n" + "".join(made.findings))
        return context


def render_digest(context: ReportContext, links: Mapping[str, str]) -> str:
    """The digest of all models; `links` gives the relative link of a model's page, by the model's name."""
    return _digest(context, {name: relative(link) for name, link in links.items()}, (), data=True)


def render_whole(context: ReportContext, urgent: Sequence[ModelPage] | None = None) -> str:
    """The digest and the most urgent models in one file, light enough to go with a mail.

    `urgent` are those models with all they have, where `context` holds their lines alone.
    """
    models = most_urgent(context.models if urgent is None else urgent)
    return _digest(context, {model.name: f"#model-{slug(model.name)}" for model in models}, models)


def render_model(context: ReportContext, model: ModelPage, home: str | None = None) -> str:
    """One model's page; `home` is the relative link back to the digest, if there is one."""
    link = None if home is None else relative(home)
    values = {"page": model, "home": link, "program": context.program, "most_drawn": DRAWN}
    return _render("model.html.j2", context.timezone, report=context, **values)


def render_index(heading: str, past: Sequence[PastReport], timezone: str, program: str) -> str:
    """The index of past reports, in the order given."""
    return _render("past.html.j2", timezone, heading=heading, past=past, timezone=timezone, program=program)


def _digest(context: ReportContext, links: Mapping[str, str], whole: Sequence[ModelPage], *, data: bool = False) -> str:
    return _render(
        "digest.html.j2",
        context.timezone,
        report=context,
        links=links,
        whole=whole,
        data=data,
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


def _json(document: Mapping[str, object]) -> str:
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def _render(template: str, zone: str, /, **values: object) -> str:
    return environment(zone).get_template(template).render(**values)
