"""A comparison in words: its verdict in a sentence, what stands out line by line, the whole as text for a terminal.

In: a `ComparisonReport`. Out: plain text, not yet escaped. Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.comparison import ComparisonReport
from reports.context import Distribution, FeatureDrift, QualityRow, State
from reports.wording import count, measured, plain, plural, share

NAME = 40  # characters of a column's name in a sentence or a terminal
MOST_LINES = 20


@dataclass(frozen=True, slots=True)
class Line:
    """One column's most telling figure: of its data quality, or of its drift (then with what may be drawn)."""

    column: str
    check: str
    value: str
    limit: str
    change: str
    distribution: Distribution | None = None


def chip(report: ComparisonReport) -> str:
    """The verdict in two words, after the mark of its state."""
    if report.state is State.INSUFFICIENT:
        return "Too little data"
    if report.broken:
        return "Data quality" + (" and drift" if report.drifted else "")
    return "Drift" if report.drifted else "No drift"


def verdict(report: ComparisonReport) -> str:
    """The verdict in a sentence or two: broken data first, then how many columns drifted and which most."""
    sizes = f"{plural(report.production.rows, 'row')} in production, {count(report.reference.rows)} in the reference"
    if report.state is State.INSUFFICIENT:
        few = min(report.production.rows, report.reference.rows) < report.minimum_rows
        needed = f"; {count(report.minimum_rows)} are needed on both sides" if few else ""
        return f"Too little data to judge: {sizes}{needed}."
    said = []
    columns = plural(report.columns, "column")
    if report.broken:
        failed, first = {row.subject for row in report.broken}, report.broken[0]
        which = "first of all " if len(failed) > 1 else ""
        said.append(
            f"Data quality fails in {count(len(failed))} of {columns}: {which}{plain(first.subject, NAME)} "
            f"({first.check} {_rates(first)})."
        )
    if report.drifted:
        moved = plural(len(report.drifted), "column") if report.broken else f"{count(len(report.drifted))} of {columns}"
        most = "most of all " if len(report.drifted) > 1 else ""
        said.append(f"{moved} drifted{',' if most else ':'} {most}{_most(report.drifted[0])}.")
    elif not report.broken:
        said.append(_in_order(report, columns))
    elif any(figure.state is State.OK for feature in report.features for figure in feature.figures):
        said.append("No column drifted.")
    if report.unjudged:
        said.append(f"{plural(len(report.unjudged), 'column')} had too little data to judge.")
    return " ".join(said)


def folded(features: Sequence[FeatureDrift], first: bool) -> str:
    """The line that columns are folded behind; `first`: none are shown above it."""
    states = {figure.state for feature in features for figure in feature.figures}
    drifted = sum(feature.figures[0].state is State.BREACH for feature in features)
    how = f"{count(drifted)} of them drifted" if drifted else "not drifted" if State.OK in states else "not judged"
    return f"{plural(len(features), 'column' if first else 'more column')}, {how}"


def sizes(report: ComparisonReport) -> str:
    """Both tables with their rows, in a line."""
    sides = (report.reference, "reference"), (report.production, "production")
    return " · ".join(f"{plain(side.name or part, NAME)} {plural(side.rows, 'row')}" for side, part in sides)


def lines(report: ComparisonReport, most: int = MOST_LINES) -> tuple[list[Line], int]:
    """What stands out, in reading order (failed data quality, drifted columns by effect), and how many are left out.

    Failed data quality takes no more than half of `most` where drift needs the other half.
    """
    failed = report.broken[: max(most // 2, most - len(report.drifted))]
    drifted = report.drifted[: most - len(failed)]
    found = [Line(row.subject, row.check, share(row.production), share(row.threshold), _rates(row)) for row in failed]
    for feature in drifted:
        figure = feature.figures[0]
        value, limit = measured(figure.value, figure.unit), measured(figure.threshold, figure.unit, limit=True)
        found.append(Line(feature.name, figure.statistic, value, limit, feature.summary, feature.distribution))
    return found, len(report.broken) + len(report.drifted) - len(found)


def text(report: ComparisonReport) -> str:
    """The verdict, the tables' sizes and what stands out, as aligned lines of plain text."""
    found, more = lines(report)
    said = [verdict(report), sizes(report)]
    if found:
        heads = ("column", "check", "value", "limit", "reference → production")
        cells = [(plain(one.column, NAME), one.check, one.value, one.limit, plain(one.change, 80)) for one in found]
        said += ["", *_aligned([heads, *cells])]
    if more:
        said.append(f"and {count(more)} more")
    return "\n".join(said)


def _rates(row: QualityRow) -> str:
    return f"{share(row.reference)} → {share(row.production)}"


def _most(feature: FeatureDrift) -> str:
    figure = feature.figures[0]
    # A private column's summary says that there is none: not what a sentence is for.
    change = f", {plain(feature.summary, 80)}" if feature.distribution is not None and feature.summary else ""
    return f"{plain(feature.name, NAME)} ({figure.statistic} {measured(figure.value, figure.unit)}{change})"


def _in_order(report: ComparisonReport, columns: str) -> str:
    judged = [f for f in report.features if f.figures[0].state is State.OK and f.figures[0].value]
    said = f"None of {columns} drifted" if report.columns != 1 else "The one column did not drift"
    if not judged:
        return f"{said}."
    figure = judged[0].figures[0]
    value, limit = measured(figure.value, figure.unit), measured(figure.threshold, figure.unit, limit=True)
    return f"{said}; closest to its limit is {plain(judged[0].name, NAME)} ({figure.statistic} {value} of {limit})."


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    right = {2, 3}
    return [
        "  ".join(
            cell.rjust(widths[at]) if at in right else cell.ljust(widths[at]) for at, cell in enumerate(row)
        ).rstrip()
        for row in rows
    ]
