"""One comparison as HTML: a report of one file, and the table a notebook shows.

In: a `ComparisonReport`. Out: a whole document as text, or a fragment without script, ids and links. Kept: nothing.
"""

from __future__ import annotations

from itertools import groupby

from markupsafe import Markup

from reports import comparison_words as words
from reports.comparison import ComparisonReport
from reports.selection import DRAWN, DRAWN_LOUD
from reports.sentences import glossary
from reports.sparkline import sparkline
from reports.templating import FOLDER, environment

_QUALITY_SHOWN = 12  # data-quality checks shown at once, and drawn columns as well; the rest is folded
_FIGURES_OPEN = 120  # figures shown without unfolding; more push the rest of the page out of sight


def render_comparison(report: ComparisonReport) -> str:
    """The whole report as one HTML document: verdict, broken data, drifted columns drawn, every figure."""
    loud = report.drifted[:DRAWN_LOUD]
    folded = (*report.drifted[DRAWN_LOUD:], *report.quiet)[: DRAWN - len(loud)]
    return _render(
        "comparison.html.j2",
        report,
        chip=words.chip(report),
        loud=loud,
        folded=folded,
        folded_words=words.folded(folded, first=not loud),
        quality_shown=_QUALITY_SHOWN,
        figures=[(subject, list(rows)) for subject, rows in groupby(report.findings, lambda row: row.subject)],
        figures_open=len(report.findings) <= _FIGURES_OPEN,
        terms=glossary(report),
    )


def render_notebook(report: ComparisonReport) -> str:
    """What a notebook shows for it: the verdict and one line a finding, in the notebook's own colours and type."""
    found, more = words.lines(report)
    drawn = [
        Markup(sparkline(line.distribution, line.column)) if line.distribution is not None else ""  # noqa: S704  drawn by us, its text quoted
        for line in found
    ]
    style = Markup((FOLDER / "notebook.css").read_text(encoding="utf-8"))  # noqa: S704  our own file
    return _render(
        "notebook.html.j2",
        report,
        style=style,
        lines=list(zip(found, drawn, strict=True)),
        more=more,
        drawn_any=any(drawn),
        sizes=words.sizes(report),
    )


def _render(template: str, report: ComparisonReport, **values: object) -> str:
    made = environment("UTC").get_template(template)
    return made.render(report=report, verdict=words.verdict(report), program=report.program, **values)
