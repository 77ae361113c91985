"""Lead a service through the year, morning by morning, and tell what it finds.

In: something that can be told "it is now …" (`Service`), a Rich console. Out: a `Tally` of the year. Kept: nothing.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from alerts.incident import Change, IncidentEvent
from detectors.result import Severity
from monitor.demo.flights import ZONE
from monitor.demo.prepare import MODEL, Prepared
from monitor.demo.recovery import Since
from monitor.demo.trainer import Retrained
from monitor.settings import Settings

# The year begins when the baseline, February, is over, and ends before the daemon would miss flights that the data
# set does not have: half an hour into 2014, when the last windows have settled.
START = datetime(2013, 3, 1, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)
END = datetime(2014, 1, 1, 0, 30, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)
_MORNING = time(9)
_COLOURS = {Severity.INFO: "cyan", Severity.WARNING: "yellow", Severity.CRITICAL: "red"}
_WORDS = {Change.OPENED: "opened", Change.REOPENED: "opened again", Change.RESOLVED: "resolved"}


@dataclass(frozen=True, slots=True)
class Step:
    """What happened since the last one: windows judged, incidents changed, reports written, models retrained, and how
    retrained ones do."""

    windows: int = 0
    events: tuple[IncidentEvent, ...] = ()
    reports: tuple[Path, ...] = ()
    retrained: tuple[Retrained, ...] = ()
    since: tuple[Since, ...] = ()


class Service(Protocol):
    """The daemon's work without its loops: evaluation, delivery, reports."""

    def advance(self, to: datetime) -> Step:
        """Do everything that is due up to `to`; called with ever later times."""


@dataclass
class Tally:
    """The year so far: windows judged, ids of incidents (`open`: of those that are not over), reports written."""

    windows: int = 0
    incidents: set[str] = field(default_factory=set)
    open: set[str] = field(default_factory=set)
    reports: list[Path] = field(default_factory=list)

    def add(self, step: Step) -> None:
        self.windows += step.windows
        self.reports.extend(step.reports)
        for event in step.events:
            self.incidents.add(event.incident.id)
            if event.incident.resolved:
                self.open.discard(event.incident.id)
            else:
                self.open.add(event.incident.id)


class AboveBar(io.TextIOBase):
    """Standard output as it is at each write: while a bar is shown, Rich puts what is written above it."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()

    def isatty(self) -> bool:
        return sys.stdout.isatty()


def mornings(start: datetime, end: datetime) -> Iterator[datetime]:
    """Nine in New York on every day after `start`, when the day's windows and reports are due; at last `end`."""
    zone = ZoneInfo(ZONE)
    day = start.astimezone(zone).date() + timedelta(days=1)
    while (moment := datetime.combine(day, _MORNING, tzinfo=zone).astimezone(UTC)) < end:
        yield moment
        day += timedelta(days=1)
    yield end


def drive(
    service: Service, console: Console, *, start: datetime = START, end: datetime = END, telling: bool = True
) -> Tally:
    """Advance through the year; with `telling`, incidents are told as they open and resolve.

    On a terminal a bar shows the date; elsewhere one line a month does. `telling` is for a year whose channels all
    send their messages away: a channel that is printed tells of every incident itself.
    """
    steps, tally = list(mornings(start, end)), Tally()
    columns = (TextColumn("{task.fields[day]}"), BarColumn(40), TextColumn("{task.fields[found]}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=len(steps), day=_day(start), found="")
        month = ""
        for moment in steps:
            local = moment.astimezone(ZoneInfo(ZONE))
            if not console.is_terminal and (name := f"{local:%B %Y}") != month and moment is not end:
                month = name
                console.print(Text(month, style="dim"))
            step = service.advance(moment)
            tally.add(step)
            for event in step.events if telling else ():
                tell(event, console)
            for made in step.retrained:
                tell_retrained(made, moment, console)
            for since in step.since:
                tell_since(since, moment, console)
            bar.update(task, advance=1, day=_day(moment), found=_count(len(tally.incidents), "incident"))
    return tally


def tell(event: IncidentEvent, console: Console) -> None:
    """Two calm lines when an incident opens, one when it resolves, none for what lies between."""
    word = _WORDS.get(event.event)
    if word is None:
        return
    incident = event.incident
    over = event.event is Change.RESOLVED
    line = Text(f"{_day(event.at)}  ")
    line.append(f"{'●' if not over else '✓'} {word} ", style="green" if over else _COLOURS[incident.severity])
    line.append(f"{incident.severity.value} " if not over else "", style=_COLOURS[incident.severity])
    # What comes from data is text, never markup, and stays on its line.
    line.append(_one_line(incident.summary))
    console.print(line)
    if not over and incident.action:
        console.print(Text(f"              {_one_line(incident.action)}", style="dim"))


def tell_retrained(made: Retrained, at: datetime, console: Console) -> None:
    """What the training job did, and on the days held out which version said what."""
    line = Text(f"{_day(at)}  ")
    line.append("↻ retrained ", style="magenta")
    outcome = f"version {made.version} serves from {_day(made.since).strip()} on" if made.better else "nothing changes"
    line.append(f"on {made.rows:,} flights; {outcome}")
    old, new = made.said
    before, after = made.losses
    said = (
        f"{made.held_out:,} flights held out: {made.true:.0%} were late; the version before predicts {old:.0%}, "
        f"this one {new:.0%}; log loss {before:.3f}, now {after:.3f}"
    )
    console.print(line)
    console.print(Text(f"              {said}", style="dim"))


def tell_since(since: Since, at: datetime, console: Console) -> None:
    """How the rates of a retrained version compare with what led to it."""
    line = Text(f"{_day(at)}  ")
    line.append(f"↻ version {since.made.version} ", style="magenta")
    line.append(f"in its first {since.span}: predicted {since.predicted:.0%} late, {since.true:.0%} were")
    line.append(f" (before it: predicted {since.made.said[0]:.0%}, {since.made.true:.0%} were)")
    console.print(line)


def printed(settings: Settings) -> list[str]:
    """The channels whose messages are printed because their secret is empty, with what they would be."""
    return [
        f"{name} ({'Slack' if channel.slack else 'e-mail' if channel.email else 'webhook'})"
        for name, channel in settings.alerts.channels.items()
        if channel.printed and (channel.slack or channel.email or channel.webhook)
    ]


def introduce(prepared: Prepared, printed: Sequence[str], console: Console) -> None:
    """What is about to be watched, and where its messages go. `printed`: channels whose secret is empty."""
    console.print(
        f"{prepared.predictions:,} predictions of a model trained on {prepared.trained_on:,} flights of January 2013, "
        f"{prepared.labels:,} of them with a label."
    )
    console.print(
        f"On the months it had not seen its AUC is {prepared.auc_low:.2f} to {prepared.auc_high:.2f}. "
        "February is the baseline; the rest of the year is watched."
    )
    if printed:
        console.print(f"No secret is set for {_listed(printed)}: what they would send is printed here.", style="yellow")


def conclude(tally: Tally, folder: Path, config: Path, console: Console) -> None:
    """Where everything is, and what to do next."""
    console.print()
    if tally.windows:
        judged, found = _count(tally.windows, "window"), _count(len(tally.incidents), "incident")
        console.print(f"Done: {judged} judged, {found}, {len(tally.open)} of them still open.", style="bold")
    else:
        console.print("This year had been watched before: nothing was left to do.", style="bold")
    reports = sorted(folder.glob("reports/*/*/index.html"))
    if reports:
        console.print(f"{_count(len(reports), 'weekly report')} in {folder / 'reports'}; the last one:", soft_wrap=True)
        console.print(Text(f"  {reports[-1]}", style="cyan"), soft_wrap=True)
    console.print("\nNext:")
    for command, purpose in (
        (f"driftline check {MODEL} -c {config} --at 2013-05-01", "judge one day again and print every finding"),
        ("driftline incidents list --all", "what happened, and when; `show ID` has the figures"),
        ("driftline init URL --table TABLE", "write the config for your own log"),
    ):
        console.print(Text.assemble(("  " + command, "cyan"), f"\n      {purpose}"), soft_wrap=True)


def _day(moment: datetime) -> str:
    day: date = moment.astimezone(ZoneInfo(ZONE)).date()
    return f"{day.day:2} {day:%b %Y}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _one_line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _listed(names: Iterable[str]) -> str:
    *head, last = names
    return f"{', '.join(head)} and {last}" if head else last
