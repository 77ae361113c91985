"""Everything else, by way of Apprise: PagerDuty, Opsgenie, Teams, Discord, Telegram and a hundred more.

In: Apprise's URLs. Out: which of them have the message. Kept: nothing. The package is optional
(`pip install 'driftline[apprise]'`) and is loaded when the first message is sent. It says only whether a service took a
message, so whatever fails is tried again, alone.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from alerts import signing
from alerts.channels.base import Delivery, DeliveryError, Letter
from alerts.errors import ChannelError
from alerts.message import Message, Tone
from alerts.text import one_line

_TYPES = {Tone.CRITICAL: "failure", Tone.WARNING: "warning", Tone.INFO: "info", Tone.GOOD: "success"}


@dataclass(frozen=True)
class Apprise:
    """A channel of one or more of Apprise's URLs (`pagerduty://…`, `msteams://…`)."""

    kind: ClassVar = "apprise"
    lanes: ClassVar = 1
    urls: tuple[str, ...] = field(repr=False)

    def __post_init__(self) -> None:
        if not self.urls:
            raise ChannelError("apprise: there are no URLs")
        if importlib.util.find_spec("apprise") is None:
            raise ChannelError("apprise: the package is missing; pip install 'driftline[apprise]'")

    @property
    def endpoint(self) -> str:
        schemes = "+".join(_scheme(url) for url in self.urls)
        return f"{schemes}#{signing.fingerprint(' '.join(self.urls))}"

    def render(self, message: Message, letter: Letter) -> bytes:
        """Title, text and kind; each service gives them its own form."""
        body = {"title": one_line(message.title), "body": "\n".join(_lines(message)), "type": _TYPES[message.tone]}
        return json.dumps(body, ensure_ascii=False).encode()

    def send(self, delivery: Delivery) -> Mapping[str, Any]:
        """Hand it to every service that has not got it yet."""
        import apprise

        body = json.loads(delivery.body)
        done: list[str] = list(delivery.progress.get("done", []))
        failed: dict[str, str] = {}
        for url in self.urls:
            # URLs hold secrets: what is kept of them is a digest.
            mark = signing.fingerprint(url)
            if mark in done:
                continue
            service = apprise.Apprise.instantiate(url, suppress_exceptions=True)
            if service is None:
                failed[mark] = f"{_scheme(url)}: Apprise does not know this URL"
                continue
            with apprise.LogCapture(level=apprise.logging.WARNING, fmt="%(message)s") as log:  # type: ignore[no-untyped-call]
                taken = service.notify(title=body["title"], body=body["body"], notify_type=body["type"])
                said = log.getvalue()
            if taken:
                done.append(mark)
            else:
                failed[mark] = f"{_scheme(url)}: {_without(said, self.urls) or 'not taken'}"
        if failed:
            raise DeliveryError("; ".join(failed.values()), retryable=True, progress={"done": done})
        return {"done": done}


def _scheme(url: str) -> str:
    return url.partition("://")[0]


def _without(said: str, urls: Sequence[str]) -> str:
    """What a service's log says, without any part of the URLs that may be a secret."""
    secrets = {part for url in urls for part in url.partition("://")[2].replace("?", "/").split("/") if len(part) > 3}
    text = one_line(said)
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "…")
    return text[:300]


def _lines(message: Message) -> list[str]:
    lines = [message.summary]
    lines += [f"{line.label}: {line.text}" for line in message.facts]
    for figure in message.figures:
        where = f" in {figure.segment}" if figure.segment else ""
        change = f"{figure.before} → {figure.after}  " if figure.before or figure.after else ""
        limit = f" (limit {figure.limit})" if figure.limit else ""
        lines.append(f"{figure.subject}{where}: {change}{figure.measure} {figure.value}".rstrip() + limit)
    lines += [f"{line.label}: {line.text}" if line.label else line.text for line in message.lines]
    if message.change and message.event not in ("opened", "resolved"):
        lines.append(f"Change: {message.change}")
    lines += [f"{link.text}: {link.url}" for link in message.links]
    return [one_line(line) for line in lines if line]
