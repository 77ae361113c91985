"""The configuration as values: one pydantic model a section, unknown keys refused.

In: plain mappings, already merged and interpolated by `config.py`. Out: frozen settings every other module reads.
Kept: nothing. How a key is written is told by its field's description, from which docs/config.md is written.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, field_validator, model_validator

from detectors.result import Severity
from monitor.setting_types import (
    Cron,
    Duration,
    Http,
    Listen,
    Mark,
    Moment,
    Section,
    StateUrl,
    TimeZone,
    parse_duration,
)


class LogSettings(Section):
    """Where a prediction log is; exactly one of delta, parquet, sql."""

    delta: Annotated[str | None, Mark.PATH] = Field(
        None, description="folder or object-store URL of the embedded log; one Delta table a model below it"
    )
    parquet: Annotated[str | None, Mark.PATH] = Field(
        None, description="file, folder or glob of Parquet files, read-only"
    )
    sql: Annotated[str | None, Mark.URL] = Field(None, description="database URL of your own table or query")
    table: str | None = Field(None, description="with sql: the table, `schema.table` where it is in a schema")
    query: str | None = Field(None, description="with sql: a SELECT with :start and :end in place of a table")

    @model_validator(mode="after")
    def _one_source(self) -> LogSettings:
        given = [name for name in ("delta", "parquet", "sql") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError("give exactly one of delta, parquet or sql")
        if self.sql and bool(self.table) == bool(self.query):
            raise ValueError("sql needs either table or query")
        if not self.sql and (self.table or self.query):
            raise ValueError("table and query go with sql")
        return self


class LabelSettings(LogSettings):
    """Labels that live apart from the predictions: where, under which column names."""

    delta: Annotated[str | None, Mark.PATH] = Field(
        None, description="folder of the embedded log that holds the labels table"
    )
    id: str = Field("id", description="column with the prediction's id")
    label: str = Field("label", description="column with the label")
    received_at: str = Field("received_at", description="column with the time the label became known")


class Columns(Section):
    """Which column plays which part."""

    timestamp: str = Field("timestamp", description="time of the prediction")
    id: str | None = Field(None, description="unique id of the prediction; labels are joined by it")
    version: str | None = Field(None, description="version of the model that served the row")
    score: str | None = Field(None, description="predicted probability of the positive class")
    prediction: str | None = Field(None, description="predicted class or value")
    label: str | None = Field(None, description="the truth, where it is in the same table or import file")
    label_time: str | None = Field(
        None, description="time the label became known, where it is in the same table or file"
    )
    run: str | None = Field(None, description="id of the batch run; set by cadence.run")


class Features(Section):
    """Which columns are watched as features."""

    auto: bool = Field(True, description="watch every column that plays no other part")
    include: tuple[str, ...] = Field((), description="with auto: false, the columns to watch")
    exclude: tuple[str, ...] = Field((), description="columns never read")
    private: tuple[str, ...] = Field((), description="columns whose values are hashed and never shown")


class BaselineSettings(Section):
    """What production is compared with; exactly one of from/to, file, learn, rolling, seasonal."""

    start: Moment | None = Field(None, alias="from", description="first day (or instant) of the reference interval")
    end: Moment | None = Field(None, alias="to", description="day after the last (or instant)")
    file: Annotated[str | None, Mark.PATH] = Field(
        None, description="training file (Parquet, CSV or NDJSON); may hold {version}"
    )
    learn: Duration | None = Field(None, description="learn the baseline from the first days of production")
    rolling: Duration | None = Field(
        None, description="compare with the days before the window; keeps the first as anchor"
    )
    seasonal: Duration | None = Field(None, description="compare with the same window one season earlier")
    new_version: Literal["inherit", "file", "learn"] = Field(
        "inherit", description="where a new model version's baseline comes from"
    )

    @model_validator(mode="after")
    def _one_form(self) -> BaselineSettings:
        given = [name for name in ("file", "learn", "rolling", "seasonal") if getattr(self, name) is not None]
        if self.start is not None or self.end is not None:
            if self.start is None or self.end is None:
                raise ValueError("an interval needs both from and to")
            if (str(self.start)[:10], str(self.start)) >= (str(self.end)[:10], str(self.end)):
                raise ValueError(f"from ({self.start}) must be before to ({self.end})")
            given.append("from/to")
        if len(given) != 1:
            raise ValueError("give exactly one of from/to, file, learn, rolling or seasonal")
        if self.new_version == "file" and not self.file:
            raise ValueError("new_version: file needs file, with {version} in its path")
        return self


class DetectorSettings(Section):
    """One detector's own settings."""

    enabled: bool = Field(True, description="false switches the detector off")
    threshold: float | None = Field(None, gt=0, description="fixed threshold in place of the default")


class Cadence(Section):
    """A batch model: one run is one window."""

    run: str = Field(description="column with the run's id")
    due: str = Field(description="when a run is due: `mon 07:00`, `07:00` for daily, in the model's time zone")
    grace: Duration = Field(timedelta(hours=2), description="how long a run may be late")

    @field_validator("due")
    @classmethod
    def _due(cls, value: str) -> str:
        if not re.fullmatch(r"((mon|tue|wed|thu|fri|sat|sun) )?([01]\d|2[0-3]):[0-5]\d", value.lower()):
            raise ValueError("write a time, with a weekday for a weekly run: `07:00` or `mon 07:00`")
        return value.lower()


class TriggerSettings(Section):
    """A retraining webhook with its policy."""

    url: Annotated[Http, Mark.ADDRESS] = Field(description="where the signed event is posted")
    secret: Annotated[str | None, Mark.HIDDEN] = Field(None, description="Standard Webhooks secret (`whsec_…`)")
    when: Literal["breach", "schedule"] = Field("breach", description="on a breach of `kinds`, or by `cron`")
    kinds: tuple[Literal["performance", "drift", "data"], ...] = Field(
        ("performance",), description="kinds of trouble that fire it"
    )
    cron: Cron | None = Field(None, description="with when: schedule, five cron fields in the model's time zone")
    cooldown: Duration = Field(timedelta(days=7), description="least time between two firings")
    confirm: int = Field(2, ge=1, description="with when: breach, how many windows must have breached before it fires")
    allow: tuple[str, ...] = Field((), description="networks (CIDR) that may be reached though they are private")

    @model_validator(mode="after")
    def _cron(self) -> TriggerSettings:
        if (self.when == "schedule") != (self.cron is not None):
            raise ValueError("cron goes with when: schedule")
        return self


def _horizons(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


class ModelSettings(Section):
    """One model, with the defaults under `"*"` already merged in."""

    owner: str | None = Field(None, description="person or team, shown in alerts and matched by routes")
    task: Literal["binary", "multiclass", "regression"] = Field("binary", description="what the model predicts")
    log: LogSettings | None = Field(None, description="the model's own log, in place of the one at top level")
    labels: LabelSettings | None = Field(None, description="where labels live, when not in the log itself")
    label_wait: Duration = Field(
        timedelta(days=1), description="how long labels are given to come before performance is judged"
    )
    columns: Columns = Field(default_factory=Columns, description="which column plays which part")
    features: Features = Field(default_factory=Features, description="which columns are watched")
    timezone: TimeZone = Field("UTC", description="days, weekdays and seasons follow this clock")
    baseline: BaselineSettings = Field(
        default_factory=lambda: BaselineSettings(learn=timedelta(days=28)),
        description="what production is compared with",
    )
    horizons: Annotated[tuple[Literal["1h", "1d", "7d", "28d"], ...], BeforeValidator(_horizons)] = Field(
        ("1d", "7d", "28d"), min_length=1, description="lengths of the windows"
    )
    cadence: Cadence | None = Field(None, description="for batch models: one run is one window, in place of horizons")
    settle: Duration = Field(timedelta(minutes=15), description="how long after its end a window is evaluated")
    false_alarms: str | None = Field(
        None, description="how many false alarms are acceptable: `1 per 30d`; learned from the baseline's days"
    )
    detectors: dict[str, DetectorSettings] = Field(
        default_factory=dict,
        description="per detector: threshold, enabled; naming one that is not on by default switches it on",
    )
    segments: tuple[str, ...] = Field((), description="columns whose values are judged like the whole")
    minimum_rows: int = Field(100, ge=1, description="fewer rows than this in a window are insufficient")
    decision_threshold: float = Field(0.5, gt=0, lt=1, description="score above which the positive class is predicted")
    positive: str | int | bool = Field(1, description="label of the positive class")
    severity: Severity = Field(Severity.CRITICAL, description="the loudest this model may be")
    triggers: dict[str, TriggerSettings] = Field(default_factory=dict, description="retraining webhooks")

    @field_validator("false_alarms")
    @classmethod
    def _budget(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"\d+(\.\d+)? per \d+[dhw]", value.strip()):
            raise ValueError(f"{value!r} is not a budget; write `1 per 30d`")
        return value

    @property
    def budget(self) -> float | None:
        """False incidents in 30 days that are acceptable; None where thresholds are fixed."""
        if self.false_alarms is None:
            return None
        count, length = self.false_alarms.split(" per ")
        return float(count) * timedelta(days=30) / parse_duration(length)

    @property
    def zone(self) -> ZoneInfo:
        """The model's time zone."""
        return ZoneInfo(self.timezone)


class SlackSettings(Section):
    """A Slack channel, by bot token (threads, edits) or incoming webhook."""

    token: Annotated[str | None, Mark.HIDDEN] = Field(None, description="bot token (`xoxb-…`)")
    channel: str | None = Field(None, description="with token: channel id (`C0123…`)")
    webhook: Annotated[Http | None, Mark.ADDRESS] = Field(
        None, description="incoming webhook URL, the simpler alternative"
    )
    mention: str | None = Field(None, description="who is mentioned when critical: `<!here>`, `<@U0123>`")
    api_url: Http = Field("https://slack.com/api/", description="for a proxy or a test server")

    @model_validator(mode="after")
    def _one(self) -> SlackSettings:
        if self.token and self.webhook:
            raise ValueError("give either token (with channel) or webhook")
        if self.token and not self.channel:
            raise ValueError("token needs channel")
        return self

    @property
    def ready(self) -> bool:
        """Whether it can be sent to; False while its secret is empty."""
        return bool(self.token or self.webhook)


class EmailSettings(Section):
    """E-mail by SMTP."""

    smtp: Annotated[str | None, Mark.URL] = Field(
        None, description="smtp://user:password@host:587 (STARTTLS), smtps://…:465 (TLS), smtp://…?starttls=never"
    )
    to: tuple[str, ...] = Field(min_length=1, description="recipients")
    sender: str = Field("driftline@localhost", alias="from", description="From address")

    @property
    def ready(self) -> bool:
        """Whether it can be sent to; False while its secret is empty."""
        return bool(self.smtp)


class WebhookSettings(Section):
    """Signed HTTP POST of every incident change."""

    url: Annotated[Http | None, Mark.ADDRESS] = Field(None, description="where events are posted")
    secret: Annotated[str | None, Mark.HIDDEN] = Field(None, description="Standard Webhooks secret (`whsec_…`)")
    allow: tuple[str, ...] = Field((), description="networks (CIDR) that may be reached though they are private")

    @property
    def ready(self) -> bool:
        """Whether it can be sent to; False while its secret is empty."""
        return bool(self.url)


class ConsoleSettings(Section):
    """Printed to standard output."""

    color: bool = Field(True, description="colours when it is a terminal")


class ChannelSettings(Section):
    """One named channel; exactly one of its kinds, and console beside it if you like.

    Beside another kind, console is where messages go while that kind's secret is empty (`"${SLACK_TOKEN:-}"`).
    """

    slack: SlackSettings | None = None
    email: EmailSettings | None = None
    webhook: WebhookSettings | None = None
    console: ConsoleSettings | None = None

    @model_validator(mode="before")
    @classmethod
    def _bare_console(cls, data: Any) -> Any:
        """`console:` with nothing behind it is a console: it has nothing that must be set."""
        if isinstance(data, dict) and "console" in data and data["console"] is None:
            return {**data, "console": {}}
        return data

    @model_validator(mode="after")
    def _one(self) -> ChannelSettings:
        given = [kind for kind in (self.slack, self.email, self.webhook) if kind is not None]
        if len(given) > 1 or not (given or self.console):
            raise ValueError("give exactly one of slack, email, webhook or console")
        if self.console is None and not given[0].ready:
            name = "slack" if self.slack else "email" if self.email else "webhook"
            needs = {"slack": "token (with channel) or webhook", "email": "smtp", "webhook": "url"}[name]
            raise ValueError(
                f"{name} needs {needs}, which is missing or empty; with `console: {{}}` beside {name} "
                "its messages are printed meanwhile"
            )
        return self

    @property
    def printed(self) -> bool:
        """Whether its messages go to the console: it is one, or the secret of its own kind is empty."""
        return not any(kind is not None and kind.ready for kind in (self.slack, self.email, self.webhook))


class RouteSettings(Section):
    """Who hears of which incidents: the first route that matches, unless it says `continue`."""

    match: dict[Literal["model", "owner", "severity", "diagnosis", "kind"], str | tuple[str, ...]] = Field(
        default_factory=dict,
        description="model, owner, severity, diagnosis, kind; all must match; `~…` is a regular expression",
    )
    to: tuple[str, ...] = Field(min_length=1, description="channels")
    go_on: bool = Field(False, alias="continue", description="look at the following routes too")

    group_wait: Duration = Field(timedelta(0), description="how long a new incident waits for company")
    group_interval: Duration = Field(timedelta(hours=6), description="least time between two updates of an incident")

    @field_validator("match")
    @classmethod
    def _expressions(cls, value: dict[str, str | tuple[str, ...]]) -> dict[str, str | tuple[str, ...]]:
        for key, given in value.items():
            for text in (given,) if isinstance(given, str) else given:
                try:
                    re.compile(text[1:] if text.startswith("~") else "")
                except re.error as error:
                    raise ValueError(f"{key}: {text[1:]!r} is no regular expression: {error}") from None
        return value


class AlertSettings(Section):
    """Channels and routes."""

    channels: dict[str, ChannelSettings] = Field(default_factory=dict, description="ways of telling people, by name")
    routes: tuple[RouteSettings, ...] = Field((), description="who hears of which incidents, looked at from the top")

    @model_validator(mode="after")
    def _known(self) -> AlertSettings:
        for route in self.routes:
            for name in route.to:
                if name not in self.channels:
                    known = ", ".join(sorted(self.channels)) or "none"
                    raise ValueError(f"a route goes to {name!r}, which is no channel (there are: {known})")
        return self


class ReportSettings(Section):
    """A report made by schedule."""

    name: str = Field(description="names the report's folder and mail")
    cron: Cron = Field("0 8 * * mon", description="five cron fields, in `timezone`")
    timezone: TimeZone = Field("UTC", description="clock of the cron line and of the times shown")
    period: Duration = Field(timedelta(days=7), description="how much each report covers")
    models: tuple[str, ...] = Field((), description="models in it; all when empty")
    to: tuple[str, ...] = Field((), description="channels it is sent to")
    folder: Annotated[Path, Mark.PATH] = Field(Path("reports-out"), description="where the HTML is written")
    deep_dive: bool = Field(True, description="Evidently's report of the worst breached window, linked")


class ServerSettings(Section):
    """Health, metrics and the dead-man's switch."""

    listen: Listen | None = Field("127.0.0.1:8787", description="host:port of /healthz and the pages; null for none")
    metrics: Listen | None = Field("127.0.0.1:9187", description="host:port of /metrics; null for none")
    public_url: Http | None = Field(None, description="how this server is reached from outside; used in links")
    heartbeat: Annotated[Http | None, Mark.ADDRESS] = Field(
        None, description="URL fetched after each round in which evaluation and delivery progressed"
    )


class Settings(Section):
    """The whole configuration."""

    state: Annotated[StateUrl, Mark.URL] = Field(
        "sqlite:///driftline.db",
        description="database of Driftline's own state: sqlite:///… or postgresql://…",
    )
    log: LogSettings | None = Field(None, description="prediction log of every model that has none of its own")
    models: dict[str, ModelSettings] = Field(default_factory=dict, description="by name; `*` holds defaults")
    alerts: AlertSettings = Field(default_factory=AlertSettings, description="channels and routes")
    reports: tuple[ReportSettings, ...] = Field((), description="reports made by schedule")
    server: ServerSettings = Field(
        default_factory=ServerSettings, description="health, metrics and the dead-man's switch"
    )
    catch_up: Duration = Field(
        timedelta(days=31), description="how far back missed windows are evaluated after downtime"
    )

    def log_of(self, model: str) -> LogSettings | None:
        """The log a model reads: its own, else the common one."""
        return self.models[model].log or self.log

    def dump(self) -> dict[str, Any]:
        """Plain data of every resolved value."""
        return self.model_dump(mode="json", by_alias=True)
