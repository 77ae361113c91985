"""What a baseline's days teach of the whole and of each segment, and how they share the budget.

In: the baseline's grid, its days' profiles, a budget. Out: a frozen `LearnedParts`, which goes to bytes and back.
Kept: nothing.

What happens to one segment alone moves the whole by its share only, while the whole's days differ for other reasons.
The whole keeps half of the budget, all segments together have the other half: a threshold hardly rises for that.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from detectors.calibration import Calibration, Day
from detectors.grid import Grid
from detectors.result import DetectorError

_WHOLE = 0.5
_NAME = "whole"


@dataclass(frozen=True, eq=False)
class LearnedParts:
    """`whole`, and `segments` by their place in the grid's `segment_labels`; each with its part of the budget."""

    whole: Calibration
    segments: Mapping[int, Calibration]

    @classmethod
    def learn(cls, grid: Grid, days: Sequence[Day], budget: float, least_rows: float = 0.0) -> LearnedParts:
        """Learn the whole, and each segment of at least `least_rows` rows a day on average and enough days.

        Raises DetectorError as `Calibration.learn` does for the whole.
        """
        whole = Calibration.learn(grid, days, budget)
        segments: dict[int, Calibration] = {}
        for place in range(len(grid.segment_labels)):
            parts = [(day, profile.segment(place)) for day, profile in days]
            if sum(profile.rows for _, profile in parts) < max(least_rows, 1.0) * len(parts):
                continue
            try:
                segments[place] = Calibration.learn(grid.coarse, parts, budget)
            except DetectorError:
                continue  # too few days have rows of it
        return cls(whole, segments).within(budget)

    def each(self) -> list[tuple[int | None, Calibration]]:
        """The calibration of the whole (None) and then of each segment, by its place."""
        return [(None, self.whole), *self.segments.items()]

    def within(self, budget: float) -> LearnedParts:
        """The same under another budget, false incidents in 30 days."""
        if not self.segments:
            return replace(self, whole=replace(self.whole, budget=budget))
        each = budget * (1.0 - _WHOLE) / len(self.segments)
        segments = {place: replace(one, budget=each) for place, one in self.segments.items()}
        return LearnedParts(replace(self.whole, budget=budget * _WHOLE), segments)

    def to_bytes(self) -> bytes:
        """Bytes for `from_bytes`: a file for the whole and one a segment."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as file:
            file.writestr(_NAME, self.whole.to_bytes())
            for place, one in self.segments.items():
                file.writestr(str(place), one.to_bytes())
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> LearnedParts:
        """What `to_bytes` wrote. Raises DetectorError for damaged bytes or those of another version."""
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as file:
                parts = {name: Calibration.from_bytes(file.read(name)) for name in file.namelist()}
            whole = parts.pop(_NAME)
            return cls(whole, {int(name): one for name, one in parts.items()})
        except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
            if isinstance(error, DetectorError):
                raise
            raise DetectorError("stored calibration is damaged") from error
