"""From settings to what delivers: channels, routes, triggers.

In: the settings in force, transactions. Out: a `Deliverer`, and the parts it is made of.
Kept: nothing. A channel whose secret is empty prints to the console in the meantime, and says so.
"""

from __future__ import annotations

import os
import random
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TextIO

from sqlalchemy.engine import Connection

from alerts import matching
from alerts.channels.alertmanager import Alertmanager
from alerts.channels.apprise import Apprise
from alerts.channels.base import Channel
from alerts.channels.console import Console
from alerts.channels.email import Email
from alerts.channels.slack import Slack
from alerts.channels.webhook import Webhook
from alerts.delivery import Deliverer
from alerts.errors import AlertError, ChannelError
from alerts.health import Rate
from alerts.hours import WEEKDAYS, Digest, MuteTime
from alerts.routing import Escalation, Route, Timing
from alerts.site import Site
from alerts.triggers.airflow import Airflow
from alerts.triggers.github import Github
from alerts.triggers.policy import Mode, Trigger, target_name
from detectors.result import Severity
from monitor.service.channel_watch import ChannelWatch
from monitor.settings import (
    ChannelSettings,
    DigestSettings,
    ModelSettings,
    MuteTimeSettings,
    RouteSettings,
    Settings,
    TriggerSettings,
)

CONSOLE = "console"


@dataclass(frozen=True, slots=True)
class Wiring:
    """Channels by name, routes in order, and what a newcomer should be told about them."""

    channels: Mapping[str, Channel]
    routes: tuple[Route, ...]
    notes: tuple[str, ...] = ()
    rates: Mapping[str, Rate] = field(default_factory=dict)


def make_deliverer(
    settings: Settings,
    begin: Callable[[], AbstractContextManager[Connection]],
    stream: TextIO | None = None,
) -> Deliverer:
    """A deliverer for these settings. Raises AlertError for what cannot work."""
    wired = wire(settings, stream)
    worker = f"{socket.gethostname()}:{os.getpid()}:{random.SystemRandom().getrandbits(32):08x}"
    return Deliverer(
        begin,
        wired.channels,
        wired.routes,
        worker=worker,
        rng=random.Random(worker),  # noqa: S311 -- spreads retries, guards nothing
        site=make_site(settings),
        rates=wired.rates,
        watcher=ChannelWatch(tuple(settings.alerts.channels), settings.alerts.operators),
    )


def make_site(settings: Settings) -> Site:
    """Where messages link to."""
    actions = settings.server.actions
    return Site(settings.server.public_url, actions.secret, actions.valid)


def wire(settings: Settings, stream: TextIO | None = None) -> Wiring:
    """The channels and routes of these settings; `stream` is where consoles print (standard output).

    With no channels everything is printed. With no routes every incident goes to the consoles, or, where there is
    none, to every channel: an alert that reaches nobody helps nobody. Raises AlertError, naming the channel.
    """
    out = stream if stream is not None else sys.stdout
    channels: dict[str, Channel] = {}
    notes: list[str] = []
    for name, given in settings.alerts.channels.items():
        channels[name] = make_channel(name, given, settings.server.public_url, out)
        if given.printed and _stands_for(given):
            notes.append(f"channel {name}: no secret for {_stands_for(given)} is set, so its messages are printed here")
    if not channels:
        channels[CONSOLE] = Console(out)
        notes.append("no channels are configured, so messages are printed here")
    routes = tuple(make_routes(settings)) or (_everything(channels),)
    for model, its in settings.models.items():
        if model == "*":
            continue
        for name, trigger in its.triggers.items():
            channels[target_name(model, name)] = make_target(
                target_name(model, name), trigger, settings.server.public_url
            )
    rates = {name: rate for name, given in settings.alerts.channels.items() if (rate := _rate(given)) is not None}
    return Wiring(channels, routes, tuple(notes), rates)


def make_channel(name: str, given: ChannelSettings, public_url: str | None, stream: TextIO) -> Channel:
    """One channel from its settings. Raises ChannelError, naming it."""
    if given.printed:
        return Console(stream, given.console.color if given.console else True, note=_stands_for(given))
    if given.slack:
        slack = given.slack
        return _named(
            name,
            lambda: Slack(
                slack.token, slack.channel, slack.webhook, slack.mention, slack.api_url, buttons=bool(slack.app_token)
            ),
        )
    if given.email:
        email = given.email
        return _named(name, lambda: Email(email.smtp or "", email.to, email.sender))
    if given.alertmanager:
        url, allow = given.alertmanager.url or "", given.alertmanager.allow
        return _named(name, lambda: Alertmanager(url, allow))
    if given.apprise:
        urls = tuple(filter(None, given.apprise.urls))
        return _named(name, lambda: Apprise(urls))
    assert given.webhook is not None
    webhook = given.webhook
    return _named(name, lambda: Webhook(webhook.url or "", webhook.secret, webhook.allow, _source(public_url)))


def make_routes(settings: Settings) -> list[Route]:
    """The routes of these settings. Raises AlertError for a regular expression that is none."""
    routes = []
    for given in settings.alerts.routes:
        matchers: dict[str, tuple[str, ...]] = {
            key: (wanted,) if isinstance(wanted, str) else tuple(wanted) for key, wanted in given.match.items()
        }
        matching.check(matchers)
        routes.append(Route(given.to, matchers, given.go_on, make_timing(given, settings.alerts.mute_times)))
    return routes


def make_timing(given: RouteSettings, mute_times: Mapping[str, MuteTimeSettings]) -> Timing:
    """How soon and how often a route's channels hear of an incident."""
    digest = given.digest
    return Timing(
        group_wait=given.group_wait,
        group_interval=given.group_interval,
        repeat_interval=given.repeat_interval,
        mute=tuple(_mute_time(name, mute_times[name]) for name in given.mute),
        escalate=tuple(Escalation(step.after, step.to) for step in given.escalate),
        digest=_digest(digest) if digest else None,
        digest_below=digest.below if digest else Severity.CRITICAL,
    )


def _digest(given: DigestSettings) -> Digest:
    return Digest(given.at, WEEKDAYS.index(given.on) if given.on else None, given.timezone)


def _mute_time(name: str, given: MuteTimeSettings) -> MuteTime:
    return MuteTime(
        name=name,
        days=frozenset(WEEKDAYS.index(day) for day in given.days),
        dates=tuple(one if isinstance(one, tuple) else (one, one) for one in given.dates),
        start=given.start,
        end=given.end,
        timezone=given.timezone,
    )


def make_triggers(model: str, settings: ModelSettings) -> list[Trigger]:
    """A model's triggers as its policy sees them."""
    return [_trigger(model, name, given) for name, given in settings.triggers.items()]


def _trigger(model: str, name: str, given: TriggerSettings) -> Trigger:
    most, period = given.limit or (None, timedelta(days=30))
    mode = Mode.DRY_RUN if given.dry_run else Mode.APPROVAL if given.approval else Mode.LIVE
    return Trigger(name, model, given.when, given.cooldown, given.confirm, most, period, mode)


def make_target(name: str, given: TriggerSettings, public_url: str | None) -> Channel:
    """What a trigger calls, from its settings. Raises ChannelError, naming it."""
    if given.airflow:
        airflow = given.airflow
        return _named(name, lambda: Airflow(airflow.url, airflow.dag, airflow.token, given.allow))
    if given.github:
        hub = given.github
        return _named(
            name,
            lambda: Github(hub.repository, hub.workflow, hub.token, hub.ref, hub.input, hub.api_url, given.allow),
        )
    return _named(name, lambda: Webhook(given.url or "", given.secret, given.allow, _source(public_url)))


def _rate(given: ChannelSettings) -> Rate | None:
    """As configured; about one message a second is what Slack takes in one channel."""
    text = given.rate or ("1/s" if given.slack and not given.printed else None)
    if text is None:
        return None
    number, unit = int(text[:-2]), {"s": 1, "m": 60, "h": 3600}[text[-1]]
    return Rate(timedelta(seconds=unit) / number, burst=number)


def _everything(channels: Mapping[str, Channel]) -> Route:
    consoles = tuple(name for name, channel in channels.items() if channel.kind == "console")
    return Route(consoles or tuple(channels))


def _named(name: str, make: Callable[[], Channel]) -> Channel:
    try:
        return make()
    except AlertError as error:
        raise ChannelError(f"{name}: {error}") from error


def _stands_for(given: ChannelSettings) -> str:
    return given.kind


def _source(public_url: str | None) -> str:
    return public_url or "urn:driftline"
