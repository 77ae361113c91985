"""Loading: layers, references, paths, origins, hashes, and the secrets that never show."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from monitor.config import Config, find_config, load
from monitor.config.errors import ConfigError

MODEL = """
log: {delta: log}
models:
  flight-delay:
    columns: {timestamp: ts, score: score}
"""


def config(folder: Path, text: str, env: dict[str, str] | None = None, name: str = "config.yaml") -> Config:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return load(file, env or {})


def by_path(loaded: Config, model: str | None = "flight-delay") -> dict[tuple[str | int, ...], tuple[object, str]]:
    return {value.path: (value.value, str(value.origin)) for value in loaded.values(model)}


def test_contract_example_loads(tmp_path: Path) -> None:
    loaded = config(
        tmp_path,
        """
state: sqlite:///driftline.db
log: {delta: ./prediction-log}
models:
  "*":
    owner: ml-platform
    features: {auto: true, exclude: [customer_id], private: [zip]}
    timezone: America/New_York
  flight-delay:
    task: binary
    columns: {timestamp: ts, id: prediction_id, version: model_version, score: score, prediction: pred, label: late}
    baseline: {from: 2013-01-01, to: 2013-03-01}
    horizons: [1d, 7d, 28d]
    settle: 15m
    false_alarms: 1 per 30d
    detectors: {psi: {threshold: 0.2}, ks: {}}
    segments: [origin]
alerts:
  channels:
    oncall: {slack: {token: "${SLACK_TOKEN}", channel: C0123}}
    team: {email: {smtp: "${SMTP}", to: [ml@corp.example]}}
  routes: [{match: {severity: critical}, to: [oncall]}, {to: [team]}]
reports: [{name: weekly, cron: "0 8 * * mon", to: [team]}]
server: {listen: "127.0.0.1:8787", metrics: "127.0.0.1:9187", public_url: null, heartbeat: null}
""",
        {"SLACK_TOKEN": "xoxb-1", "SMTP": "smtp://u:p@mail.example:587"},
    )
    model = loaded.settings.models["flight-delay"]
    assert list(loaded.settings.models) == ["flight-delay"]
    assert model.owner == "ml-platform"
    assert model.features.private == ("zip",)
    assert model.baseline.start == date(2013, 1, 1)
    assert model.detectors["psi"].threshold == 0.2
    slack = loaded.settings.alerts.channels["oncall"].slack
    assert slack is not None
    assert slack.token == "xoxb-1"
    assert loaded.warnings == ()


def test_yaml_is_read_as_version_1_2(tmp_path: Path) -> None:
    """`no` and `on` are names, `17:00` is a time and not 1020, `007` keeps its zeros."""
    loaded = config(
        tmp_path,
        MODEL
        + """
    features: {exclude: [no, on, y, 007]}
    cadence: {run: run_id, due: 17:00}
""",
    )
    model = loaded.settings.models["flight-delay"]
    assert model.features.exclude == ("no", "on", "y", "007")
    assert model.cadence is not None
    assert model.cadence.due == "17:00"


@pytest.mark.parametrize(
    ("written", "start", "end"),
    [
        ("{from: 2013-01-01, to: 2013-03-01}", date(2013, 1, 1), date(2013, 3, 1)),
        (
            "{from: 2013-01-01T00:00:00Z, to: 2013-01-02T06:00:00+02:00}",
            datetime(2013, 1, 1, tzinfo=UTC),
            datetime(2013, 1, 2, 4, tzinfo=UTC),
        ),
    ],
)
def test_interval_of_days_or_instants(tmp_path: Path, written: str, start: date, end: date) -> None:
    baseline = config(tmp_path, f"{MODEL}    baseline: {written}\n").settings.models["flight-delay"].baseline
    assert (type(baseline.start), baseline.start) == (type(start), start)
    assert (type(baseline.end), baseline.end) == (type(end), end)


class TestLayers:
    def test_defaults_merge_maps_and_replace_lists(self, tmp_path: Path) -> None:
        loaded = config(
            tmp_path,
            """
log: {delta: log}
models:
  "*":
    horizons: [1h, 1d]
    features: {exclude: [a], private: [zip]}
    detectors: {psi: {threshold: 0.1}, ks: {enabled: false}}
  one: {columns: {score: s}, features: {exclude: [b]}, detectors: {psi: {threshold: 0.3}}}
  two: {columns: {score: s}, horizons: [7d]}
""",
        )
        one, two = loaded.settings.models["one"], loaded.settings.models["two"]
        assert one.features.exclude == ("b",)
        assert one.features.private == ("zip",)
        assert one.detectors["psi"].threshold == 0.3
        assert one.detectors["ks"].enabled is False
        assert one.horizons == ("1h", "1d")
        assert two.horizons == ("7d",)
        assert two.detectors["psi"].threshold == 0.1

    def test_model_of_defaults_alone(self, tmp_path: Path) -> None:
        loaded = config(tmp_path, 'log: {delta: x}\nmodels:\n  "*": {owner: me, columns: {score: s}}\n  plain:\n')
        assert loaded.settings.models["plain"].owner == "me"

    @pytest.mark.parametrize("form", ["{from: 2024-01-01, to: 2024-02-01}", "{file: t.parquet}", "{rolling: 7d}"])
    def test_another_form_of_baseline_drives_out_the_default_one(self, tmp_path: Path, form: str) -> None:
        loaded = config(
            tmp_path,
            f"""
log: {{delta: log}}
models:
  "*": {{columns: {{score: s}}, baseline: {{learn: 28d, new_version: learn}}}}
  one: {{baseline: {form}}}
""",
        )
        baseline = loaded.settings.models["one"].baseline
        assert baseline.learn is None
        assert baseline.new_version == "learn"

    def test_an_interval_is_completed_from_the_defaults(self, tmp_path: Path) -> None:
        loaded = config(
            tmp_path,
            """
log: {delta: log}
models:
  "*": {columns: {score: s}, baseline: {from: 2024-01-01, to: 2024-02-01}}
  one: {baseline: {to: 2024-03-01}}
""",
        )
        baseline = loaded.settings.models["one"].baseline
        assert (baseline.start, baseline.end) == (date(2024, 1, 1), date(2024, 3, 1))

    def test_a_model_names_its_table_in_the_common_database(self, tmp_path: Path) -> None:
        loaded = config(
            tmp_path,
            """
models:
  "*": {columns: {score: s}, log: {sql: "postgresql://db.example/ml", table: everything}}
  one: {log: {table: one}}
  two: {log: {query: "select * from two where t >= :start and t < :end"}}
  three: {log: {parquet: three}}
""",
        )
        one, two, three = (loaded.settings.log_of(name) for name in ("one", "two", "three"))
        assert one is not None
        assert two is not None
        assert three is not None
        assert (one.sql, one.table) == ("postgresql://db.example/ml", "one")
        assert two.table is None
        assert three.sql is None

    def test_a_channel_of_another_kind_replaces(self, tmp_path: Path) -> None:
        """A development overlay that says `console` must not go on posting to Slack."""
        (tmp_path / "1.yaml").write_text("alerts: {channels: {a: {slack: {token: t, channel: C1}}}}\n" + MODEL)
        (tmp_path / "2.yaml").write_text("alerts: {channels: {a: {console: {}}}, routes: [{to: [a]}]}\n")
        channel = load(tmp_path, {}).settings.alerts.channels["a"]
        assert channel.slack is None
        assert channel.console is not None

    def test_folder_is_merged_in_the_order_of_names(self, tmp_path: Path) -> None:
        (tmp_path / "b.yml").write_text("models: {flight-delay: {owner: b, settle: 1h}}\n")
        (tmp_path / "a.yaml").write_text(f"{MODEL}    owner: a\n    severity: info\n")
        (tmp_path / "notes.txt").write_text("not: read: at: all\n")
        loaded = load(tmp_path, {})
        model = loaded.settings.models["flight-delay"]
        assert (model.owner, model.severity.value, model.settle) == ("b", "info", timedelta(hours=1))
        assert [source.name for source in loaded.sources] == ["a.yaml", "b.yml"]
        origins = by_path(loaded)
        assert origins["models", "flight-delay", "owner"][1] == f"{tmp_path}/b.yml:1"
        assert origins["models", "flight-delay", "severity"][1] == f"{tmp_path}/a.yaml:7"

    def test_empty_value_is_the_default_unless_null_means_something(self, tmp_path: Path) -> None:
        loaded = config(
            tmp_path, f"{MODEL}    horizons:\n    detectors:\n      ks:\nserver: {{listen: null}}\nreports:\n"
        )
        model = loaded.settings.models["flight-delay"]
        assert model.horizons == ("1d", "7d", "28d")
        assert model.detectors["ks"].enabled
        assert loaded.settings.server.listen is None
        assert loaded.settings.reports == ()

    def test_aliases_and_merge_keys(self, tmp_path: Path) -> None:
        loaded = config(
            tmp_path,
            """
log: {delta: log}
models:
  one: &one
    columns: {score: s}
    owner: me
  two:
    <<: *one
    owner: you
""",
        )
        assert loaded.settings.models["two"].columns.score == "s"
        assert loaded.settings.models["two"].owner == "you"


class TestReferences:
    def test_variable_default_file_and_dollar(self, tmp_path: Path) -> None:
        (tmp_path / "token").write_text("xoxb-file\n")
        loaded = config(
            tmp_path,
            MODEL
            + f"""
    owner: "${{TEAM}}-$$5"
    minimum_rows: ${{ROWS:-250}}
alerts:
  channels:
    a: {{slack: {{token: "${{file:{tmp_path}/token}}", channel: C1}}}}
    b: {{slack: {{token: "${{file:token}}", channel: C1}}}}
  routes: [{{to: [a, b]}}]
""",
            {"TEAM": "ml"},
        )
        model = loaded.settings.models["flight-delay"]
        assert model.owner == "ml-$5"
        assert model.minimum_rows == 250
        for channel in loaded.settings.alerts.channels.values():
            assert channel.slack is not None
            assert channel.slack.token == "xoxb-file"

    @pytest.mark.parametrize("env", [{}, {"HEARTBEAT": ""}])
    def test_reference_that_comes_out_empty_is_no_value(self, tmp_path: Path, env: dict[str, str]) -> None:
        loaded = config(tmp_path, MODEL + 'server: {heartbeat: "${HEARTBEAT:-}"}\n', env)
        assert loaded.settings.server.heartbeat is None

    def test_default_is_used_for_an_empty_variable(self, tmp_path: Path) -> None:
        loaded = config(tmp_path, MODEL + '    owner: "${TEAM:-nobody}"\n', {"TEAM": ""})
        assert loaded.settings.models["flight-delay"].owner == "nobody"

    def test_variable_of_an_overridden_value_is_not_needed(self, tmp_path: Path) -> None:
        (tmp_path / "1.yaml").write_text(MODEL.replace("{delta: log}", '{sql: "${DB}", table: t}'))
        (tmp_path / "2.yaml").write_text("log: {delta: log}\n")
        assert load(tmp_path, {}).settings.log is not None

    def test_values_are_not_interpolated_twice(self, tmp_path: Path) -> None:
        loaded = config(tmp_path, MODEL + '    owner: "${TEAM}"\n', {"TEAM": "${SECRET} $$"})
        assert loaded.settings.models["flight-delay"].owner == "${SECRET} $$"


class TestPaths:
    def test_relative_paths_lie_beside_the_config(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder = tmp_path / "etc"
        folder.mkdir()
        monkeypatch.chdir(tmp_path)
        loaded = config(
            Path("etc"),
            """
state: sqlite:///state.db?timeout=5
models:
  one: {columns: {score: s}, log: {delta: ./log}, baseline: {file: "train-{version}.parquet"}}
  two: {columns: {score: s, id: i}, log: {parquet: "data/*.parquet"}, labels: {sql: "sqlite:///l.db", table: t}}
  three: {columns: {score: s}, log: {delta: "s3://bucket/log"}}
  four: {columns: {score: s}, log: {sql: "sqlite:////abs.db", table: t}}
  five: {columns: {score: s}, log: {sql: "sqlite://", table: t}}
reports: [{name: weekly}, {name: other, folder: /srv/reports}]
""",
        )
        settings = loaded.settings
        assert settings.state == f"sqlite:///{folder}/state.db?timeout=5"
        logs = {name: settings.log_of(name) for name in settings.models}
        assert logs["one"] is not None
        assert logs["one"].delta == f"{folder}/log"
        assert settings.models["one"].baseline.file == f"{folder}/train-{{version}}.parquet"
        assert logs["two"] is not None
        assert logs["two"].parquet == f"{folder}/data/*.parquet"
        labels = settings.models["two"].labels
        assert labels is not None
        assert labels.sql == f"sqlite:///{folder}/l.db"
        assert [log.delta or log.sql for name in ("three", "four", "five") if (log := logs[name])] == [
            "s3://bucket/log",
            "sqlite:////abs.db",
            "sqlite://",
        ]
        assert [report.folder for report in settings.reports] == [folder / "reports-out", Path("/srv/reports")]

    def test_default_state_lies_beside_the_config(self, tmp_path: Path) -> None:
        assert config(tmp_path, MODEL).settings.state == f"sqlite:///{tmp_path}/driftline.db"

    def test_default_files(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        with pytest.raises(ConfigError, match=r"no config: neither \./config.yaml nor \./driftline.yaml is here"):
            find_config(None)
        (tmp_path / "driftline.yaml").touch()
        assert find_config(None) == [Path("driftline.yaml")]
        (tmp_path / "config.yaml").touch()
        assert find_config([]) == [Path("config.yaml")]
        assert find_config([Path("x")]) == [Path("x")]


class TestOrigins:
    def test_each_kind(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        loaded = config(
            Path(),
            """log: {delta: log}
models:
  "*":
    owner: me
    features: {private: [zip]}
  flight-delay:
    columns: {score: s}
    features: {exclude: [x]}
    settle: ${SETTLE}
    minimum_rows: ${ROWS:-7}
""",
            {"SETTLE": "20m"},
        )
        values = {path[2:]: value for path, value in by_path(loaded).items() if path[:1] == ("models",)}
        assert values["owner",] == ("me", "`*` at config.yaml:4")
        assert values["features", "private"] == (["zip"], "`*` at config.yaml:5")
        assert values["features", "exclude"] == (["x"], "config.yaml:8")
        assert values["settle",] == ("20m", "config.yaml:9, env SETTLE")
        assert values["minimum_rows",] == (7, "config.yaml:10, default of ${ROWS}")
        assert values["task",] == ("binary", "default")
        assert values["baseline", "learn"] == ("28d", "default")
        assert by_path(loaded)["log", "delta"] == (f"{tmp_path}/log", "config.yaml:1")

    def test_every_setting_of_a_model_is_listed(self, tmp_path: Path) -> None:
        loaded = config(tmp_path, MODEL)
        listed = {path[2] for path in by_path(loaded) if path[0] == "models"}
        assert listed == set(type(loaded.settings.models["flight-delay"]).model_fields) - {"log"}

    def test_without_a_model_the_common_settings_are_listed(self, tmp_path: Path) -> None:
        loaded = config(tmp_path, MODEL)
        listed = {path[0] for path in by_path(loaded, None)}
        assert listed == set(type(loaded.settings).model_fields) - {"models"}


SECRETS = """
log: {delta: log}
models:
  flight-delay:
    columns: {score: s, id: i}
    labels: {sql: "postgresql://me:s3cr3t@db.example/x", table: t}
    triggers: {retrain: {url: "https://ci.example/hook/s3cr3t?key=s3cr3t", secret: "${HOOK}"}}
alerts:
  channels:
    a: {slack: {token: s3cr3t, channel: C1}}
    b: {slack: {webhook: "https://hooks.slack.example/services/s3cr3t"}}
    c: {email: {smtp: "${SMTP}", to: [a@b.example]}}
    d: {webhook: {url: "https://me:s3cr3t@in.example/s3cr3t", secret: s3cr3t}}
    e: {email: {smtp: "smtp://me:${MAIL_PASSWORD}@mail.example", to: ["${OPS_TOKEN}@b.example"]}}
  routes: [{to: [a, b, c, d, e]}]
server: {heartbeat: "https://hc.example/s3cr3t"}
state: postgresql://me:${PW}@db.example/state?sslpassword=s3cr3t
"""
SECRETS_ENV = {
    "HOOK": "whsec_s3cr3t",
    "SMTP": "smtp://u:s3cr3t@mail.example:587",
    "PW": "s3cr3t@/:?#s3cr3t",
    "MAIL_PASSWORD": "s3cr3t",
    "OPS_TOKEN": "s3cr3t",
}


class TestSecrets:
    def test_no_listing_shows_one(self, tmp_path: Path) -> None:
        loaded = config(tmp_path, SECRETS, SECRETS_ENV)
        shown = {**by_path(loaded), **by_path(loaded, None)}
        assert "s3cr3t" not in str(shown)
        hosts = (
            "https://ci.example/***",
            "https://hooks.slack.example/***",
            "https://in.example/***",
            "https://hc.example/***",
        )
        assert [host for host in hosts if host not in str(shown)] == []
        assert shown["state",][0] == "postgresql://me:***@db.example/state?sslpassword=***"
        assert shown["alerts", "channels", "c", "email", "smtp"][0] == "smtp://u:***@mail.example:587"

    def test_the_hash_does_not_hold_one(self, tmp_path: Path) -> None:
        before = config(tmp_path, SECRETS, SECRETS_ENV)
        after = config(tmp_path, SECRETS.replace("s3cr3t", "changed"), {**SECRETS_ENV, "HOOK": "whsec_other"})
        assert before.hash("flight-delay") == after.hash("flight-delay")


class TestHash:
    def test_follows_the_models_own_settings(self, tmp_path: Path) -> None:
        base = config(tmp_path, MODEL).hash("flight-delay")
        assert len(base) == 12
        assert config(tmp_path, MODEL + "    settle: 1h\n").hash("flight-delay") != base
        assert config(tmp_path, MODEL.replace("delta: log", "delta: other")).hash("flight-delay") != base

    def test_ignores_what_is_none_of_the_models_business(self, tmp_path: Path) -> None:
        base = config(tmp_path, MODEL).hash("flight-delay")
        other = tmp_path / "moved"
        other.mkdir()
        assert config(other, MODEL).hash("flight-delay") == base
        assert config(tmp_path, MODEL + "    settle: 15m\n").hash("flight-delay") == base
        assert config(tmp_path, MODEL + "  second: {columns: {score: s}}\n").hash("flight-delay") == base

    def test_is_the_same_in_every_process(self, tmp_path: Path) -> None:
        """A literal: stored findings carry it, so it may only change with a note in the changelog."""
        assert config(tmp_path, MODEL).hash("flight-delay") == "df86e522d1a0"


def test_what_is_hardly_meant_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    loaded = config(
        Path(),
        """log: {delta: log}
models:
  one:
    features: {include: [a]}
  two: {columns: {score: s, label: y}}
alerts:
  channels: {a: {console: {}}, b: {console:}}
  routes: [{to: [a]}]
""",
    )
    assert [str(warning) for warning in loaded.warnings] == [
        "config.yaml:7:32: alerts.channels.b: no route and no report goes to this channel",
        "config.yaml:3:3: models.one.columns: neither score nor prediction is named: "
        "the model's outputs are not watched",
        "config.yaml:4:25: models.one.features.include: with auto: true every column is watched; "
        "`include` has no effect",
        "config.yaml:5:36: models.two.columns.label: without columns.id labels cannot be joined: "
        "performance is not judged",
    ]
    loaded = config(
        Path(),
        """log: {delta: log}
models:
  "*": {detectors: {domain_classifier: {}}, columns: {score: s}}
  one: {}
  two: {columns: {id: i}, horizons: [1h, 7d]}
  three: {columns: {id: i}, baseline: {file: train.parquet}}
  good: {columns: {id: i}}
  off: {detectors: {domain_classifier: {enabled: false}}}
""",
    )
    assert [str(warning).split(": ", 1)[1] for warning in loaded.warnings] == [
        'models."*".detectors.domain_classifier: without columns.id rows cannot be sampled: it judges nothing',
        'models."*".detectors.domain_classifier: it judges windows of a day, and `1d` is not among the horizons',
        'models."*".detectors.domain_classifier: it learns from the days of the log, '
        "and a baseline from a file has none",
    ]
    assert [str(warning) for warning in config(Path(), "state: sqlite://\n").warnings] == [
        "models: there is no model yet; add one below `models`, beside the defaults under `*`"
    ]
