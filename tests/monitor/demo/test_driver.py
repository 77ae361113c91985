"""The year in mornings, and what the demo says about it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console

from alerts.incident import Change, Incident, IncidentEvent, State, Track
from detectors.result import Severity, Window
from detectors.trouble import Trouble
from monitor.config import load
from monitor.demo.driver import (
    END,
    START,
    AboveBar,
    Service,
    Step,
    Tally,
    conclude,
    drive,
    introduce,
    mornings,
    printed,
    tell,
)
from monitor.demo.prepare import Prepared

CONFIG = Path(__file__).parents[3] / "config.yaml"
NEW_YORK = ZoneInfo("America/New_York")
AT = datetime(2013, 4, 16, 4, 15, tzinfo=UTC)


def console(width: int = 120) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, width=width), out


def change(kind: Change, summary: str = "temperature has drifted", action: str = "compare with May") -> IncidentEvent:
    window = Window("28d", AT - timedelta(days=28), AT)
    state = State.RESOLVED if kind is Change.RESOLVED else State.OPEN
    incident = Incident(
        id="abcdefghij", model="flight-delay", version="2013-01", owner=None, trouble=Trouble.DRIFT,
        diagnosis="drift", severity=Severity.WARNING, state=state, subjects=("temperature",), summary=summary,
        action=action, opened_at=AT, updated_at=AT, window=window, latest=window,
        tracks={"28d": Track(AT, AT, AT)},
    )  # fmt: skip
    return IncidentEvent(kind, incident, AT)


class Recorded:
    """A service that answers with prepared steps and remembers what it was told."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps, self.told = list(steps), []

    def advance(self, to: datetime) -> Step:
        self.told.append(to)
        return self.steps.pop(0) if self.steps else Step()


def test_every_day_has_its_morning_also_when_the_clock_changes() -> None:
    moments = list(mornings(START, END))
    local = [moment.astimezone(NEW_YORK) for moment in moments]
    assert [f"{there:%m-%d}" for there in local[:2]] == ["03-02", "03-03"]
    assert {there.hour for there in local[:-1]} == {9}
    assert len({there.date() for there in local}) == len(local) == 306
    assert moments[-1] == END
    assert moments == sorted(moments)
    assert local[9].utcoffset() != local[7].utcoffset()


def test_the_service_is_told_every_morning_and_its_answers_are_counted() -> None:
    steps = [
        Step(4, (change(Change.OPENED), change(Change.UPDATED))),
        Step(4, (), (Path("demo/reports/1.html"),)),
        Step(4, (change(Change.RESOLVED), change(Change.REOPENED))),
    ]
    service: Service = Recorded(steps)
    screen, out = console()
    tally = drive(service, screen, start=START, end=START + timedelta(days=5))
    assert len(service.told) == 5  # type: ignore[attr-defined]  # the record behind the protocol
    assert (tally.windows, tally.incidents, tally.open) == (12, {"abcdefghij"}, {"abcdefghij"})
    assert tally.reports == [Path("demo/reports/1.html")]
    assert "March 2013" in out.getvalue()
    assert out.getvalue().count("opened") == 2


def test_a_year_whose_messages_are_printed_is_not_told_twice() -> None:
    screen, out = console()
    tally = drive(
        Recorded([Step(4, (change(Change.OPENED), change(Change.RESOLVED)))]), screen,
        start=START, end=START + timedelta(days=1), telling=False,
    )  # fmt: skip
    assert "opened" not in out.getvalue()
    assert (len(tally.incidents), len(tally.open)) == (1, 0)


def test_what_is_printed_meanwhile_goes_to_standard_output_as_it_is_then(capsys, monkeypatch) -> None:
    stream = AboveBar()
    later = io.StringIO()
    stream.write("before\n")
    monkeypatch.setattr("sys.stdout", later)
    stream.write("meanwhile\n")
    assert later.getvalue() == "meanwhile\n"
    assert not stream.isatty()


def test_openings_and_ends_are_told_and_what_lies_between_is_not() -> None:
    screen, out = console()
    tell(change(Change.UPDATED), screen)
    assert out.getvalue() == ""
    tell(change(Change.OPENED), screen)
    assert out.getvalue().splitlines() == [
        "16 Apr 2013  ● opened warning temperature has drifted",
        "              compare with May",
    ]
    screen, out = console()
    tell(change(Change.RESOLVED), screen)
    assert out.getvalue().splitlines() == ["16 Apr 2013  ✓ resolved temperature has drifted"]


def test_text_from_data_stays_text_on_its_line() -> None:
    screen, out = console()
    tell(change(Change.OPENED, "[red]a[/red]\n\x1b[31mb\x1b]8;;x\x07", ""), screen)
    assert out.getvalue() == "16 Apr 2013  ● opened warning [red]a[/red] [31mb ]8;;x\n"


def test_it_says_where_messages_go_when_there_is_no_secret() -> None:
    facts = Prepared(1, 26_398, 309_772, 300_948, 0.62, 0.7, "", "")
    screen, out = console()
    introduce(facts, printed(load(CONFIG, {}).settings), screen)
    assert "No secret is set for oncall (Slack), team (e-mail) and hook (webhook)" in out.getvalue()
    assert "309,772 predictions" in out.getvalue()
    screen, out = console()
    secrets = {"SLACK_TOKEN": "xoxb-1", "SMTP": "smtp://mail.example:587", "WEBHOOK_URL": "https://a.example/x"}
    introduce(facts, printed(load(CONFIG, secrets).settings), screen)
    assert "secret" not in out.getvalue()


def test_the_end_says_where_the_reports_are_and_three_things_to_do(tmp_path: Path) -> None:
    for day in ("2013-12-23", "2013-12-30"):
        page = tmp_path / "reports" / "weekly" / day / "index.html"
        page.parent.mkdir(parents=True)
        page.touch()
    screen, out = console(60)
    tally = drive(Recorded([Step(3, (change(Change.OPENED),))]), screen, start=START, end=START + timedelta(days=1))
    conclude(tally, tmp_path, Path("config.yaml"), screen)
    text = out.getvalue()
    assert "Done: 3 windows judged, 1 incident, 1 of them still open." in " ".join(text.split())
    assert "2 weekly reports in" in text
    assert str(tmp_path / "reports/weekly/2013-12-30/index.html") in text
    commands = [line.strip() for line in text.splitlines() if line.startswith("  driftline ")]
    assert commands == [
        "driftline check flight-delay -c config.yaml --at 2013-05-01",
        "driftline incidents list --all",
        "driftline init URL --table TABLE",
    ]


def test_a_year_that_was_watched_before_says_so(tmp_path: Path) -> None:
    screen, out = console()
    conclude(Tally(), tmp_path, Path("config.yaml"), screen)
    assert "nothing was left to do" in out.getvalue()
