"""Incident pages as a monitor would fill them: with everything, with hostile text alone, with next to nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from reports.figures import State
from reports.incident import IncidentPage, Measured, Notice, Related
from tests.support.report_context import DAY, END, HOSTILE, WEEK, features, hostile, incidents
from tests.support.report_parts import full, why


def incident(**changes: object) -> IncidentPage:
    """An incident that is told in full: three columns, performance, two segments, five messages."""
    (record, _), model = incidents(), full()
    shown = tuple(feature for feature in features() if feature.name in ("temp", "dep_hour", "humidity"))
    page = IncidentPage(
        record=replace(record, title=record.summary),
        model="flight-delay",
        version="2013.2",
        timezone="America/New_York",
        generated_at=END + timedelta(hours=8),
        program="driftline 0.1.0",
        since=END - 4 * DAY,
        latest=WEEK,
        horizon="7d",
        owner="ml-platform",
        acknowledged_at=record.opened_at + timedelta(minutes=14),
        actor="dana",
        reopened=1,
        compared_with="1 – 28 Feb 2013, 24,951 rows",
        cost="AUC fell from 0.68 to 0.61",
        figures=(
            *(Measured(one.name, one.figures[0], 0.1, "median 39", "median 57") for one in shown),
            Measured("temp", shown[0].figures[0], 0.1, "median 40", "median 61", "origin = LGA"),
        ),
        why=why(),
        evidence=shown,
        more_subjects=("dewp", "wind_dir"),
        performance=model.performance,
        business=model.business,
        volume=model.volume,
        segments=model.segments,
        also=("pressure",),
        ruled_out="rows come as usual; no column is broken",
        related=(Related("k3", "taxi-out", "the same in", "open", "incident-k3.html"),),
        notices=(
            Notice(record.opened_at, "opened", "oncall", "delivered", State.OK),
            Notice(record.opened_at, "opened", "team", "not delivered", State.BREACH, "7 attempts; 550 no such user"),
            Notice(END - DAY, "updated", "", "not sent", State.MISSING, "silenced by lee"),
            Notice(END, "updated", "hook", "waiting", State.INSUFFICIENT, "host does not answer"),
        ),
        answers=(("driftline incidents close INC-41 --as fixed", "a fault, repaired"),),
        model_page="model-flight-delay.html",
    )
    return replace(page, **changes)  # type: ignore[arg-type]


def bare() -> IncidentPage:
    """One that is over, of a model that is no longer configured: a few words and nothing else."""
    _, record = incidents()
    return IncidentPage(
        replace(record, action=""), "gone", "", "UTC", END, "driftline 0.1.0", record.opened_at, WEEK, follows="x"
    )


def evil() -> IncidentPage:
    """One all of whose text is hostile."""
    (record, *_), model = incidents(HOSTILE), hostile()
    text = HOSTILE[0]
    return incident(
        record=replace(record, diagnosis=HOSTILE[1], summary=text, action=HOSTILE[2], closing=text),
        model=HOSTILE[1],
        version=text,
        owner=HOSTILE[5],
        actor=text,
        cost=HOSTILE[2],
        compared_with=text,
        figures=tuple(Measured(one.name, one.figures[0], 0.1, text, HOSTILE[1], text) for one in model.features),
        why=why(HOSTILE),
        evidence=model.features,
        more_subjects=HOSTILE,
        segments=tuple(replace(row, segment=text, subject=text, note=HOSTILE[1]) for row in full().segments),
        also=HOSTILE,
        ruled_out=HOSTILE[1],
        related=(Related(text, HOSTILE[1], "the same in", "open"),),
        notices=(Notice(END, text, HOSTILE[1], "delivered", State.OK, HOSTILE[2]),),
        follows=text,
        answers=((text, HOSTILE[1]),),
        model_page=None,
    )
