"""The look charts and pages share: colours for light and dark, the charts' type.

In: nothing. Out: `Colour` values, the charts' Vega-Lite config, CSS custom properties of both schemes. Kept: nothing.

Blue, purple, vermilion, amber and green are Okabe and Ito's (2008) hues, told apart by every common form of colour
blindness, darkened or lightened until text in them has a contrast of at least 4.5 to 1 on the page. Nothing is said by
colour alone: states have their own shapes and words, the reference is an area and production a line.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Colour:
    """One role: its CSS custom property and its value in both schemes."""

    name: str
    light: str
    dark: str

    @property
    def css(self) -> str:
        """The value a page uses, right without the page's style sheet too."""
        return f"var({self.name},{self.light})"


PAPER = Colour("--paper", "#ffffff", "#15181c")
RAISED = Colour("--raised", "#f6f7f8", "#1c2025")
INK = Colour("--ink", "#1a1e24", "#e7e9ec")
MUTED = Colour("--muted", "#5b6470", "#9ea7b2")
LINE = Colour("--line", "#e1e4e8", "#2e343b")
REFERENCE = Colour("--reference", "#a3abb5", "#68727e")
PRODUCTION = Colour("--production", "#0b69ad", "#5fb0ee")
ESTIMATE = Colour("--estimate", "#8f4279", "#d795c1")
BREACH = Colour("--breach", "#bd4a06", "#f58b4e")
WATCH = Colour("--watch", "#8a6300", "#e2b04a")
OK = Colour("--ok", "#0c7a5a", "#4cc3a0")

COLOURS = (PAPER, RAISED, INK, MUTED, LINE, REFERENCE, PRODUCTION, ESTIMATE, BREACH, WATCH, OK)

FONT = "Liberation Sans"  # comes with vl-convert, so text is measured alike on a machine without fonts


def properties(scheme: str) -> str:
    """CSS declarations of every colour for `scheme`, "light" or "dark"."""
    return " ".join(f"{c.name}: {c.light if scheme == 'light' else c.dark};" for c in COLOURS)


CONFIG: dict[str, object] = {
    "aria": False,  # a chart has one description, on the picture as a whole
    "background": "transparent",
    "font": FONT,
    "padding": {"left": 0, "right": 2, "top": 2, "bottom": 0},
    "view": {"stroke": None},
    "axis": {
        "domain": False,
        "grid": False,
        "labelColor": MUTED.light,
        "labelFontSize": 11,
        "labelPadding": 6,
        "tickColor": LINE.light,
        "tickSize": 4,
        "ticks": False,
        "title": None,
    },
    "axisX": {"domain": True, "domainColor": REFERENCE.light, "labelFlush": False, "labelOverlap": True, "ticks": True},
    "axisY": {"grid": True, "gridColor": LINE.light, "tickCount": 3},
    "text": {"color": MUTED.light, "fontSize": 11, "font": FONT},
    "legend": {"disable": True},
}
