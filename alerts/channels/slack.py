"""Slack: one parent message an incident, a thread that follows it, a parent that turns green by itself.

In: a bot token and a channel id, or an incoming webhook (messages only: no threads, no edits, no look-up). Out: the
place of the message in Slack. Kept: nothing. The SDK's own retries are off; after an answer was lost, the channel's
history is searched for our key before anything is posted again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import urlsplit

from alerts.channels import buttons, markup
from alerts.channels.base import Delivery, DeliveryError, Letter, retry_after
from alerts.errors import ChannelError
from alerts.message import Figure, Line, Message, Tone
from alerts.text import shortened

_EVENT = "driftline"
_COLOURS = {Tone.CRITICAL: "#d1242f", Tone.WARNING: "#e5940b", Tone.INFO: "#3b7dd8", Tone.GOOD: "#1f9d55"}
_SIGNS = {Tone.CRITICAL: "🔴", Tone.WARNING: "🟠", Tone.INFO: "🔵", Tone.GOOD: "🟢"}
_TITLE = 250
_LINE = 700
_PAGES, _PAGE = 5, 100
# The same bytes will be refused again; everything else (a revoked token, a channel the bot is not in) someone can mend.
_HOPELESS = frozenset(
    {
        "invalid_blocks", "invalid_blocks_format", "invalid_attachments", "msg_blocks_too_long", "msg_too_long",
        "no_text", "too_many_attachments", "metadata_too_large", "invalid_metadata_format", "invalid_arguments",
        "invalid_json",
    }
)  # fmt: skip
# How Slack says, too, that it could not fetch a chart.
_NO_IMAGE = frozenset({"invalid_blocks", "invalid_attachments"})
_PARENT_LOST = frozenset({"message_not_found", "thread_not_found", "cant_update_message", "edit_window_closed"})


@dataclass(frozen=True)
class Slack:
    """A Slack channel. Give `token` and `channel`, or `webhook`; `mention` is added to what is new and critical.

    With `buttons`, people act in Slack itself; somebody must be listening there (`monitor/service/slack_buttons.py`).
    """

    kind: ClassVar = "slack"
    lanes: ClassVar = 1
    token: str | None = field(default=None, repr=False)
    channel: str | None = None
    webhook: str | None = field(default=None, repr=False)
    mention: str | None = None
    api_url: str = "https://slack.com/api/"
    timeout: int = 15
    buttons: bool = False

    def __post_init__(self) -> None:
        if bool(self.token and self.channel) == bool(self.webhook):
            raise ChannelError("Slack needs either a token with a channel, or an incoming webhook")

    @property
    def endpoint(self) -> str:
        return f"{self.api_url}#{self.channel}" if self.token else str(urlsplit(str(self.webhook)).netloc)

    def render(self, message: Message, letter: Letter) -> bytes:
        """The parent as it is to be from now on, and the reply for the thread; which is sent shows when it is sent."""
        body = {"key": letter.key, "parent": self._parent(message, letter.first), "reply": _reply(message)}
        return json.dumps(body, ensure_ascii=False).encode()

    def send(self, delivery: Delivery) -> Mapping[str, Any]:
        """Post the parent, or edit it and reply in its thread. Returns where the parent is."""
        body = json.loads(delivery.body)
        if self.webhook:
            return self._post_webhook(body["parent"], delivery)
        from slack_sdk import WebClient

        client = WebClient(token=self.token, base_url=self.api_url, timeout=self.timeout, retry_handlers=[])
        call = _Call(client, delivery, str(self.channel))
        parent = str(delivery.earlier.get("ts", ""))
        if parent and call.update(parent, body["parent"], str(delivery.earlier["key"])):
            if not (delivery.ambiguous and call.found_reply(parent)):
                call.post(body["reply"], thread=parent)
            return dict(delivery.earlier)
        found = call.found_parent() if delivery.ambiguous else None
        return {"ts": found or call.post(body["parent"]), "key": delivery.key}

    def _post_webhook(self, payload: Mapping[str, Any], delivery: Delivery) -> Mapping[str, Any]:
        from slack_sdk import WebhookClient

        client = WebhookClient(str(self.webhook), timeout=self.timeout, retry_handlers=[])
        with _NetworkErrors():
            response = client.send_dict(dict(payload))
            if response.body in _NO_IMAGE and _has_image(payload):
                response = client.send_dict(_without_image(payload))
        if response.status_code != 200:
            headers = {str(name).lower(): str(value) for name, value in response.headers.items()}
            raise _refused(response.status_code, str(response.body), headers, delivery)
        return {}

    def _parent(self, message: Message, first: bool) -> dict[str, Any]:
        title = markup.escape(shortened(message.title, _TITLE))
        mention = f"{self.mention} " if self.mention and message.urgent and first else ""
        rows = [_figure(figure) for figure in message.figures]
        if message.more_figures:
            rows[-1] += f"  and {message.more_figures} more"
        parts = [
            [markup.escape(shortened(message.summary, _LINE))] if message.summary else [],
            [_line(line) for line in message.facts],
            rows,
            [_line(line) for line in message.lines],
        ]
        blocks = [markup.section("\n".join(part)) for part in parts if part]
        if message.picture is not None and message.picture.url:
            blocks.append(markup.image(message.picture.url, message.picture.alt))
        row = buttons.block(message) if self.buttons else None
        if row is not None:
            blocks.append(row)
        # Where there are buttons, the link that does the same is one too many.
        foot = [f"<{link.url}|{markup.escape(link.text)}>" for link in message.links[: 1 if row else None]]
        if message.change and message.event not in ("opened", "resolved"):
            foot.insert(0, markup.escape(shortened(message.change, _LINE)))
        if foot:
            blocks.append(markup.context(" · ".join(foot)))
        fallback = markup.plain(shortened(f"{message.title}: {message.summary}", _LINE))
        return {
            "text": f"{mention}{_SIGNS[message.tone]} *{title}*",
            "attachments": [{"color": _COLOURS[message.tone], "fallback": fallback, "blocks": blocks}],
            "unfurl_links": False,
            "unfurl_media": False,
        }


class _Call:
    """Calls of one delivery, with Slack's errors classified."""

    def __init__(self, client: Any, delivery: Delivery, channel: str) -> None:
        self._client = client
        self._delivery = delivery
        self._channel = channel

    def post(self, payload: Mapping[str, Any], thread: str | None = None) -> str:
        """Post with our key in the metadata; the message's timestamp."""
        place = {"thread_ts": thread} if thread else {}
        metadata = _metadata(self._delivery.key)
        answer = self._show("chat.postMessage", {**payload, **place, "channel": self._channel, "metadata": metadata})
        return str(answer["ts"])

    def update(self, ts: str, payload: Mapping[str, Any], key: str) -> bool:
        """Edit the parent, keeping its own key; False if it is not there (any more), so that a new one is posted."""
        try:
            self._show("chat.update", {**payload, "channel": self._channel, "ts": ts, "metadata": _metadata(key)})
        except _SlackRefusal as error:
            if error.code in _PARENT_LOST:
                return False
            raise
        return True

    def found_parent(self) -> str | None:
        """Timestamp of the message that carries our key, if the channel's recent history has it."""
        return self._search("conversations.history", {})

    def found_reply(self, thread: str) -> bool:
        """Whether a reply in this thread carries our key."""
        return self._search("conversations.replies", {"ts": thread}) is not None

    def _search(self, method: str, place: Mapping[str, Any]) -> str | None:
        cursor = ""
        for _ in range(_PAGES):
            arguments = {**place, "channel": self._channel, "include_all_metadata": True, "limit": _PAGE}
            try:
                answer = self._do(method, {**arguments, **({"cursor": cursor} if cursor else {})}, as_form=True)
            except _SlackRefusal as error:
                if error.code == "missing_scope":
                    # Without the right to look, at least once is all that can be had.
                    return None
                raise
            for message in answer.get("messages", []):
                metadata = message.get("metadata") or {}
                if (metadata.get("event_payload") or {}).get("key") == self._delivery.key:
                    return str(message["ts"])
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return None
        return None

    def _show(self, method: str, arguments: Mapping[str, Any]) -> Any:
        """Post or edit; without the chart where Slack cannot fetch it, as from an address only we can reach."""
        try:
            return self._do(method, arguments)
        except _SlackRefusal as error:
            if error.code not in _NO_IMAGE or not _has_image(arguments):
                raise
            return self._do(method, _without_image(arguments))

    def _do(self, method: str, arguments: Mapping[str, Any], as_form: bool = False) -> Any:
        from slack_sdk.errors import SlackApiError

        given = {"params": dict(arguments)} if as_form else {"json": dict(arguments)}
        try:
            with _NetworkErrors():
                return self._client.api_call(method, **given)
        except SlackApiError as error:
            response = error.response
            headers = {str(name).lower(): str(value) for name, value in response.headers.items()}
            raise _refused(response.status_code, str(response.get("error", "")), headers, self._delivery) from error


class _SlackRefusal(DeliveryError):
    """Slack said no, by this error code."""

    code = ""


class _NetworkErrors:
    """Turn what the SDK lets through (`TimeoutError`, `URLError`, a broken answer) into `DeliveryError`."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        from http.client import HTTPException
        from urllib.error import URLError

        if isinstance(error, URLError) and isinstance(error.reason, (ConnectionRefusedError, OSError)):
            arrived = isinstance(error.reason, (TimeoutError, ConnectionResetError, BrokenPipeError))
            raise DeliveryError(f"Slack: {error.reason}", retryable=True, ambiguous=arrived) from error
        if isinstance(error, (TimeoutError, OSError, HTTPException, ValueError)):
            text = f"Slack: {type(error).__name__}: {error}"
            raise DeliveryError(text, retryable=True, ambiguous=True) from error


def _refused(status: int, code: str, headers: Mapping[str, str], delivery: Delivery) -> _SlackRefusal:
    throttled = status == 429 or code in ("ratelimited", "rate_limited")
    error = _SlackRefusal(
        f"Slack answered {status}: {shortened(code, 200)}",
        retryable=throttled or status >= 500 or code not in _HOPELESS,
        retry_after=retry_after(headers.get("retry-after"), delivery.at) if throttled else None,
        throttled=throttled,
        # A server that broke while answering, or answered no Slack code, may have posted the message all the same.
        ambiguous=status >= 500 or (status == 200 and re.fullmatch("[a-z_]+", code) is None),
    )
    error.code = code
    return error


def _has_image(payload: Mapping[str, Any]) -> bool:
    return any(block["type"] == "image" for one in payload.get("attachments", ()) for block in one["blocks"])


def _without_image(payload: Mapping[str, Any]) -> dict[str, Any]:
    shown = [
        {**one, "blocks": [block for block in one["blocks"] if block["type"] != "image"]}
        for one in payload["attachments"]
    ]
    return {**payload, "attachments": shown}


def _metadata(key: str) -> dict[str, Any]:
    return {"event_type": _EVENT, "event_payload": {"key": key}}


def _reply(message: Message) -> dict[str, Any]:
    text = f"{_SIGNS[message.tone]} *{markup.escape(message.event.capitalize())}*"
    if message.change:
        text += f": {markup.escape(shortened(message.change, _LINE))}"
    return {"text": text, "unfurl_links": False, "unfurl_media": False}


def _line(line: Line) -> str:
    shown = markup.escape(shortened(line.text, _LINE))
    return f"*{markup.escape(line.label)}*  {shown}" if line.label else shown


def _figure(figure: Figure) -> str:
    parts = [markup.code(shortened(figure.subject, 80))]
    if figure.segment:
        parts.append(f"in {markup.code(shortened(figure.segment, 80))}")
    if figure.before or figure.after:
        parts.append(f"{markup.escape(shortened(figure.before, 60))} → *{markup.escape(shortened(figure.after, 60))}*")
    parts.append(f"{markup.escape(figure.measure)} {markup.escape(figure.value)}".strip())
    if figure.limit:
        parts.append(f"(limit {markup.escape(figure.limit)})")
    return "  ".join(parts)
