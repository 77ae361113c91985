"""A distribution at the size of a word: reference and production overlaid, for a notebook's table.

In: a distribution. Out: a small `<svg>` written by hand, which a notebook shows without starting the chart engine.
Kept: nothing. Its colours stand out on white and on black, since a notebook does not say which it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import quoteattr

from reports import alt_text
from reports.figures import Distribution, NumberDistribution

WIDTH, HEIGHT = 120, 22
REFERENCE, PRODUCTION = "#8a939e", "#2f86cf"


def sparkline(shown: Distribution, name: str) -> str:
    """The distribution as an `<svg>` of 120 by 22 pixels; `name` is for those who do not see it."""
    if isinstance(shown, NumberDistribution):
        body, alt = _numbers(shown), alt_text.numbers(shown, name)
    else:
        body, alt = (
            _bars([(part.reference, part.production) for part in shown.shares]),
            alt_text.categories(shown, name),
        )
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    return f'<svg {size} role="img" aria-label={quoteattr(alt)}>{body}</svg>'


def _numbers(shown: NumberDistribution) -> str:
    low, high = shown.edges[0], shown.edges[-1]
    widths = [right - left for left, right in zip(shown.edges, shown.edges[1:], strict=False)]
    before, after = (
        [part / width for part, width in zip(side, widths, strict=True)] for side in (shown.reference, shown.production)
    )
    top = max(*before, *after) or 1.0
    at = [(edge - low) / (high - low) * WIDTH for edge in shown.edges]
    area = f'<path d="{_steps(at, before, top)}Z" fill="{REFERENCE}" fill-opacity=".55"/>'
    return area + f'<path d="{_steps(at, after, top)}" fill="none" stroke="{PRODUCTION}" stroke-width="1.5"/>'


def _steps(at: Sequence[float], heights: Sequence[float], top: float) -> str:
    floor = HEIGHT - 1
    moves = [f"M{at[0]:.1f} {floor}"]
    for right, height in zip(at[1:], heights, strict=True):
        moves.append(f"V{floor - height / top * (HEIGHT - 3):.1f}H{right:.1f}")
    return "".join([*moves, f"V{floor}"])


def _bars(pairs: Sequence[tuple[float, float]]) -> str:
    if not pairs:
        return ""
    top = max(max(pair) for pair in pairs) or 1.0
    slot = min(WIDTH / len(pairs), 24.0)
    drawn = []
    for position, (before, after) in enumerate(pairs):
        left = position * slot
        drawn.append(_bar(left + slot * 0.1, slot * 0.8, before / top, REFERENCE, ' fill-opacity=".55"'))
        drawn.append(_bar(left + slot * 0.32, slot * 0.36, after / top, PRODUCTION, ""))
    return "".join(drawn)


def _bar(left: float, width: float, part: float, colour: str, more: str) -> str:
    height = part * (HEIGHT - 2)
    place = f'x="{left:.1f}" y="{HEIGHT - height:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {place} fill="{colour}"{more}/>'
