"""What of a model is drawn, folded away or left to the tables.

In: a `ModelPage`. Out: parts of it, in the order shown. Kept: nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from reports.chart_parts import LABEL
from reports.context import (
    Aspect,
    CategoryDistribution,
    Distribution,
    FeatureDrift,
    Figure,
    FindingRow,
    ModelPage,
    QualityRow,
    State,
    Verdict,
)
from reports.incident import IncidentPage
from reports.links import slug
from reports.wording import plain

DRAWN_LOUD = 12  # features over their threshold that are shown at once
DRAWN = 50  # features drawn at all; the others stand in the appendix
WHOLE_MODELS = 10  # models told in full in a report of one file
WHOLE_DRAWN = 60  # features drawn in it, all its models together


def sections(page: ModelPage) -> set[str]:
    """The aspects that have a section of their own on the page, so that the health strip can lead there."""
    present = {
        Aspect.QUALITY: page.quality,
        Aspect.DRIFT: page.features,
        Aspect.PREDICTION: page.predictions,
        Aspect.PERFORMANCE: page.performance,
        Aspect.BUSINESS: page.business,
        Aspect.VOLUME: page.volume and page.volume.points,
    }
    return {aspect.value for aspect, there in present.items() if there}


def most_urgent(models: Sequence[ModelPage]) -> list[ModelPage]:
    """The models told in full in a report of one file: the most urgent, few enough for a mail's attachment."""
    order = list(Verdict)
    return sorted(models, key=lambda model: order.index(model.verdict))[:WHOLE_MODELS]


def digest_part(page: ModelPage) -> ModelPage:
    """A page without what only the model's own page shows: small enough to hold a thousand of."""
    return replace(
        page, why=None, features=(), heat=None, predictions=(), performance=(), business=(), segments=(), quality=(),
        volume=None, version_comparison=None, findings=(), deep_dive=None,
    )  # fmt: skip


def split_features(page: ModelPage, most: int = DRAWN) -> tuple[list[FeatureDrift], list[FeatureDrift]]:
    """The features shown at once, and those folded away; together at most `most`."""
    drawn = page.features[:most]
    loud = [
        position
        for position, feature in enumerate(drawn)
        if any(figure.state in (State.BREACH, State.WATCH) for figure in feature.figures)
    ][:DRAWN_LOUD]
    return [drawn[position] for position in loud], [f for position, f in enumerate(drawn) if position not in loud]


def places(page: ModelPage, most: int = DRAWN) -> dict[str, str]:
    """Where on the page each subject's evidence stands: the id, without the page's prefix, by the subject's name."""
    drawn = [feature for features in split_features(page, most) for feature in features]
    found = {feature.name: f"f-{slug(feature.name)}" for feature in drawn}
    for panel in page.predictions:
        found.setdefault(panel.name, f"p-{slug(panel.name)}")
    for row in page.quality:
        found.setdefault(row.subject, f"q-{slug(row.subject)}")
    for section, there in (("performance", page.performance), ("business", page.business)):
        for series in there:
            found.setdefault(series.metric, section)
    if page.volume is not None and page.volume.points:
        found.setdefault("rows", "volume")
    return found


def incident_places(page: IncidentPage) -> dict[str, str]:
    """The same of an incident's page."""
    found = {feature.name: f"f-{slug(feature.name)}" for feature in page.evidence}
    for section, there in (("performance", page.performance), ("business", page.business)):
        found.update({series.metric: section for series in there})
    if page.volume is not None and page.volume.points:
        found.setdefault("rows", "volume")
    return found


def first_of(rows: Sequence[QualityRow], place: Mapping[str, str]) -> list[tuple[QualityRow, str | None]]:
    """Each row with the id it carries: a subject's first row only, and only where its evidence is this row."""
    seen: set[str] = set()
    found = []
    for row in rows:
        here = place.get(row.subject, "")
        found.append((row, here if here.startswith("q-") and here not in seen else None))
        seen.add(here)
    return found


def feature_table(page: ModelPage, drawn: int) -> list[tuple[str, Figure, float | None]]:
    """Every watched feature with its strongest figure and that as a multiple of its limit, strongest first.

    Empty where all of them are drawn: the table would say nothing new.
    """
    if page.features_total <= drawn:
        return []
    together = {figure.statistic for figure in page.together}
    strongest: dict[str, tuple[Figure, float | None]] = {}
    for row in page.findings:
        if row.kind != "feature" or row.segment is not None or row.figure.statistic in together:
            continue
        ratio = times_limit(row.figure)
        if row.subject not in strongest or (ratio or 0.0) > (strongest[row.subject][1] or 0.0):
            strongest[row.subject] = row.figure, ratio
    table = [(name, *found) for name, found in strongest.items()]
    return sorted(table, key=lambda row: (row[1].state is not State.BREACH, -(row[2] or 0.0), row[0]))


def times_limit(figure: Figure) -> float | None:
    """A figure's size as a multiple of its limit; None where it was not judged."""
    size = figure.value if figure.effect is None else figure.effect
    if figure.state is State.INSUFFICIENT or size is None or not figure.threshold:
        return None
    return abs(size) / abs(figure.threshold)


def appendix(page: ModelPage) -> tuple[Figure, list[tuple[FindingRow, bool]]]:
    """A figure of the commonest window, and every finding with whether it is of another one."""
    windows = Counter((row.figure.period, row.figure.rows) for row in page.findings)
    usual = windows.most_common(1)[0][0]
    first = next(row.figure for row in page.findings if (row.figure.period, row.figure.rows) == usual)
    return first, [(row, (row.figure.period, row.figure.rows) != usual) for row in page.findings]


def cut_labels(shown: Distribution) -> list[str]:
    """The category names a chart has no room for."""
    if not isinstance(shown, CategoryDistribution):
        return []
    return [part.label for part in shown.shares if plain(part.label, LABEL) != part.label]
