"""A chart as a picture: SVG for pages (`drawing.py`), PNG for mail and Slack (vl-convert). No browser, no network.

In: a `Chart` (a Vega-Lite spec and its description). Out: `to_svg` text to be put into a page, `to_png` bytes.
Kept: nothing; the first PNG starts vl-convert's engine (about half a second and 80 MB), which stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import quoteattr

from reports.drawing import draw
from reports.theme import INK, PAPER

Spec = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Chart:
    """A Vega-Lite spec in the light scheme's colours, its title, and what it shows for those who do not see it.

    The title is drawn on PNGs alone: a page has its own words beside the picture.
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


def to_png(chart: Chart, scale: float = 2) -> bytes:
    """The chart as PNG bytes, titled, light, on white, `scale` times its size in CSS pixels."""
    import vl_convert

    title = {"text": chart.title, "anchor": "start", "frame": "group", "fontSize": 12, "offset": 10, "color": INK.light}
    size = {"width": chart.spec["width"] + 24, "height": chart.spec["height"] + 48}
    spec = {**chart.spec, **size, "background": PAPER.light, "padding": 12, "title": title}
    return bytes(vl_convert.vegalite_to_png(spec, scale=scale, allowed_base_urls=[]))
