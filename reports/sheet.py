"""Charts below each other as one picture for mail and chat: an SVG of its own, and PNG bytes made of it elsewhere.

In: `Chart`s. Out: a `Sheet`; its PNG. Kept: nothing. vl-convert draws text with the fonts it brings along; it is loaded
in a short-lived process, whose memory goes with it (`python -m reports.sheet`: SVGs as JSON in, PNGs out).
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from reports.drawing import draw
from reports.errors import ReportError
from reports.picture import Chart
from reports.scales import cut_to
from reports.theme import FONT, INK, PAPER

_PAD, _TITLE, _GAP = 14, 24, 16
_SCALE = 2
_INHERITED = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "LD_LIBRARY_PATH")  # the child sees no secret of the daemon's
# Outside a page there are no style sheets: what a custom property falls back on is the light scheme's colour.
_PROPERTY = re.compile(r"var\(--[a-z]+,(#[0-9a-f]{6})\)")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A picture yet to be made: SVG of `width` x `height` CSS pixels, and what it shows in words."""

    svg: str
    width: int
    height: int
    alt: str


def sheet(charts: Sequence[Chart]) -> Sheet:
    """The charts below each other, each under its title, light, on white."""
    width = 2 * _PAD + max(int(chart.spec["width"]) for chart in charts)
    parts, y = [], _PAD
    for chart in charts:
        title = escape(cut_to(chart.title, width - 2 * _PAD))
        look = f'font-size="11" font-weight="bold" fill="{INK.light}"'
        parts.append(f'<text x="{_PAD}" y="{y + 11}" {look}>{title}</text>')
        parts.append(f'<g transform="translate({_PAD} {y + _TITLE})">{draw(chart.spec)}</g>')
        y += _TITLE + int(chart.spec["height"]) + _GAP
    height = y - _GAP + _PAD
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="{FONT}">'
        f'<rect width="{width}" height="{height}" fill="{PAPER.light}"/>{"".join(parts)}</svg>'
    )
    return Sheet(_PROPERTY.sub(r"\1", svg), width, height, " ".join(chart.alt for chart in charts))


def to_png(svg: str) -> bytes:
    """The picture, twice as many pixels a side as CSS has. Loads vl-convert."""
    import vl_convert

    return bytes(vl_convert.svg_to_png(svg, scale=_SCALE))


def pngs_of(svgs: Sequence[str], timeout: float) -> list[bytes]:
    """PNGs of these pictures, made by a process of their own within `timeout` seconds. Raises ReportError."""
    environment = {key: os.environ[key] for key in _INHERITED if key in os.environ}
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent)
    command = [sys.executable, "-m", "reports.sheet"]
    given = json.dumps(list(svgs))
    try:
        done = subprocess.run(  # noqa: S603  our own module, no shell
            command, env=environment, input=given, timeout=timeout, capture_output=True, text=True, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ReportError(f"charts took longer than {timeout:g} s to draw") from error
    if done.returncode != 0:
        last = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), f"exit {done.returncode}")
        raise ReportError(f"charts could not be drawn: {last[:200]}")
    return [base64.b64decode(one) for one in json.loads(done.stdout)]


def _main() -> None:
    made = [base64.b64encode(to_png(svg)).decode() for svg in json.load(sys.stdin)]
    json.dump(made, sys.stdout)


if __name__ == "__main__":
    _main()
