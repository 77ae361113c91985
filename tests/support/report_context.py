"""Report contexts as a monitor would fill them: a week with models in every state, hostile names included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from reports.context import (
    AlarmCounts,
    Aspect,
    CategoryDistribution,
    Change,
    Coverage,
    DeepDiveLink,
    FeatureDrift,
    Figure,
    FindingRow,
    Gap,
    HealthRow,
    IncidentMark,
    IncidentRecord,
    ModelPage,
    NumberDistribution,
    PerformancePoint,
    PerformanceSeries,
    Period,
    PredictionPanel,
    QualityRow,
    ReportContext,
    SampleCheck,
    Series,
    SeriesPoint,
    Share,
    State,
    TimelineEntry,
    Verdict,
    VersionSpan,
    VolumePoint,
    VolumeSeries,
)

DAY = timedelta(days=1)
END = datetime(2013, 5, 6, 4, tzinfo=UTC)  # midnight in New York
WEEK = Period(END - 7 * DAY, END)
HOSTILE = (
    '<script>document.title="owned"</script>',
    "</svg></style><img src=x onerror=alert(1)>",
    "line one\nline two\r\n\tline three",
    "very_long_" * 40,
    "=HYPERLINK(http://evil.example)",
    "\u202egnp.exe & 'quotes' \"double\" {{ 7*7 }} {% raw %}",
)
NUMBERS = (
    ("dep_hour", 13.2, 4.6),
    ("temp", 39.0, 9.0),
    ("humidity", 62.0, 18.0),
    ("wind_speed", 11.2, 5.5),
    ("visibility", 9.1, 2.0),
    ("distance", 1040.0, 730.0),
    ("plane_age", 11.0, 6.0),
    ("seats", 137.0, 68.0),
    ("precip", 0.01, 0.03),
    ("pressure", 1018.0, 7.4),
    ("wind_dir", 202.0, 105.0),
    ("dewp", 25.0, 15.0),
)
CATEGORIES = (
    ("carrier", ("UA", "B6", "EV", "DL", "AA", "MQ", "US", "9 more")),
    ("origin", ("EWR", "JFK", "LGA")),
    ("dest", ("ATL", "ORD", "LAX", "BOS", "MCO", "CLT", "SFO", "98 more")),
    ("engine", ("Turbo-fan", "Turbo-jet", "unseen")),
)


def day_of(index: int, days: int = 56) -> Period:
    """The `index`-th of the `days` days before the report's end."""
    start = END - (days - index) * DAY
    return Period(start, start + DAY)


def number_distribution(mean: float, sd: float, shift: float, seed: int) -> NumberDistribution:
    rng = np.random.default_rng(seed)
    reference = rng.normal(mean, sd, 20_000)
    production = rng.normal(mean + shift * sd, sd * (1 + 0.1 * shift), 5_000)
    low, high = np.quantile(reference, [0.002, 0.998])
    edges = np.linspace(low, high, 31)
    r, p = np.histogram(reference, edges)[0] / 20_000, np.histogram(production, edges)[0] / 5_000
    outside = tuple(
        Share(label, float(np.mean(there(reference))), float(np.mean(there(production))))
        for label, there in ((f"above {high:.3g}", lambda x: x > high), (f"below {low:.3g}", lambda x: x < low))
    )
    return NumberDistribution(tuple(edges.tolist()), tuple(r.tolist()), tuple(p.tolist()), outside)


def category_distribution(labels: Sequence[str], shift: float, seed: int) -> CategoryDistribution:
    rng = np.random.default_rng(seed)
    reference = np.sort(rng.dirichlet(np.full(len(labels), 3.0)))[::-1]
    production = reference * np.exp(rng.normal(0, shift, len(labels)))
    production /= production.sum()
    return CategoryDistribution(
        tuple(Share(label, float(r), float(p)) for label, r, p in zip(labels, reference, production, strict=True))
    )


def series(
    statistic: str,
    base: float,
    drift_from: int | None,
    drift: float,
    threshold: float,
    seed: int,
    days: int = 56,
    holes: Sequence[int] = (),
    marks: tuple[IncidentMark, ...] = (),
) -> Series:
    rng = np.random.default_rng(seed)
    points = []
    for index in range(days):
        grown = drift * min(1.0, (index - drift_from + 1) / 4) if drift_from is not None and index >= drift_from else 0
        value = float(max(0.001, base + grown + rng.normal(0, base / 5)))
        state = State.BREACH if value > threshold else State.OK
        if index in holes:
            points.append(SeriesPoint(day_of(index, days), None, threshold, State.INSUFFICIENT))
        else:
            points.append(SeriesPoint(day_of(index, days), value, threshold, state))
    return Series(statistic, "1d", tuple(points), marks)


def figure(statistic: str, value: float | None, threshold: float, state: State, pvalue: float | None = None) -> Figure:
    return Figure(statistic, value, threshold, state, "7d", WEEK, 5_986, pvalue, value)


def feature(
    name: str, seed: int, drift: float, distribution: object, marks: tuple[IncidentMark, ...] = ()
) -> FeatureDrift:
    state = State.BREACH if drift > 0.12 else State.OK
    return FeatureDrift(
        name,
        (
            figure("KS", round(0.03 + drift, 4), 0.1, state, 1e-12 if drift else 0.41),
            figure("PSI", round(0.02 + drift * 1.4, 4), 0.2, state),
        ),
        summary="Median 39.2 → 58.1; 4.2% above the reference's largest value." if drift > 0.12 else "",
        distribution=distribution,  # type: ignore[arg-type]
        series=series("KS", 0.03, 38 if drift > 0.05 else None, drift, 0.1, seed, holes=(12, 13), marks=marks),
    )


def features(names: Sequence[str] = (), marks: tuple[IncidentMark, ...] = ()) -> tuple[FeatureDrift, ...]:
    """Sixteen features, or those with `names` too, the most drifted first."""
    drifts = [0.31, 0.24, 0.19, 0.0, 0.05]
    out = [
        feature(
            name,
            seed,
            drifts[seed] if seed < 5 else 0.01,
            number_distribution(mean, sd, 3 * drifts[seed] if seed < 5 else 0.02, seed),
            marks if seed < 3 else (),
        )
        for seed, (name, mean, sd) in enumerate(NUMBERS)
    ]
    out += [
        feature(
            name,
            40 + seed,
            0.14 if seed == 0 else 0.01,
            category_distribution(labels, 0.4 if seed == 0 else 0.03, seed),
        )
        for seed, (name, labels) in enumerate(CATEGORIES)
    ]
    out += [feature(name, 80 + seed, 0.2, category_distribution(HOSTILE, 0.5, seed)) for seed, name in enumerate(names)]
    return tuple(sorted(out, key=lambda each: -(each.figures[0].value or 0)))


def performance(
    metric: str, base: float, fall: float, threshold: float, seed: int = 7, higher: bool = True
) -> PerformanceSeries:
    rng = np.random.default_rng(seed)
    points = []
    for index in range(56):
        value = base + rng.normal(0, 0.008) - (fall * min(1.0, (index - 42) / 5) if index > 42 else 0)
        labels = 0 if index == 55 else int(rng.normal(820, 20))
        width = 0.02
        points.append(
            PerformancePoint(
                day_of(index),
                float(value) if labels else None,
                float(value - width) if labels else None,
                float(value + width) if labels else None,
                labels,
                860,
                State.INSUFFICIENT if not labels else State.BREACH if (value < threshold) == higher else State.OK,
            )
        )
    return PerformanceSeries(metric, higher, base, threshold, "1d", tuple(points))


def volume(seed: int = 3, fall: int | None = None) -> VolumeSeries:
    rng = np.random.default_rng(seed)
    points = []
    for index in range(56):
        weekend = (index % 7) in (5, 6)
        rows = int(rng.normal(720 if weekend else 880, 18)) if index != fall else 40
        state = State.BREACH if index == fall else State.OK
        points.append(VolumePoint(day_of(index), rows, 640.0, 960.0, state))
    return VolumeSeries("1d", tuple(points))


def health(now: dict[Aspect, State], notes: dict[Aspect, str]) -> tuple[HealthRow, ...]:
    rows = []
    for aspect in (one for one in Aspect if one is not Aspect.BUSINESS):
        state = now.get(aspect, State.OK)
        weeks = [(Period(WEEK.start - n * 7 * DAY, WEEK.end - n * 7 * DAY), State.OK) for n in range(7, -1, -1)]
        weeks[0] = (weeks[0][0], State.INSUFFICIENT)
        weeks[-1] = (weeks[-1][0], state)
        if state is State.BREACH:
            weeks[-2] = (weeks[-2][0], State.WATCH)
        rows.append(HealthRow(aspect, state, tuple(weeks), notes.get(aspect, "")))
    return tuple(rows)


def incidents(subjects: tuple[str, ...] = ("temp", "dep_hour", "humidity")) -> tuple[IncidentRecord, ...]:
    opened = END - 4 * DAY + timedelta(hours=4, minutes=15)
    return (
        IncidentRecord(
            "INC-41",
            "Inputs drifted and the predictions got worse",
            "degradation",
            "critical",
            "acknowledged",
            opened,
            subjects=subjects,
            summary="3 of 16 features left the reference; AUC fell from 0.68 to 0.61 on 4,812 labelled flights.",
            action="Retrain on data since April; look at temp first.",
            timeline=(
                TimelineEntry(opened, "opened", "KS of temp 0.04 → 0.27, threshold 0.10"),
                TimelineEntry(opened + timedelta(minutes=14), "acknowledged", "Looking at it", "dana"),
                TimelineEntry(opened + DAY, "updated", "dep_hour joins; severity now critical"),
            ),
        ),
        IncidentRecord(
            "INC-39",
            "visibility was missing",
            "data bug",
            "warning",
            "resolved",
            END - 6 * DAY,
            END - 5 * DAY,
            closing="fixed",
            subjects=("visibility",),
            summary="38% of rows had no visibility for 22 hours.",
            timeline=(
                TimelineEntry(END - 6 * DAY, "opened", "Missing rate of visibility 0.1% → 38%"),
                TimelineEntry(END - 5 * DAY, "resolved", "Missing rate back at 0.1%"),
            ),
        ),
    )


def findings(shown: Sequence[FeatureDrift]) -> tuple[FindingRow, ...]:
    return tuple(FindingRow(each.name, "feature", one) for each in shown for one in each.figures)


def flight_delay(**changes: object) -> ModelPage:
    """The model that needs its owner: drifted and degraded."""
    marks = (IncidentMark("INC-41", END - 4 * DAY + timedelta(hours=4), None, "degradation"),)
    shown = features(marks=marks)
    values: dict[str, object] = {
        "name": "flight-delay",
        "owner": "ml-platform",
        "verdict": Verdict.NEEDS_YOU,
        "sentence": "The weather inputs have left the February baseline, and predictions have become worse with them.",
        "action": "Retrain on data since April, or accept spring as a new baseline; look at temp first.",
        "figure": "AUC 0.68 → 0.61",
        "diagnosis": "Degradation",
        "task": "binary",
        "versions": (
            VersionSpan("2013.2", END - 40 * DAY, None, "1 – 28 Feb 2013, 24,951 rows"),
            VersionSpan("2013.1", END - 95 * DAY, END - 40 * DAY, "January 2013"),
        ),
        "health": health(
            {Aspect.DRIFT: State.BREACH, Aspect.PERFORMANCE: State.BREACH, Aspect.PREDICTION: State.WATCH},
            {
                Aspect.QUALITY: "nothing missing",
                Aspect.DRIFT: "4 of 16 features",
                Aspect.PREDICTION: "score 0.21 → 0.24",
                Aspect.PERFORMANCE: "AUC 0.61",
                Aspect.VOLUME: "5,986 rows",
            },
        ),
        "changes": (
            Change(END - 3 * DAY, "config", "PSI threshold 0.25 → 0.2", "flight-delay", "dana"),
            Change(END - 2 * DAY, "baseline", "Second baseline proposed from April, not yet accepted", "flight-delay"),
        ),
        "features": shown[:8],
        "features_total": 16,
        "predictions": (
            PredictionPanel(
                "score",
                (
                    figure("KS", 0.083, 0.1, State.OK, 0.002),
                    replace(figure("mean shift", 0.24, 0.3, State.OK), unit="deviations"),
                ),
                "Mean score 0.21 → 0.24, while 29% of flights were late.",
                number_distribution(0.21, 0.08, 0.3, 77),
                series("KS", 0.04, 40, 0.04, 0.1, 78),
            ),
        ),
        "performance": (performance("AUC", 0.68, 0.07, 0.63), performance("accuracy", 0.79, 0.03, 0.74, 9)),
        "quality": (
            QualityRow("visibility", "missing", 0.001, 0.013, 0.05, State.OK),
            QualityRow("engine", "unseen values", 0.0, 0.072, 0.01, State.BREACH, END - 5 * DAY),
            QualityRow("temp", "outside the reference's range", 0.0, 0.042, 0.01, State.BREACH, END - 4 * DAY),
        ),
        "volume": volume(),
        "incidents": incidents(),
        "gaps": (Gap("flight-delay", "fewer than 100 labels had come", 1, Period(END - DAY, END), END + DAY),),
        "findings": findings(shown),
        "deep_dive": DeepDiveLink(
            "flight-delay.evidently.html",
            None,
            WEEK,
            5_000,
            5_000,
            (
                SampleCheck("temp", "Wasserstein distance (normed)", 0.489, 0.1, True),
                SampleCheck("carrier", "Jensen-Shannon distance", 0.06, 0.1, False),
            ),
        ),
    }
    return ModelPage(**{**values, **changes})  # type: ignore[arg-type]


def taxi_out() -> ModelPage:
    """One to watch: a small drift, no harm yet."""
    shown = features()[2:8]
    return ModelPage(
        "taxi-out",
        "operations",
        Verdict.WATCH,
        "One input drifts slowly; predictions hold.",
        action="Nothing yet: look again next week.",
        figure="KS of wind_speed 0.03 → 0.12",
        diagnosis="Drift without harm",
        task="regression",
        versions=(VersionSpan("7", END - 200 * DAY, None, "rolling 28 days"),),
        health=health({Aspect.DRIFT: State.WATCH}, {Aspect.DRIFT: "1 of 6 features"}),
        features=shown,
        features_total=6,
        performance=(performance("mean absolute error", 4.2, 0.0, 5.0, 11, higher=False),),
        volume=volume(5, fall=53),
        findings=findings(shown),
        deep_dive=DeepDiveLink(None, "Evidently took longer than 180 s and was stopped.", WEEK),
    )


def hostile() -> ModelPage:
    """A model all of whose text is hostile."""
    evil = HOSTILE[0]
    shown = features(HOSTILE)
    return ModelPage(
        "../../etc/passwd" + evil,
        evil,
        Verdict.WATCH,
        f"The feature {evil} drifted.",
        action=HOSTILE[1],
        figure=HOSTILE[2],
        diagnosis=HOSTILE[3],
        task=evil,
        versions=(VersionSpan(HOSTILE[1], END - 9 * DAY, None, HOSTILE[2]),),
        health=health({Aspect.DRIFT: State.WATCH}, {Aspect.DRIFT: evil}),
        changes=(Change(END - DAY, evil, HOSTILE[1], evil, HOSTILE[5]),),
        features=shown,
        features_total=22,
        predictions=(PredictionPanel(evil, (), HOSTILE[2], category_distribution(HOSTILE, 0.2, 5)),),
        quality=tuple(QualityRow(name, HOSTILE[0], 0.0, 0.2, 0.1, State.BREACH, END - DAY) for name in HOSTILE),
        incidents=incidents(HOSTILE),
        gaps=(Gap(evil, HOSTILE[1], 2, WEEK),),
        findings=findings(shown),
        deep_dive=DeepDiveLink("x.html", None, WEEK, 10, 10, (SampleCheck(evil, HOSTILE[1], 0.2, 0.1, True),)),
    )


def learning() -> ModelPage:
    """A model still learning its baseline, with a day of rows and nothing judged."""
    return ModelPage(
        "gate-change",
        "airport",
        Verdict.NOT_MONITORED,
        "Still learning its baseline from the first 28 days of production.",
        action="Nothing to do: ready 14 May.",
        diagnosis="Learning",
        health=tuple(HealthRow(aspect, State.MISSING) for aspect in Aspect if aspect is not Aspect.BUSINESS),
        gaps=(Gap("gate-change", "learning its baseline", 19, WEEK, END + 8 * DAY),),
    )


def healthy(name: str) -> ModelPage:
    return ModelPage(
        name,
        "ml-platform",
        Verdict.HEALTHY,
        "Nothing left the reference this week.",
        health=health({}, {}),
        features=features()[8:10],
        features_total=16,
        volume=volume(17),
    )


def weekly() -> ReportContext:
    """The digest of a whole team: two need someone, some to watch, most are fine."""
    second = flight_delay(
        name="cancellation",
        owner="operations",
        sentence="The column visibility comes empty in 38% of rows since Thursday.",
        action="Ask the weather feed's owner; predictions since Thursday are suspect.",
        figure="missing 0.1% → 38%",
        diagnosis="Data bug",
    )
    names = ("baggage", "boarding-time", "catering", "crew-cost", "fuel-burn", "no-show", "seat-demand", "turnaround")
    return ReportContext(
        title="Weekly report",
        period=WEEK,
        timezone="America/New_York",
        generated_at=END + timedelta(hours=8),
        program="driftline 0.1.0",
        models=(flight_delay(), second, taxi_out(), hostile(), learning(), *(healthy(name) for name in names)),
        alarms=AlarmCounts(5, 2, 1, 1, 1, 3.0, 14.0),
        changes=(
            Change(END - 6 * DAY, "deployment", "Version 2013.2 began to serve", "flight-delay"),
            Change(END - 3 * DAY, "config", "PSI threshold 0.25 → 0.2", "flight-delay", "dana"),
            Change(END - 2 * DAY, "silence", "Planned maintenance, until 5 May 06:00", "taxi-out", "lee"),
        ),
        coverage=Coverage(273, 271, 3, 2, 71_204, 68_950),
    )


def empty() -> ReportContext:
    """The first report of a monitor without models or history."""
    return ReportContext("Weekly report", WEEK, "UTC", END, "driftline 0.1.0")


def wide(count: int) -> ReportContext:
    """One model with `count` features, every one of them drawn with its distribution and series."""
    shown = tuple(
        feature(f"feature_{n:04d}", n, 0.3 - 0.29 * n / count, number_distribution(100, 15, 0.5, n))
        for n in range(count)
    )
    model = flight_delay(features=shown, features_total=count, findings=findings(shown))
    return ReportContext("Weekly report", WEEK, "America/New_York", END, "driftline 0.1.0", (model,))
