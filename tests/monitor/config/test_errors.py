"""What a newcomer reads when the config is wrong: the whole text, with line and column."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.config import load
from monitor.config.errors import ConfigError

MODEL = "log: {delta: log}\nmodels:\n  one:\n    columns: {score: s}\n"  # the next line is 5
CHANNELS = "alerts:\n  channels:\n    team: {console: {}}\n  routes:\n    - {to: [team]}\n"


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def told(text: str, env: dict[str, str] | None = None) -> list[str]:
    Path("c.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(Path("c.yaml"), env or {})
    assert str(caught.value).splitlines() == [str(problem) for problem in caught.value.problems]
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "c.yaml:1:1: the file is empty; `driftline init` writes one to begin with"),
        ("# nothing\n", "c.yaml:1:1: the file is empty; `driftline init` writes one to begin with"),
        (
            "- a\n",
            "c.yaml:1:1: a config is a map of sections (state, log, models, alerts, reports, server), "
            "each `name: value`",
        ),
        ("a: [1,\n", "c.yaml:2:1: not valid YAML: the file ends too early; is a bracket left open?"),
        (
            "models:\n  *: {}\n",
            "c.yaml:2:4: not valid YAML: expected alphabetic or numeric character, but found ':'; "
            'write the defaults\' name in quotes: "*":',
        ),
        (
            "log:\n\tdelta: x\n",
            "c.yaml:2:1: not valid YAML: found character '\\t' that cannot start any token; "
            "indent with spaces, YAML allows no tabs there",
        ),
        (
            "log: {sql: ${URL}, table: t}\n",
            "c.yaml:1:13: not valid YAML: expected ',' or '}', but got '{'; inside { } or [ ] put \"${…}\" in quotes",
        ),
        (
            "state: a: b\n",
            "c.yaml:1:9: not valid YAML: mapping values are not allowed here; "
            "put text that holds a colon or begins with a special character in quotes",
        ),
        (
            'state: "sqlite\nlog: x\n',
            "c.yaml:3:1: not valid YAML: found unexpected end of stream; a quote is opened at line 1 and never closed",
        ),
        (
            "state: a\n---\nstate: b\n",
            "c.yaml:2:1: not valid YAML: a second document begins here; one file holds one document: remove the `---`, "
            "or give a folder with several files (-c DIR)",
        ),
        ("models:\n  a:\n alerts:\n", "c.yaml:3:2: not valid YAML: the indentation does not fit the lines above"),
        ("state: \x07\n", "c.yaml:1:8: a control character that YAML does not allow; remove it"),
        ("state: !secret x\n", "c.yaml:1:8: state: YAML tags such as !secret are not used here"),
        ("models: &m {one: *m}\n", "c.yaml:1:9: models.one: an alias that contains itself"),
        ("? [a]\n: b\n", "c.yaml:1:3: a key must be text; is a quote missing here?"),
        (
            "state: a\nlog: {delta: x}\nstate: b\n",
            "c.yaml:3:1: state: `state` is given twice; the first is at line 1. Keep one of them",
        ),
        ("models: {one: {<<: 3}}\n", "c.yaml:1:20: models.one: `<<` takes a map, or a list of maps"),
    ],
)
def test_malformed(text: str, message: str) -> None:
    assert told(text) == [message]


def test_alias_bomb_is_refused() -> None:
    """Ten lines that stand for 10^9 values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    (message,) = told("\n".join(lines))
    assert message.endswith("more than 500000 values; do aliases repeat aliases?")


def test_not_utf8_unreadable_missing_and_empty_folder() -> None:
    Path("latin.yaml").write_bytes("state: é".encode("latin-1"))
    Path("folder").mkdir()
    for path, message in (
        ("latin.yaml", "latin.yaml: is not UTF-8 text (byte 7)"),
        ("gone.yaml", "gone.yaml: no such file. `driftline init` writes one; -c FILE names another"),
        ("folder", "folder: the folder holds no *.yaml file"),
    ):
        with pytest.raises(ConfigError) as caught:
            load(Path(path), {})
        assert str(caught.value) == message


def mistakes() -> list[tuple[str, str]]:
    """The pairs of mistakes.txt: a config, what is told of it."""
    text = (Path(__file__).parent / "mistakes.txt").read_text(encoding="utf-8")
    pairs = []
    for block in text.split("\n\n")[1:]:
        *config, message = block.strip().splitlines()
        assert message.startswith("-> "), block
        written = "\n".join(line.removeprefix("| ") for line in config) + "\n"
        pairs.append((written.replace("<model>\n", MODEL), message.removeprefix("-> ")))
    return pairs


@pytest.mark.parametrize(("text", "message"), mistakes())
def test_wrong(text: str, message: str) -> None:
    assert told(text) == [message]


class TestReferences:
    def test_missing_variable_names_variable_file_and_line(self) -> None:
        assert told(MODEL + "    owner: ${TEAM}\n") == [
            "c.yaml:5:12: models.one.owner: environment variable TEAM is not set; set it, or give a default: ${TEAM:-…}"
        ]

    def test_missing_variables_of_one_value_are_told_together(self) -> None:
        (message,) = told(MODEL + '    owner: "${A}-${B}"\n')
        assert "environment variable A is not set" in message
        assert "environment variable B is not set" in message

    @pytest.mark.parametrize(
        ("written", "message"),
        [
            ("${1A}", "`${1A}` is no reference; write ${VAR}, ${VAR:-default} or ${file:/path}"),
            ("${A", "`${` without its `}`; write $$ for a plain dollar sign"),
            ("${file:/none}", "file /none cannot be read: No such file or directory"),
        ],
    )
    def test_malformed(self, written: str, message: str) -> None:
        assert told(f'{MODEL}    owner: "{written}"\n') == [f"c.yaml:5:12: models.one.owner: {message}"]

    def test_missing_variable_has_no_follow_up(self) -> None:
        """The value is unknown, so nothing is said about its type, nor about the section it is in."""
        (message,) = told(MODEL + "    minimum_rows: ${ROWS}\n")
        assert "environment variable ROWS is not set" in message
        (message,) = told(CHANNELS.replace("{console: {}}", '{slack: {token: "${T}", channel: C1}}') + MODEL)
        assert "environment variable T is not set" in message

    def test_a_secret_in_the_wrong_place_is_not_repeated(self) -> None:
        for line in ("settle: ${PW}", "timezone: ${PW}", "task: ${PW}", "minimum_rows: ${PW}", "false_alarms: ${PW}"):
            (message,) = told(f"{MODEL}    {line}\n", {"PW": "hunter2hunter2"})
            assert "hunter2" not in message
            assert "***" in message


class TestDefaults:
    def test_mistake_in_the_defaults_is_told_once_and_as_theirs(self) -> None:
        assert told('log: {delta: x}\nmodels:\n  "*":\n    ownr: me\n    settle: x\n  a: {}\n  b: {}\n') == [
            'c.yaml:4:5: models."*".ownr: unknown key `ownr`; did you mean `owner`?',
            "c.yaml:5:13: models.\"*\".settle: 'x' is not a duration; "
            "write a number and a unit, such as 15m, 1h or 28d",
        ]

    def test_mistake_in_defaults_that_no_model_uses_yet(self) -> None:
        assert told('models: {"*": {settl: 1h, log: {sql: "sqlite://"}, cadence: {grace: x}}}\n') == [
            'c.yaml:1:16: models."*".settl: unknown key `settl`; did you mean `settle`?',
            "c.yaml:1:69: models.\"*\".cadence.grace: 'x' is not a duration; "
            "write a number and a unit, such as 15m, 1h or 28d",
        ]


def test_everything_is_told_at_once_in_the_order_of_the_file() -> None:
    Path("d").mkdir()
    Path("d/a.yaml").write_text(
        "sate: x\nlog: {delta: x, parquet: y}\nmodels:\n  one: {settle: x, owner: '${NOBODY}'}\n"
    )
    Path("d/b.yaml").write_text("models: {one: {tsk: binary}}\nreports: [{name: w, to: [nowhere]}]\n")
    with pytest.raises(ConfigError) as caught:
        load(Path("d"), {})
    assert [str(problem).split(": ")[:2] for problem in caught.value.problems] == [
        ["d/a.yaml:1:1", "sate"],
        ["d/a.yaml:2:6", "log"],
        ["d/a.yaml:4:17", "models.one.settle"],
        ["d/a.yaml:4:27", "models.one.owner"],
        ["d/b.yaml:1:16", "models.one.tsk"],
        ["d/b.yaml:2:26", "reports[0].to[0]"],
    ]


def test_every_broken_file_of_a_folder_is_told() -> None:
    Path("d").mkdir()
    Path("d/a.yaml").write_text("a: [\n")
    Path("d/b.yaml").write_text("")
    with pytest.raises(ConfigError) as caught:
        load(Path("d"), {})
    assert [problem.place.file for problem in caught.value.problems if problem.place] == ["d/a.yaml", "d/b.yaml"]
