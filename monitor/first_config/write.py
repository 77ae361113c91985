"""Write a first config for a log nobody has described yet.

In: where the log is, what its columns were guessed to be, how far its history goes. Out: the text of a commented
config.yaml. Kept: nothing. Names that come from the data are quoted wherever YAML could take them for something else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from monitor.first_config.guess import Guess, LeftOut
from monitor.masking import HIDDEN, mask_text

VARIABLE = "DATABASE_URL"
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


@dataclass(frozen=True, slots=True)
class Source:
    """Where the log is: `kind` one of delta, parquet, sql, with the table or query of an SQL one."""

    kind: str
    address: str
    table: str | None = None
    query: str | None = None

    @property
    def secret(self) -> bool:
        """Whether the address holds a password, so that it must not be written into the config."""
        return HIDDEN in mask_text(self.address)

    def lines(self) -> Iterator[str]:
        """The log section, `key: value` each; a secret address becomes a variable."""
        address = f'"${{{VARIABLE}}}"' if self.secret else _scalar(self.address)
        yield f"{self.kind}: {address}"
        if self.table is not None:
            yield f"table: {_scalar(self.table)}"
        if self.query is not None:
            yield f"query: {_scalar(self.query)}"


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything the config is written from."""

    model: str
    source: Source
    guess: Guess
    span: tuple[datetime, datetime] | None
    timezone: str = "UTC"


def proposed_interval(span: tuple[datetime, datetime] | None, zone: ZoneInfo) -> tuple[date, date] | None:
    """Four weeks of history that end a week before the newest row, or None where there is not as much."""
    if span is None:
        return None
    first, last = (moment.astimezone(zone).date() for moment in span)
    start, end = last - timedelta(days=35), last - timedelta(days=7)
    return (start, end) if first <= start else None


def render(plan: Plan) -> str:
    """The config as text. `monitor.config.load` reads it back without complaint."""
    return "\n".join([*_head(plan), *_model(plan), *_tail()]) + "\n"


def model_name(text: str) -> str:
    """A table's or file's name as a model's name: `public.flight_delays` -> `flight-delays`."""
    last = re.split(r"[./\\]", re.sub(r"\.(parquet|pq)$", "", text.rstrip("/")))[-1]
    return re.sub(r"[^a-z0-9]+", "-", last.lower()).strip("-") or "model"


def _head(plan: Plan) -> Iterator[str]:
    yield "# Driftline's configuration, guessed from the newest rows of the log: read every line once."
    yield "# Check it with `driftline config check --ping`; every key is explained in docs/config.md."
    yield ""
    yield _line("state: sqlite:///driftline.db", "Driftline's own memory; postgresql://… for a team")
    yield ""
    if plan.source.secret:
        yield f"# The address holds a password, so it is read from the environment: export {VARIABLE}=…"
    yield "log:"
    yield from (f"  {line}" for line in plan.source.lines())
    yield ""


def _model(plan: Plan) -> Iterator[str]:
    guess = plan.guess
    yield "models:"
    yield f"  {_scalar(plan.model)}:"
    yield _line(f"    task: {guess.task}", "binary, multiclass or regression")
    yield "    columns:"
    for role, column in guess.roles.items():
        yield f"      {role}: {_scalar(column)}"
    for role in ("id", "version", "score", "prediction", "label"):
        if role not in guess.roles:
            yield f"      # {role}: …"
    yield from (f"    # Please check: {_comment(note)}" for note in guess.notes)
    if guess.task == "binary" and guess.positive != 1:
        yield f"    positive: {_scalar(str(guess.positive))}"
    yield _line(f"    timezone: {plan.timezone}", "days and weeks follow this clock, such as Europe/Berlin")
    yield "    features:"
    yield _line("      auto: true", f"watch every other column: {len(guess.features)} in the sample, and new ones")
    yield from _columns("exclude", "not read; remove a line to watch that column", guess.left_out)
    yield from _columns("private", "watched, but their values are hashed and never shown", guess.private)
    yield from _baseline(plan)
    yield "    horizons: [1d, 7d, 28d]"
    if guess.run is not None:
        yield f"    # `{_comment(guess.run)}` looks like the run of a batch model. To judge run by run, not day by day:"
        yield f'    # cadence: {{run: {_comment(guess.run)}, due: "mon 07:00", grace: 2h}}'
    if guess.segments:
        names = ", ".join(_scalar(_comment(name)) for name in guess.segments)
        yield _line(f"    # segments: [{names}]", "judge each value of these columns like the whole")
    yield _line("    severity: critical", "the loudest this model may be: info, warning or critical")
    yield ""


def _columns(key: str, meaning: str, columns: Sequence[LeftOut]) -> Iterator[str]:
    if not columns:
        yield _line(f"      {key}: []", meaning)
        return
    yield _line(f"      {key}:", meaning)
    for item in columns:
        yield _line(f"        - {_scalar(item.column)}", item.reason)


def _baseline(plan: Plan) -> Iterator[str]:
    interval = proposed_interval(plan.span, ZoneInfo(plan.timezone))
    if interval is None:
        yield "    # There is little history yet: the first 28 days of production become the reference."
        yield "    baseline: {learn: 28d}"
        return
    yield "    # What production is compared with. Choose a time in which the model worked well; `to` is the day after."
    yield f"    baseline: {{from: {interval[0]}, to: {interval[1]}}}"


def _tail() -> Iterator[str]:
    yield "# Who is told. Replace `screen` when you are ready; try it with `driftline alerts test screen`."
    yield "alerts:"
    yield "  channels:"
    yield "    screen: {console: {}}"
    yield '    # oncall: {slack: {token: "${SLACK_TOKEN}", channel: C0123}}'
    yield '    # team: {email: {smtp: "${SMTP}", to: [ml@example.org]}}'
    yield "  routes:"
    yield "    # - {match: {severity: critical}, to: [oncall]}"
    yield "    - {to: [screen]}"
    yield ""
    yield "reports:"
    yield '  - {name: weekly, cron: "0 8 * * mon", to: [screen]}'


def _line(text: str, comment: str) -> str:
    return f"{text:<39} # {_comment(comment)}"


def _scalar(text: str) -> str:
    """Text as a YAML scalar that reads back as the same text; `$` is doubled, it would begin a reference."""
    text = text.replace("$", "$$")
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=True)


def _comment(text: str) -> str:
    """Text that cannot end the comment it stands in."""
    return "".join(char if char.isprintable() else " " for char in text)
