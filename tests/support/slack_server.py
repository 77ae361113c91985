"""A server that behaves as Slack's Web API and incoming webhooks do, for what Driftline calls of them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

from tests.support.http_server import Answer, Request, Server
from tests.support.slack_limits import problems


class Slack:
    """`messages` by timestamp, in the order they were posted; `fail(method, Answer…)` makes the next calls fail.

    A failing call has its effect all the same where the answer says `drop` or `hang` (the answer is lost, the message
    is there), as well as on a 500 with `X-Posted`.
    """

    def __init__(self) -> None:
        self.messages: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.payloads: list[dict[str, Any]] = []
        self.hooked: list[dict[str, Any]] = []
        self.scopes = {"channels:history"}
        self.fetches = True  # whether it can reach the pictures it is to show
        self.server = Server(self._answer)
        self.url = f"{self.server.url}/api/"
        self.webhook = f"{self.server.url}/services/T0/B0/secret"
        self._failures: dict[str, list[Answer]] = {}
        self._clock = itertools.count(1)

    def fail(self, method: str, *answers: Answer) -> None:
        """Let the next calls of a method fail like this."""
        self._failures.setdefault(method, []).extend(answers)

    @property
    def parents(self) -> list[dict[str, Any]]:
        """Messages that are in no thread."""
        return [message for message in self.messages.values() if "thread_ts" not in message]

    def replies(self, ts: str) -> list[dict[str, Any]]:
        """Messages in a thread, without its parent."""
        return [message for message in self.messages.values() if message.get("thread_ts") == ts]

    def _answer(self, request: Request) -> Answer:
        method = request.path.rpartition("/")[2]
        failure = self._failures[method].pop(0) if self._failures.get(method) else None
        self.calls.append(method)
        if failure is not None and not (failure.drop or failure.hang or "X-Posted" in failure.headers):
            return failure
        if request.headers["content-type"].startswith("application/json"):
            given = json.loads(request.body)
        else:
            given = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        unseen = not self.fetches and '"image_url"' in request.body.decode()
        if method == "secret":
            if unseen:
                return Answer(400, {"Content-Type": "text/html"}, b"invalid_attachments")
            self.hooked.append(given)
            return failure or Answer(body=b"ok", headers={"Content-Type": "text/html"})
        if request.headers.get("authorization") != "Bearer xoxb-test":
            return _json({"ok": False, "error": "invalid_auth"})
        if unseen:
            return _json({"ok": False, "error": "invalid_blocks", "errors": ["downloading image failed"]})
        result = getattr(self, "_" + method.replace(".", "_"))(given)
        return failure or _json(result)

    def _chat_postMessage(self, given: dict[str, Any]) -> dict[str, Any]:
        self.payloads.append(given)
        if problems(given):
            return {"ok": False, "error": "invalid_blocks", "problems": problems(given)}
        thread = given.get("thread_ts")
        if thread is not None and thread not in self.messages:
            return {"ok": False, "error": "thread_not_found"}
        ts = f"1700000000.{next(self._clock):06d}"
        self.messages[ts] = {**given, "ts": ts}
        return {"ok": True, "ts": ts, "channel": given["channel"], "message": self.messages[ts]}

    def _chat_update(self, given: dict[str, Any]) -> dict[str, Any]:
        self.payloads.append(given)
        if problems(given):
            return {"ok": False, "error": "invalid_blocks", "problems": problems(given)}
        if given["ts"] not in self.messages:
            return {"ok": False, "error": "message_not_found"}
        self.messages[given["ts"]] |= given
        return {"ok": True, "ts": given["ts"]}

    def _conversations_history(self, given: dict[str, Any]) -> dict[str, Any]:
        return self._page([m for m in reversed(self.messages.values()) if "thread_ts" not in m], given)

    def _conversations_replies(self, given: dict[str, Any]) -> dict[str, Any]:
        if given["ts"] not in self.messages:
            return {"ok": False, "error": "thread_not_found"}
        return self._page([self.messages[given["ts"]], *self.replies(given["ts"])], given)

    def _page(self, messages: list[dict[str, Any]], given: dict[str, Any]) -> dict[str, Any]:
        if "channels:history" not in self.scopes:
            return {"ok": False, "error": "missing_scope", "needed": "channels:history"}
        start, size = int(given.get("cursor", 0)), int(given.get("limit", 100))
        shown = messages[start : start + size]
        if given.get("include_all_metadata") != "1":
            shown = [{k: v for k, v in message.items() if k != "metadata"} for message in shown]
        more = str(start + size) if start + size < len(messages) else ""
        return {"ok": True, "messages": shown, "response_metadata": {"next_cursor": more}}


def _json(data: dict[str, Any]) -> Answer:
    return Answer(body=json.dumps(data).encode(), headers={"Content-Type": "application/json; charset=utf-8"})


@contextmanager
def slack_server() -> Iterator[Slack]:
    """A Slack for the length of a block."""
    slack = Slack()
    try:
        yield slack
    finally:
        slack.server.close()
