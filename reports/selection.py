"""What of a model is drawn, folded away or left to the tables.

In: a `ModelPage`. Out: parts of it, in the order shown. Kept: nothing.
"""

from __future__ import annotations

from reports.charts import LABEL
from reports.context import Aspect, CategoryDistribution, Distribution, FeatureDrift, ModelPage, State
from reports.wording import plain

DRAWN_LOUD = 12  # features over their threshold that are shown at once
DRAWN = 50  # features drawn at all; the others stand in the appendix


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


def split_features(page: ModelPage) -> tuple[list[FeatureDrift], list[FeatureDrift]]:
    """The features shown at once, and those folded away; together at most `DRAWN`."""
    drawn = page.features[:DRAWN]
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
