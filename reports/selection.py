"""What of a model is drawn, folded away or left to the tables.

In: a `ModelPage`. Out: parts of it, in the order shown. Kept: nothing.
"""

from __future__ import annotations

from reports.charts import LABEL
from reports.context import (
    Aspect,
    CategoryDistribution,
    Distribution,
    FeatureDrift,
    ModelPage,
    ReportContext,
    State,
    Verdict,
)
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
        Aspect.VOLUME: page.volume and page.volume.points,
    }
    return {aspect.value for aspect, there in present.items() if there}


def whole_models(context: ReportContext) -> tuple[ModelPage, ...]:
    """The models told in full in a report of one file: the most urgent, few enough for a mail's attachment."""
    urgent = [model for verdict in Verdict for model in context.by_verdict(verdict)]
    return tuple(urgent[:WHOLE_MODELS])


def split_features(page: ModelPage, most: int = DRAWN) -> tuple[list[FeatureDrift], list[FeatureDrift]]:
    """The features shown at once, and those folded away; together at most `most`."""
    drawn = page.features[:most]
    loud = [
        position
        for position, feature in enumerate(drawn)
        if any(figure.state in (State.BREACH, State.WATCH) for figure in feature.figures)
    ][:DRAWN_LOUD]
    return [drawn[position] for position in loud], [f for position, f in enumerate(drawn) if position not in loud]


def cut_labels(shown: Distribution) -> list[str]:
    """The category names a chart has no room for."""
    if not isinstance(shown, CategoryDistribution):
        return []
    return [part.label for part in shown.shares if plain(part.label, LABEL) != part.label]
