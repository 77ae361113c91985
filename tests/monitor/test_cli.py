"""The command line: exit codes, what goes where, how it starts."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import typer
from typer.testing import CliRunner

from monitor.cli import app
from monitor.cli.common import Group, emit_json, parse_time, state
from monitor.cli.reference import commands, rewrite
from monitor.errors import UserError

CONFIG = """
log: {delta: log}
models:
  flights:
    columns: {timestamp: ts, id: id, version: v, score: score, label: late}
alerts:
  channels: {screen: {console: {}}}
  routes: [{to: [screen]}]
"""
RUN = CliRunner()
PAGE = Path(__file__).parents[2] / "docs" / "cli.md"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "config.yaml").write_text(CONFIG)
    return tmp_path


def driftline(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The program as users start it."""
    return subprocess.run(
        [sys.executable, "-m", "monitor.cli", *arguments], capture_output=True, text=True, check=False
    )


class TestExitCodes:
    def test_fine(self) -> None:
        result = RUN.invoke(app, ["config", "check"])
        assert (result.exit_code, result.stdout) == (0, "ok config.yaml: 1 model, 1 channel, 1 route, 0 reports\n")

    @pytest.mark.parametrize(
        "arguments",
        [
            ["nonsense"],
            ["config", "show", "--nonsense"],
            ["silence", "add", "model=flights", "--for", "1h"],
            ["config", "check", "-c", "gone.yaml"],
            ["config", "show", "nobody"],
            ["alerts", "test", "nobody"],
            ["log", "import", "flights", "gone.csv"],
            ["silence", "end", "99"],
            ["init"],
        ],
    )
    def test_mistakes_are_2_and_say_something_on_standard_error(self, arguments: list[str]) -> None:
        result = RUN.invoke(app, arguments)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert result.stderr.strip() != ""
        assert "Traceback" not in result.stderr

    def test_every_mistake_of_a_config_is_a_line(self, folder: Path) -> None:
        (folder / "config.yaml").write_text("sate: x\nserver: {listen: x}\n")
        result = RUN.invoke(app, ["config", "check"])
        assert result.exit_code == 2
        assert result.stderr.splitlines() == [
            "error: config.yaml:1:1: sate: unknown key `sate`; did you mean `state`?",
            "error: config.yaml:2:18: server.listen: 'x' is no address to listen on; "
            "write host:port, such as 127.0.0.1:8787",
        ]

    def test_channels_that_could_never_send_are_told_with_the_rest(self, folder: Path) -> None:
        (folder / "config.yaml").write_text(
            "log: {delta: log}\nmodels:\n  m:\n    columns: {score: s}\n"
            '    triggers: {r: {url: "https://ci.example", secret: "whsec_!"}}\n'
            'alerts:\n  channels:\n    w: {webhook: {url: "https://x.example", secret: abc}}\n'
        )
        result = RUN.invoke(app, ["config", "check"])
        assert result.exit_code == 2
        assert [line.split(": ")[1:3] for line in result.stderr.splitlines()] == [
            ["config.yaml:5:16", "models.m.triggers.r"],
            ["config.yaml:8:5", "alerts.channels.w"],
        ]
        assert "abc" not in result.stderr

    def test_text_from_a_config_is_no_markup(self, folder: Path) -> None:
        (folder / "config.yaml").write_text('models: {"[bold]x[/]": {task: "[red]"}}\n')
        assert "models.\"[bold]x[/]\".task: '[red]' is not accepted" in RUN.invoke(app, ["config", "check"]).stderr


class TestFaultsOfOurs:
    """Through a small program with the same root group: none of the real commands is broken on purpose."""

    @pytest.fixture
    def broken(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> typer.Typer:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        small = typer.Typer(cls=Group, pretty_exceptions_enable=False)

        @small.command()
        def fail() -> None:
            raise RuntimeError("lost smtp://me:pw@host\nsecond line")

        @small.command()
        def abort() -> None:
            raise typer.Abort

        @small.command()
        def breach() -> None:
            raise typer.Exit(1)

        return small

    def test_one_line_and_a_file_with_the_traceback(self, broken: typer.Typer) -> None:
        result = RUN.invoke(broken, ["fail"])
        assert result.exit_code == 3
        first, second = result.stderr.splitlines()
        assert first == "error: RuntimeError: lost smtp://me:***@host"
        found = re.fullmatch(r"This is a fault of Driftline, not yours. The traceback is in (.*)", second)
        assert found is not None
        assert "in fail" in Path(found[1]).read_text()

    def test_debug_shows_the_traceback(self, broken: typer.Typer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(state, "debug", True)
        result = RUN.invoke(broken, ["fail"])
        assert result.exit_code == 3
        assert "Traceback (most recent call last)" in result.stderr

    def test_interrupted_is_not_a_breach(self, broken: typer.Typer) -> None:
        assert RUN.invoke(broken, ["abort"]).exit_code == 130
        assert RUN.invoke(broken, ["breach"]).exit_code == 1


class TestTheProgram:
    def test_starts_without_loading_what_only_commands_need(self) -> None:
        """A help that takes seconds is not read."""
        code = (
            "import sys\n"
            "from monitor.cli import main\n"
            "sys.argv = ['driftline', '--help']\n"
            "try: main()\n"
            "except SystemExit as done: assert not done.code, done.code\n"
            "heavy = 'numpy pandas pyarrow sqlalchemy pydantic deltalake fastapi httpx sklearn yaml altair'.split()\n"
            "print('LOADED', [name for name in heavy if name in sys.modules])\n"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == "LOADED []"

    def test_module_and_console_script_agree(self) -> None:
        assert driftline("version").stdout.startswith("driftline ")
        script = Path(sys.executable).with_name("driftline")
        done = subprocess.run([script, "version"], capture_output=True, text=True, check=True)
        assert done.stdout == driftline("version").stdout

    def test_exit_codes_reach_the_shell(self) -> None:
        assert driftline("config", "check").returncode == 0
        done = driftline("config", "check", "-c", "gone.yaml")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == "error: gone.yaml: no such file. `driftline init` writes one; -c FILE names another\n"
        assert driftline("nonsense").returncode == 2

    def test_a_reader_that_leaves_is_no_breach(self) -> None:
        """`driftline config show | head -1`: Typer's own answer to a broken pipe is 1, which here means a breach."""
        code = (
            "import os, sys\n"
            "reading, writing = os.pipe(); os.close(reading); os.dup2(writing, 1)\n"
            "from monitor.cli import main\n"
            "sys.argv = ['driftline', 'config', 'show', 'flights', '--json']\n"
            "main()\n"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (141, "")


class TestConfigShow:
    def test_json_is_one_object_a_line(self) -> None:
        result = RUN.invoke(app, ["config", "show", "flights", "--json"])
        records = {record["path"]: record for record in map(json.loads, result.stdout.splitlines())}
        assert records["models.flights.columns.score"] == {
            "type": "setting",
            "model": "flights",
            "path": "models.flights.columns.score",
            "value": "score",
            "origin": "config.yaml:5",
            "file": "config.yaml",
            "line": 5,
        }
        assert records["models.flights.settle"]["origin"] == "default"

    def test_table(self) -> None:
        lines = RUN.invoke(app, ["config", "show", "flights"]).stdout.splitlines()
        assert re.fullmatch(r"flights \(config hash [0-9a-f]{12}\) *", lines[0])
        assert re.search(r"^columns\.score +score +config\.yaml:5 *$", "\n".join(lines), re.MULTILINE)

    def test_secrets_are_hidden(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SLACK_TOKEN", "xoxb-hidden")
        slack = '{slack: {token: "${SLACK_TOKEN}", channel: C1}}'
        (folder / "config.yaml").write_text(CONFIG.replace("{console: {}}", slack))
        for arguments in (["config", "show"], ["config", "show", "--json"]):
            out = RUN.invoke(app, arguments).stdout
            assert "xoxb" not in out
            assert "env SLACK_TOKEN" in out

    def test_config_option_may_be_a_folder_or_repeated(self, folder: Path) -> None:
        (folder / "more.yaml").write_text("models: {flights: {owner: me}}\n")
        for options in (["-c", str(folder)], ["-c", "config.yaml", "--config", "more.yaml"]):
            out = RUN.invoke(app, ["config", "show", "flights", *options]).stdout
            assert re.search(r"^owner +me +\S*more\.yaml:1", out, re.MULTILINE)


class TestSilence:
    def test_add_list_end(self) -> None:
        added = RUN.invoke(
            app,
            [
                *("silence", "add", "model=flights", "severity=info", "severity=warning"),
                *("--for", "4h", "--reason", "deploy", "--author", "ann", "--json"),
            ],
        )
        record = json.loads(added.stdout)
        assert record["matchers"] == {"model": ["flights"], "severity": ["info", "warning"]}
        begin, end = (datetime.fromisoformat(record[key]) for key in ("starts_at", "ends_at"))
        assert (end - begin).total_seconds() == 4 * 3600
        shown = RUN.invoke(app, ["silence", "list"]).stdout
        assert "in force" in shown
        assert "model=flights, severity=info, severity=warning" in shown
        assert RUN.invoke(app, ["silence", "end", str(record["id"])]).exit_code == 0
        assert RUN.invoke(app, ["silence", "list"]).stdout.startswith("no silences in force")
        assert json.loads(RUN.invoke(app, ["silence", "list", "--all", "--json"]).stdout)["id"] == record["id"]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["model", "--for", "1h"], "error: 'model' is no matcher; write KEY=VALUE, such as model=flight-delay"),
            (["colour=x", "--for", "1h"], "error: 'colour' cannot be matched; there are "),
            (["model=x", "--for", "4"], "error: --for: '4' is not a duration; write a number and a unit"),
            (["model=x", "--until", "soon"], "error: 'soon' is no time; write 2013-05-01, 2013-05-01T06:00 or "),
            (["model=x", "--until", "1999-01-01"], "error: a silence must end after it starts"),
            (["model=x"], "error: say how long: either --for 4h or --until 2030-01-31T08:00"),
            (["model=x", "--for", "1h", "--until", "2099-01-01"], "error: say how long: either --for 4h or --until"),
        ],
    )
    def test_mistakes(self, arguments: list[str], message: str) -> None:
        result = RUN.invoke(app, ["silence", "add", *arguments, "--reason", "x", "--author", "ann"])
        assert result.exit_code == 2
        assert result.stderr.startswith(message)

    def test_a_misspelt_model_is_warned_about(self) -> None:
        """It would mute nothing and look as if it did."""
        common = ["--for", "1h", "--reason", "x", "--author", "ann"]
        wrong = RUN.invoke(app, ["silence", "add", "model=fligths", *common])
        assert wrong.stderr == "warning: no model of the config is matched by model=fligths\n"
        assert RUN.invoke(app, ["silence", "add", "model=~fl.*", *common]).stderr == ""


class TestAlertsTest:
    def test_console(self) -> None:
        result = RUN.invoke(app, ["alerts", "test", "screen"])
        assert result.exit_code == 0
        assert "A test message from Driftline" in result.stdout
        assert result.stdout.splitlines()[-1] == "sent through channel screen (console); did it arrive?"

    def test_json_keeps_standard_output_for_machines(self) -> None:
        result = RUN.invoke(app, ["alerts", "test", "screen", "--json"])
        assert json.loads(result.stdout) == {
            "type": "alert_test",
            "channel": "screen",
            "kind": "console",
            "sent": True,
            "error": None,
        }

    def test_failure(self, folder: Path) -> None:
        channel = '{email: {smtp: "smtp://me:pw@127.0.0.1:1?starttls=never", to: [a@b.example]}}'
        (folder / "config.yaml").write_text(CONFIG.replace("{console: {}}", channel))
        result = RUN.invoke(app, ["alerts", "test", "screen"])
        assert result.exit_code == 2
        assert result.stderr.startswith("error: channel screen (email) does not get through: ")
        assert "pw" not in result.stderr


class TestLogImport:
    CSV = "ts,id,v,score,late,x\n2024-01-01T00:00:00Z,a,1,0.5,1,3\n2024-01-01T01:00:00Z,b,1,0.25,0,4\n"

    def test_rows_labels_and_a_second_time(self, folder: Path) -> None:
        (folder / "a.csv").write_text(self.CSV)
        first = RUN.invoke(app, ["log", "import", "flights", "a.csv"])
        assert (first.exit_code, first.stderr) == (0, "")
        assert first.stdout.splitlines()[-1] == "flights: 2 rows and 2 labels added"
        again = RUN.invoke(app, ["log", "import", "flights", "a.csv", "--json"])
        record = json.loads(again.stdout.splitlines()[0])
        assert (again.exit_code, record["rows"], record["skipped"]) == (0, 0, 2)

    def test_bad_rows_are_listed_and_the_good_ones_kept(self, folder: Path) -> None:
        (folder / "a.csv").write_text(self.CSV + "yesterday,c,1,0.5,1,3\n")
        result = RUN.invoke(app, ["log", "import", "flights", "a.csv", "--write-refused"])
        assert result.exit_code == 2
        assert result.stderr.startswith("a.csv:4: column 'ts' is not a time")
        assert "flights: 2 rows and 2 labels added" in result.stdout
        assert json.loads((folder / "a.csv.refused.ndjson").read_text())["line"] == 4

    def test_times_without_a_zone_need_one(self, folder: Path) -> None:
        (folder / "a.csv").write_text(self.CSV.replace("00Z", "00"))
        assert RUN.invoke(app, ["log", "import", "flights", "a.csv"]).exit_code == 2
        bad = RUN.invoke(app, ["log", "import", "flights", "a.csv", "--timezone", "Europe/Berln"])
        assert bad.stderr == "error: --timezone: 'Europe/Berln' is no time zone; did you mean Europe/Berlin?\n"
        assert RUN.invoke(app, ["log", "import", "flights", "a.csv", "--timezone", "Europe/Berlin"]).exit_code == 0

    def test_a_folder_stands_for_its_files(self, folder: Path) -> None:
        (folder / "in").mkdir()
        assert RUN.invoke(app, ["log", "import", "flights", "in"]).exit_code == 2
        (folder / "in" / "a.csv").write_text(self.CSV)
        (folder / "in" / "README.md").write_text("not data")
        assert RUN.invoke(app, ["log", "import", "flights", "in"]).exit_code == 0

    def test_a_log_that_is_not_ours_is_refused(self, folder: Path) -> None:
        (folder / "a.csv").write_text(self.CSV)
        (folder / "config.yaml").write_text(CONFIG.replace("{delta: log}", "{parquet: x}"))
        result = RUN.invoke(app, ["log", "import", "flights", "a.csv"])
        assert result.exit_code == 2
        assert "only a delta log can be written to" in result.stderr


class TestHelpers:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("2013-07-01", datetime(2013, 7, 1, 4, tzinfo=UTC)),
            ("2013-07-01T06:00", datetime(2013, 7, 1, 10, tzinfo=UTC)),
            ("2013-07-01 06:00", datetime(2013, 7, 1, 10, tzinfo=UTC)),
            ("2013-07-01T06:00Z", datetime(2013, 7, 1, 6, tzinfo=UTC)),
            ("2013-07-01T06:00+02:00", datetime(2013, 7, 1, 4, tzinfo=UTC)),
        ],
    )
    def test_parse_time(self, text: str, expected: datetime) -> None:
        found = parse_time(text, ZoneInfo("America/New_York"))
        assert (found, found.tzinfo) == (expected, UTC)

    @pytest.mark.parametrize("text", ["", "today", "2013-13-01", "2013-02-30", "20130101x"])
    def test_parse_time_refuses(self, text: str) -> None:
        with pytest.raises(UserError, match=r"is no time; write 2013-05-01"):
            parse_time(text, UTC)

    def test_emit_json_has_no_nan(self, capsys: pytest.CaptureFixture[str]) -> None:
        emit_json({"a": float("nan"), "b": [1.5, float("inf")], "c": {"d": "é"}})
        assert capsys.readouterr().out == '{"a": null, "b": [1.5, null], "c": {"d": "é"}}\n'


class TestReference:
    def test_is_up_to_date(self) -> None:
        text = PAGE.read_text(encoding="utf-8")
        assert rewrite(text, app) == text, "commands have changed: run `python -m monitor.cli.reference docs/cli.md`"

    def test_every_command_and_option_says_what_it_is_for(self) -> None:
        found = dict(commands(app))
        assert {"driftline init", "driftline config check", "driftline silence add"} <= set(found)
        for name, command in found.items():
            assert (command.help or "").strip(), name
            assert [param.name for param in command.params if not getattr(param, "help", "")] == [], name
