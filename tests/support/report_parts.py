"""A model page with every part that is optional: estimates, business, segments, reasons, two versions, heat map."""

from __future__ import annotations

from dataclasses import replace

from reports.context import (
    Absent,
    Contribution,
    Figure,
    HeatMap,
    HeatRow,
    ModelPage,
    PerformancePoint,
    SegmentRow,
    State,
    VersionComparison,
    VersionRow,
    Why,
)
from tests.support.report_context import WEEK, day_of, flight_delay, performance


def heat(names: tuple[str, ...] = ("temp", "dep_hour", "humidity"), days: int = 56) -> HeatMap:
    ratios = [tuple(None if d == 3 else 0.3 + 2.2 * (d > 30 + 6 * n) * (n < 4) for d in range(days)) for n in range(60)]
    return HeatMap(
        tuple(day_of(index, days) for index in range(days)),
        tuple(HeatRow(name, ratios[at]) for at, name in enumerate(names)),
    )


def why(subjects: tuple[str, ...] = ("temp", "humidity", "carrier")) -> Why:
    return Why(
        "Three quarters of the change in the mean score is attributed to temp",
        ("temp and dewp moved together", "The share of carrier 9E fell in origin = LGA"),
        "mean score",
        "share",
        0.031,
        0.002,
        tuple(
            Contribution(name, 0.024 - 0.013 * at, 0.01, 0.03, f"{name} was low before")
            for at, name in enumerate(subjects)
        ),
        "Interventional Shapley differences of a surrogate fitted on the reference, which explains 81% of the score",
    )


def full() -> ModelPage:
    """The model that needs its owner, with all that can be known about it."""
    realised = performance("AUC", 0.68, 0.07, 0.63)
    estimated = tuple(
        PerformancePoint(point.period, 0.66, 0.63, 0.69, 0, point.predictions, State.OK) for point in realised.points
    )
    quiet = Figure("KS", 0.04, 0.1, State.OK, "7d", WEEK, 2_000)
    return replace(
        flight_delay(),
        subjects=("temp", "AUC", "engine", "no such column"),
        why=why(),
        together=(Figure("domain classifier", 0.71, 0.65, State.BREACH, "7d", WEEK, 5_986),),
        heat=heat(),
        performance=(
            replace(realised, estimated=estimated, note="Estimated from the scores; concept drift is not seen"),
        ),
        business=(performance("revenue per prediction", 3.1, 0.0, 2.5, 12),),
        segments=(
            SegmentRow(
                "origin = LGA",
                2_000,
                0.3,
                0.36,
                "temp",
                replace(quiet, value=0.4, state=State.BREACH),
                State.BREACH,
                "most of it is here",
            ),
            SegmentRow("origin = JFK", 2_100, 0.33, 0.31, "temp", quiet, State.OK),
        ),
        version_comparison=VersionComparison(
            "2013.1",
            "2013.2",
            WEEK,
            (VersionRow("AUC", 0.66, 0.61, state=State.BREACH), VersionRow("mean score", 0.21, 0.24, "share")),
        ),
        absent=(Absent("Outcome by region", "no label carries a region"),),
    )
