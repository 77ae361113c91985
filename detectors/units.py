"""The conversions between units that happen to columns by mistake.

In: nothing. Out: `CONVERSIONS`: production = factor x reference + offset. Kept: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Conversion:
    """`factor` x value + `offset`, and what that usually is, in words ("°F to °C")."""

    factor: float
    offset: float
    words: str


def _both(factor: float, there: str, back: str) -> tuple[Conversion, Conversion]:
    return Conversion(factor, 0.0, there), Conversion(1.0 / factor, 0.0, back)


CONVERSIONS: tuple[Conversion, ...] = (
    Conversion(5.0 / 9.0, -160.0 / 9.0, "°F to °C"),
    Conversion(1.8, 32.0, "°C to °F"),
    Conversion(1.0, 273.15, "°C to K"),
    Conversion(1.0, -273.15, "K to °C"),
    Conversion(5.0 / 9.0, 273.15 - 160.0 / 9.0, "°F to K"),
    Conversion(1.8, 32.0 - 1.8 * 273.15, "K to °F"),
    *_both(1.609344, "miles to km", "km to miles"),
    *_both(2.2046226218, "kg to lb", "lb to kg"),
    *_both(2.54, "inches to cm", "cm to inches"),
    *_both(3.280839895, "m to feet", "feet to m"),
    *_both(3.6, "m/s to km/h", "km/h to m/s"),
    *_both(60.0, "hours to minutes, or minutes to seconds", "minutes to hours, or seconds to minutes"),
    *_both(100.0, "fractions to percent", "percent to fractions"),
    *_both(1000.0, "a thousand times, such as s to ms", "a thousandth, such as ms to s"),
    *_both(1e6, "a million times, such as s to µs", "a millionth, such as µs to s"),
    Conversion(-1.0, 0.0, "the sign is flipped"),
)
