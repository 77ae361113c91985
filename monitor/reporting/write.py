"""Make a report of a period: gather, dive where something breached, render, keep, announce.

In: a `World`, a report's settings, the time it was due. Out: `Written`. Kept: the report's folder
`<folder>/<name>/<date>/` with its pages, and the index of all past ones beside it.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Connection

from alerts import outbox
from monitor.judging.moment import program
from monitor.reporting.models import make_all
from monitor.reporting.totals import alarms
from monitor.settings import ReportSettings
from monitor.windows import local_day, midnight
from monitor.world import World
from reports.context import PastReport, Period, ReportContext, Verdict
from reports.files import replace_file
from reports.mail import Mail, render_mail
from reports.render import HOME, WHOLE, ReportWriter, render_index

_SUMMARY = "summary.json"


@dataclass(frozen=True, slots=True)
class Written:
    """A report that has been written: its digest, everything in one file, and its mail."""

    index: Path
    whole: Path
    context: ReportContext
    mail: Mail


def period_of(report: ReportSettings, at: datetime) -> Period:
    """The whole days before the one the report is made on, on the report's own clock."""
    zone = ZoneInfo(report.timezone)
    end = midnight(local_day(at, zone), zone)
    start = midnight(local_day(at, zone) - timedelta(days=report.period.days or 1), zone)
    return Period(start, end)


def write(
    world: World, report: ReportSettings, at: datetime, now: datetime, *, period: Period | None = None
) -> Written:
    """Write the report that was due at `at` (or of another `period`). The log is read only for a deep dive, and where
    two versions served.

    Incidents are shown as they were known at `at`, or soon after the period's end where that is later.
    """
    period = period or period_of(report, at)
    settings = world.config.settings
    names = [name for name in report.models or sorted(settings.models) if name in settings.models]
    folder = report.folder / report.name / f"{local_day(period.end, ZoneInfo(report.timezone))}"
    folder.mkdir(parents=True, exist_ok=True)
    head = ReportContext(
        title=_title(report),
        period=period,
        timezone=report.timezone,
        generated_at=now,
        program=f"driftline {program()}",
    )
    made = make_all(world, report, head, at, names, folder)
    context = ReportWriter(head, folder).finish(
        made.pages,
        alarms=alarms(made.gathered),
        changes=tuple(sorted(made.changes, key=lambda change: change.at)),
        coverage=made.covered,
    )
    return _keep(report, context, folder, settings.server.public_url)


def announce(connection: Connection, report: ReportSettings, written: Written, at: datetime, now: datetime) -> None:
    """Send the report to its channels; once for each time it was due."""
    counts = {verdict: count for verdict, count in written.context.counts() if count}
    outbox.add_report_intent(
        connection,
        name=report.name,
        title=written.mail.subject,
        summary=written.mail.subject,
        channels=report.to,
        at=now,
        key=f"{report.name}:{at.isoformat()}",
        lines=[page.sentence for page in written.context.models if page.verdict is Verdict.NEEDS_YOU][:5]
        if Verdict.NEEDS_YOU in counts
        else [],
        html=written.mail.html,
        attachments=[written.whole],
    )


def _keep(report: ReportSettings, context: ReportContext, folder: Path, public_url: str | None) -> Written:
    summary = {
        "title": context.title,
        "start": context.period.start.isoformat(),
        "end": context.period.end.isoformat(),
        "generated_at": context.generated_at.isoformat(),
        "counts": {verdict.value: count for verdict, count in context.counts()},
    }
    (folder / _SUMMARY).write_text(json.dumps(summary, indent=1), encoding="utf-8")
    prune(folder.parent, report.keep)
    _index(report, folder.parent, context)
    link = f"{public_url.rstrip('/')}/reports/{report.name}/{folder.name}/" if public_url else None
    return Written(folder / HOME, folder / WHOLE, context, render_mail(context, link))


def _index(report: ReportSettings, folder: Path, context: ReportContext) -> None:
    past = []
    for summary in sorted(folder.glob(f"*/{_SUMMARY}"), reverse=True):
        said = json.loads(summary.read_text(encoding="utf-8"))
        past.append(
            PastReport(
                title=said["title"],
                path=f"{summary.parent.name}/index.html",
                period=Period(datetime.fromisoformat(said["start"]), datetime.fromisoformat(said["end"])),
                generated_at=datetime.fromisoformat(said["generated_at"]),
                counts=tuple((Verdict(name), count) for name, count in said["counts"].items()),
            )
        )
    page = render_index(_title(report), past, report.timezone, context.program)
    replace_file(folder / "index.html", page)


def prune(folder: Path, keep: int) -> None:
    """Drop all but the `keep` newest reports of one name."""
    for summary in sorted(folder.glob(f"*/{_SUMMARY}"), reverse=True)[keep:]:
        shutil.rmtree(summary.parent)


def _title(report: ReportSettings) -> str:
    return f"{report.name[:1].upper()}{report.name[1:]} report"
