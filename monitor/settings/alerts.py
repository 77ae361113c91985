"""Who is told, and through what: channels and routes.

In: plain mappings. Out: frozen settings. Kept: nothing.
"""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, field_validator, model_validator

from detectors.result import Severity
from monitor.settings.types import Budget, Duration, Http, Mark, Rate, Section, TimeZone


class SlackSettings(Section):
    """A Slack channel, by bot token (threads, edits) or incoming webhook."""

    token: Annotated[str | None, Mark.HIDDEN] = Field(None, description="bot token (`xoxb-…`)")
    channel: str | None = Field(None, description="with token: channel id (`C0123…`)")
    webhook: Annotated[Http | None, Mark.ADDRESS] = Field(
        None, description="incoming webhook URL, the simpler alternative"
    )
    app_token: Annotated[str | None, Mark.HIDDEN] = Field(
        None, description="with token: app-level token (`xapp-…`) of an app in Socket Mode; messages then have buttons"
    )
    mention: str | None = Field(None, description="who is mentioned when critical: `<!here>`, `<@U0123>`")
    api_url: Http = Field("https://slack.com/api/", description="for a proxy or a test server")

    @model_validator(mode="after")
    def _one(self) -> SlackSettings:
        if self.token and self.webhook:
            raise ValueError("give either token (with channel) or webhook")
        if self.token and not self.channel:
            raise ValueError("token needs channel")
        if self.app_token and not self.token:
            raise ValueError("app_token needs token: an incoming webhook's messages cannot have buttons")
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


class AlertmanagerSettings(Section):
    """Prometheus Alertmanager: an incident is an alert."""

    url: Annotated[Http | None, Mark.ADDRESS] = Field(None, description="where its pages are: `http://host:9093`")
    allow: tuple[str, ...] = Field((), description="networks (CIDR) that may be reached though they are private")

    @property
    def ready(self) -> bool:
        """Whether it can be sent to; False while its URL is empty."""
        return bool(self.url)


class AppriseSettings(Section):
    """Any service Apprise knows: PagerDuty, Opsgenie, Teams, Discord, …; needs `driftline[apprise]`."""

    urls: Annotated[tuple[str, ...], Mark.HIDDEN] = Field((), description="Apprise's URLs: `pagerduty://…`")

    @property
    def ready(self) -> bool:
        """Whether it can be sent to; False while its URLs are empty."""
        return any(self.urls)


class ConsoleSettings(Section):
    """Printed to standard output."""

    color: bool = Field(True, description="colours when it is a terminal")


# The kinds a channel may be, and what each cannot do without.
_NEEDS = {
    "slack": "token (with channel) or webhook",
    "email": "smtp",
    "webhook": "url",
    "alertmanager": "url",
    "apprise": "urls",
}


class ChannelSettings(Section):
    """One named channel; exactly one of its kinds, and console beside it if you like.

    Beside another kind, console is where messages go while that kind's secret is empty (`"${SLACK_TOKEN:-}"`).
    """

    slack: SlackSettings | None = None
    email: EmailSettings | None = None
    webhook: WebhookSettings | None = None
    alertmanager: AlertmanagerSettings | None = None
    apprise: AppriseSettings | None = None
    console: ConsoleSettings | None = None
    rate: Rate | None = Field(
        None, description="most messages in a time: `30/m`, `1/s`, `500/h`; slack has `1/s`, the others no limit"
    )

    @model_validator(mode="before")
    @classmethod
    def _bare_console(cls, data: Any) -> Any:
        """`console:` with nothing behind it is a console: it has nothing that must be set."""
        if isinstance(data, dict) and "console" in data and data["console"] is None:
            return {**data, "console": {}}
        return data

    @model_validator(mode="after")
    def _one(self) -> ChannelSettings:
        given = self._given()
        if len(given) > 1 or not (given or self.console):
            raise ValueError("give exactly one of slack, email, webhook, alertmanager, apprise or console")
        if self.console is None and not given[self.kind].ready:
            name, needs = self.kind, _NEEDS[self.kind]
            raise ValueError(
                f"{name} needs {needs}, which is missing or empty; with `console: {{}}` beside {name} "
                "its messages are printed meanwhile"
            )
        return self

    @property
    def printed(self) -> bool:
        """Whether its messages go to the console: it is one, or the secret of its own kind is empty."""
        return not any(its.ready for its in self._given().values())

    @property
    def kind(self) -> str:
        """Which of the kinds it is; empty for a console alone."""
        return next(iter(self._given()), "")

    def _given(self) -> dict[str, Any]:
        return {name: its for name in _NEEDS if (its := getattr(self, name)) is not None}


Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _clock(value: object) -> object:
    """`07:30` as a time of day; YAML makes a number of it where it is not quoted."""
    if isinstance(value, int) and 0 <= value < 1440:
        return time(value // 60, value % 60)
    if not isinstance(value, str):
        return value
    if value == "24:00":
        return time(0)
    try:
        return time.fromisoformat(value if len(value) == len("07:30") else "")
    except ValueError:
        raise ValueError(f"{value!r} is no time of day; write 07:30, in quotes") from None


Clock = Annotated[time, BeforeValidator(_clock), PlainSerializer(lambda given: f"{given:%H:%M}", return_type=str)]


class MuteTimeSettings(Section):
    """Times of the week in which a route says nothing; what is still open then is told afterwards."""

    days: tuple[Weekday, ...] = Field((), description="weekdays on which it begins; all when empty")
    dates: tuple[date | tuple[date, date], ...] = Field(
        (), description="only on these days, or from and to: `[2026-12-25, [2026-12-31, 2027-01-02]]`"
    )
    start: Clock = Field(time(0), alias="from", description="when it begins, `20:00`")
    end: Clock = Field(time(0), alias="to", description="when it ends, past midnight where it is not after `from`")
    timezone: TimeZone = Field("UTC", description="whose clock")


class EscalationSettings(Section):
    """Who hears of an incident that nobody has acknowledged."""

    after: Duration = Field(description="how long after the first message")
    to: tuple[str, ...] = Field(min_length=1, description="channels")


class DigestSettings(Section):
    """One message a day or a week in place of single ones."""

    below: Severity = Field(Severity.CRITICAL, description="incidents below this severity go into it")
    at: Clock = Field(time(8), description="when it goes out, `08:00`")
    on: Weekday | None = Field(None, description="weekly, on this day; daily without it")
    timezone: TimeZone = Field("UTC", description="whose clock")


class RouteSettings(Section):
    """Who hears of which incidents: the first route that matches, unless it says `continue`."""

    match: dict[Literal["model", "owner", "severity", "diagnosis", "kind", "segment"], str | tuple[str, ...]] = Field(
        default_factory=dict,
        description="model, owner, severity, diagnosis, kind, segment; all must match; `~…` is a regular expression",
    )
    to: tuple[str, ...] = Field(min_length=1, description="channels")
    go_on: bool = Field(False, alias="continue", description="look at the following routes too")
    false_alarms: Budget | None = Field(
        None, description="how many false alarms those it tells accept in all; shared by the models it reaches"
    )
    group_wait: Duration = Field(timedelta(0), description="how long a new incident waits for company")
    group_interval: Duration = Field(timedelta(hours=6), description="least time between two updates of an incident")
    repeat_interval: Duration | None = Field(
        None, description="say it again after this long while nobody has acknowledged it; never without it"
    )
    mute: tuple[str, ...] = Field((), description="names of `mute_times` in which nothing is said")
    escalate: tuple[EscalationSettings, ...] = Field((), description="who else hears of it when nobody acknowledges it")
    digest: DigestSettings | None = Field(None, description="one message a day or a week for what is not urgent")

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
    operators: tuple[str, ...] = Field(
        (),
        description="channels told of Driftline's own troubles: a dead channel, a state that cannot be written; "
        "when empty, or when these are what is dead, the first other channel that works",
    )
    mute_times: dict[str, MuteTimeSettings] = Field(
        default_factory=dict, description="times of the week in which routes that name them say nothing"
    )

    @model_validator(mode="after")
    def _known(self) -> AlertSettings:
        for route in self.routes:
            for name in (*route.to, *(name for step in route.escalate for name in step.to)):
                if name not in self.channels:
                    known = ", ".join(sorted(self.channels)) or "none"
                    raise ValueError(f"a route goes to {name!r}, which is no channel (there are: {known})")
            for name in route.mute:
                if name not in self.mute_times:
                    known = ", ".join(sorted(self.mute_times)) or "none"
                    raise ValueError(f"a route is mute in {name!r}, which is no mute time (there are: {known})")
        for name in self.operators:
            if name not in self.channels:
                known = ", ".join(sorted(self.channels)) or "none"
                raise ValueError(f"operators names {name!r}, which is no channel (there are: {known})")
        return self
