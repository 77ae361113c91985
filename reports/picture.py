"""A chart as a picture for pages: SVG (`drawing.py`). `sheet.py` makes those for mail and Slack. No browser or network.

In: a `Chart` (a Vega-Lite spec and its description). Out: `to_svg` text to be put into a page. Kept: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import quoteattr

from reports.drawing import draw

Spec = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Chart:
    """A Vega-Lite spec in the light scheme's colours, its title, and what it shows for those who do not see it.

    The title is drawn in mail and Slack alone: a page has its own words beside the picture.
    """

    spec: Spec
    title: str
    alt: str


def to_svg(chart: Chart) -> str:
    """The chart as an `<svg>` element for an HTML page: both colour schemes, the page's font, no ids, no links.

    Every colour of the palette becomes a CSS custom property with the light value to fall back on. Raises ReportError
    for a mark that `drawing.py` does not draw.
    """
    size = f"0 0 {chart.spec['width']} {chart.spec['height']}"
    return f'<svg class="chart" role="img" aria-label={quoteattr(chart.alt)} viewBox="{size}">{draw(chart.spec)}</svg>'
