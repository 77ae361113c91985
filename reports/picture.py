"""A chart as a picture: SVG for pages, PNG for mail and Slack. No browser and no network (vl-convert).

In: a `Chart` (a Vega-Lite spec and its description). Out: `to_svg` text to be put into a page, `to_png` bytes.
Kept: nothing; the first call starts vl-convert's engine (about half a second and 80 MB), which stays.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from xml.etree import ElementTree

from reports.theme import COLOURS, INK, PAPER

Spec = dict[str, Any]

_SVG = "http://www.w3.org/2000/svg"
_DROPPED = {"class", "role", "aria-roledescription", "aria-hidden", "aria-label", "pointer-events", "font-family"}
_DEFAULTS = {"opacity": "1", "stroke-width": "1", "x2": "0", "y2": "0", "transform": "translate(0,0)"}
_INHERITED = ("fill", "stroke", "stroke-width", "stroke-dasharray", "font-size", "font-weight", "text-anchor")
_SCHEMED = {colour.light: colour.css for colour in COLOURS}


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

    Every colour of the palette becomes a CSS custom property with the light value to fall back on.
    """
    root = ElementTree.fromstring(_drawn(json.dumps(chart.spec, sort_keys=True)))  # noqa: S314  our own renderer's output, which cannot hold a document type
    _slim(root)
    picture = ElementTree.Element(
        "svg", {"class": "chart", "role": "img", "aria-label": chart.alt, "viewBox": root.attrib["viewBox"]}
    )
    picture.extend(list(root))
    return ElementTree.tostring(picture, encoding="unicode")


@lru_cache(maxsize=256)
def _drawn(spec: str) -> str:
    """A chart is drawn once though it stands in the page and in the whole report; 256 of them are a few megabytes."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]))


def to_png(chart: Chart, scale: float = 2) -> bytes:
    """The chart as PNG bytes, titled, light, on white, `scale` times its size in CSS pixels."""
    import vl_convert

    title = {"text": chart.title, "anchor": "start", "frame": "group", "fontSize": 12, "offset": 10, "color": INK.light}
    size = {"width": chart.spec["width"] + 24, "height": chart.spec["height"] + 48}
    spec = {**chart.spec, **size, "background": PAPER.light, "padding": 12, "title": title}
    return bytes(vl_convert.vegalite_to_png(spec, scale=scale, allowed_base_urls=[]))


def _slim(element: ElementTree.Element) -> None:
    """Drop what a static picture does not need: a chart shrinks to about a third."""
    element.tag = element.tag.removeprefix(f"{{{_SVG}}}")
    for name, value in list(element.attrib.items()):
        if name in _DROPPED or _DEFAULTS.get(name) == value:
            del element.attrib[name]
        elif name in ("d", "transform"):
            element.attrib[name] = re.sub(r"-?\d+\.\d+", _short, value)
        elif value in _SCHEMED:
            element.attrib[name] = _SCHEMED[value]
    for child in list(element):
        _slim(child)
        if _invisible(child):
            element.remove(child)
    if element.tag == "g":
        _unwrap(element)
        _hoist(element)


def _short(match: re.Match[str]) -> str:
    return f"{float(match.group()):.1f}".removesuffix(".0")


def _invisible(element: ElementTree.Element) -> bool:
    if element.tag == "g":
        return len(element) == 0
    if element.get("fill") == "transparent" and "stroke" not in element.attrib:
        return True
    if element.tag == "path":
        painted = element.get("fill", "none") != "none" or "stroke" in element.attrib
        return not element.get("d") or element.get("display") == "none" or not painted
    return element.tag == "text" and not (element.text or "").strip()


def _hoist(group: ElementTree.Element) -> None:
    """Say once, on the group, what all its children say; only what children inherit."""
    if len(group) < 2:
        return
    for name in _INHERITED:
        values = {child.get(name) for child in group}
        if len(values) == 1 and (value := values.pop()) is not None:
            group.set(name, value)
            for child in group:
                del child.attrib[name]


def _unwrap(group: ElementTree.Element) -> None:
    """Lift the children of groups that say nothing."""
    children: list[ElementTree.Element] = []
    for child in group:
        children.extend(list(child) if child.tag == "g" and not child.attrib else [child])
    group[:] = children
