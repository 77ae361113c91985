"""Prometheus Alertmanager, for teams that route there: an incident is an alert, firing until it is resolved.

In: the server's URL, networks allowed though private. Out: nothing but success. Kept: nothing. Labels are what an alert
is known by, so they never change over an incident's life, but for `severity`: the alert of another severity is ended in
the same request. Source: Alertmanager's API v2, `POST /api/v2/alerts`.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar

from alerts.channels.base import Delivery, Letter
from alerts.channels.post import Address
from alerts.message import Message, Tone
from detectors.result import Severity, iso

_PATH = "/api/v2/alerts"
# Should Driftline be gone by then, the alert ends by itself.
_FIRING = timedelta(days=30)
_PASSING = timedelta(minutes=5)
_OTHERS = {"trigger": "DriftlineRetraining", "report": "DriftlineReport", "test": "DriftlineTest"}


@dataclass(frozen=True)
class Alertmanager:
    """An Alertmanager; `url` is where its pages are (`http://alertmanager:9093`)."""

    kind: ClassVar = "alertmanager"
    lanes: ClassVar = 4
    url: str = field(repr=False)
    allow: tuple[str, ...] = ()
    timeout: float = 15.0
    context: ssl.SSLContext | None = None
    _address: Address = field(init=False, repr=False)

    def __post_init__(self) -> None:
        where = self.url.rstrip("/") + _PATH
        address = Address(where, self.allow, "alertmanager", self.timeout, self.context)
        object.__setattr__(self, "_address", address)

    @property
    def endpoint(self) -> str:
        return self._address.name

    def render(self, message: Message, letter: Letter) -> bytes:
        """The alerts of one message, as the API takes them."""
        return json.dumps(alerts_of(message, letter), ensure_ascii=False, allow_nan=False).encode()

    def send(self, delivery: Delivery) -> Mapping[str, Any]:
        """POST the frozen alerts once; Alertmanager takes the same ones twice as one."""
        answer = self._address.post(delivery.body, {"Content-Type": "application/json"})
        if 200 <= answer.status < 300:
            return {"status": answer.status}
        raise answer.error(delivery.at, "Alertmanager")


def alerts_of(message: Message, letter: Letter) -> list[dict[str, Any]]:
    """One alert of the message's severity, and the end of what it may have been before."""
    data = message.data
    link = {"generatorURL": message.links[0].url} if message.links else {}
    told = {
        "summary": message.title,
        "description": "\n".join([message.summary, *(f"{line.label}: {line.text}" for line in message.facts)]),
        **({"action": str(data["detail"]["action"])} if "detail" in data else {}),
    }
    if message.kind != "incident":
        labels = {"alertname": _OTHERS.get(message.kind, "Driftline"), "severity": "info", "key": letter.stream}
        ends = message.at + _PASSING
        return [_alert(labels, told, iso(message.at), iso(ends), link)]
    detail = data["detail"]
    labels = {
        "alertname": "ModelIncident",
        "incident": str(data["id"]),
        "model": str(data["model"]),
        "kind": str(detail["kind"]),
        **({"owner": str(detail["owner"])} if detail["owner"] else {}),
    }
    over = message.tone is Tone.GOOD
    starts, now, later = str(detail["opened_at"]), iso(message.at), iso(message.at + _FIRING)
    firing = None if over else str(data["severity"])
    return [
        _alert({**labels, "severity": level.value}, told, starts, later if level.value == firing else now, link)
        for level in Severity
    ]


def _alert(
    labels: Mapping[str, str], told: Mapping[str, str], starts: str, ends: str, link: Mapping[str, str]
) -> dict[str, Any]:
    return {"labels": dict(labels), "annotations": dict(told), "startsAt": starts, "endsAt": ends, **link}
