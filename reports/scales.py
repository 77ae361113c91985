"""The scales and axes of our charts: where a value stands, which ticks an axis has, how they are written, how wide.

In: the scale and axis parts of a Vega-Lite encoding, as `charts.py` writes them. Out: positions in CSS pixels, ticks,
labels. Kept: nothing. Ticks are chosen and written as d3 does, so that pictures drawn here and by Vega agree.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from reports.errors import ReportError

FONT_SIZE = 11
# Advance widths of Helvetica (and so of Arial and Liberation Sans), in thousandths of the font size, from space on.
_WIDTHS = (
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
    260, 334, 584,
)  # fmt: skip


def text_width(text: str) -> float:
    """How wide `text` is in the charts' font, CSS pixels; what Helvetica does not tell counts as a wide letter."""
    return sum(_WIDTHS[code] if 0 <= (code := ord(one) - 32) < len(_WIDTHS) else 700 for one in text) * FONT_SIZE / 1000


def cut_to(text: str, width: float) -> str:
    """`text`, cut with an ellipsis where it is wider than `width` CSS pixels."""
    if text_width(text) <= width:
        return text
    while text and text_width(text + "…") > width:
        text = text[:-1]
    return text.rstrip() + "…"


@dataclass(frozen=True, slots=True)
class Linear:
    """Numbers and times: `[low, high]` onto `[start, end]` pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


@dataclass(frozen=True, slots=True)
class Band:
    """Names: each has a band of `width` pixels, with room between them."""

    places: dict[str, float]
    width: float

    def __call__(self, value: str) -> float:
        """The middle of the name's band."""
        return self.places[value] + self.width / 2


def linear(low: float, high: float, start: float, end: float) -> Linear:
    """A scale over `[low, high]`, widened where both are the same."""
    return Linear(low, high if high > low else low + 1.0, start, end)


def band(names: Sequence[str], length: float, inner: float, outer: float) -> Band:
    """A scale over `names` along `length` pixels; `inner` and `outer` are the gaps, as shares of a step."""
    step = length / max(1.0, len(names) - inner + 2 * outer)
    return Band({name: (outer + position) * step for position, name in enumerate(names)}, step * (1 - inner))


def ticks(low: float, high: float, count: int) -> list[float]:
    """About `count` round values from `low` to `high`: multiples of 1, 2 or 5 times a power of ten."""
    if not high > low:
        return [low]
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    error = raw / power
    step = power * (
        10 if error >= math.sqrt(50) else 5 if error >= math.sqrt(10) else 2 if error >= math.sqrt(2) else 1
    )
    return [step * at for at in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def labels(values: Sequence[float], form: str | None) -> list[str]:
    """`values` of one axis as d3's format `form` writes them; None: with as many decimals as their step needs."""
    if form is None:
        step = values[1] - values[0] if len(values) > 1 else 1.0
        places = max(0, -math.floor(math.log10(step) + 1e-9))
        return [_signed(f"{value:,.{places}f}") for value in values]
    if form not in _FORMS:
        raise ReportError(f"charts are not drawn with the number format {form!r}")
    return [_signed(_FORMS[form](value)) for value in values]


def moments(values: Sequence[float], form: str) -> list[str]:
    """Wall-clock milliseconds as `%-d %b` or `%H:%M`."""
    local = [datetime.fromtimestamp(value / 1000, UTC) for value in values]
    if form == "%-d %b":
        return [f"{moment.day} {moment:%b}" for moment in local]
    return [f"{moment:{form}}" for moment in local]


def _signed(text: str) -> str:
    return text.replace("-", "−")


def _short(value: float) -> str:
    """Six significant digits, no zeros at the end."""
    text = f"{value:.6g}"
    return "0" if text == "-0" else text


def _percent(value: float) -> str:
    return f"{_short(round(100 * value, 6))}%"


def _metric(value: float) -> str:
    """With a unit prefix: 20k, 1.5M."""
    if value == 0:
        return "0"
    power = min(4, max(-4, math.floor(math.log10(abs(value)) / 3 + 1e-9)))
    return _short(value / 1000.0**power) + ("p", "n", "µ", "m", "", "k", "M", "G", "T")[power + 4]


_FORMS: dict[str, Callable[[float], str]] = {
    "~g": _short,
    "~%": _percent,
    "~s": _metric,
    ",.0f": lambda value: f"{value:,.0f}",
}
