"""Buttons in Slack: we connect to it (Socket Mode, nothing listens here), it says what was pressed, and it is done.

In: the store, the settings in force, a clock, a Pulse. Out: nothing. Kept: what people did, by `monitor/acting.py`,
under their Slack name; in memory, which presses were seen, as Slack may tell of one twice.

One thread a Slack app. An envelope is answered at once, by a thread of the SDK's, and carried out by ours. What was
done is told by the outbox, as any change is: it edits the message the button is in. What could not be done is told to
whoever pressed the button, alone.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog

from alerts.channels.buttons import ACKNOWLEDGE, MUTE, Press, pressed
from alerts.errors import AlertError
from monitor import acting
from monitor.clock import Clock
from monitor.errors import UserError
from monitor.service.pulse import Pulse
from monitor.settings import Settings
from monitor.store import Store
from monitor.store.errors import StoreError

if TYPE_CHECKING:
    from slack_sdk.socket_mode import SocketModeClient

MUTED_FOR = timedelta(days=1)
# How often a thread shows that it lives, and how long it may not (seconds).
_LOOK, _STALLED = 1.0, 120.0
_FIRST_WAIT, _LONGEST_WAIT = 2.0, 60.0
_CALL = 10
_SEEN = 1_000

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class App:
    """One Slack app: its token, where Slack is, and our channels in it by Slack channel."""

    token: str
    api_url: str
    channels: tuple[tuple[str, str], ...]

    @property
    def loop(self) -> str:
        """Its name in /healthz."""
        return f"slack buttons ({', '.join(name for _, name in self.channels)})"

    def channel(self, slack_channel: str) -> str:
        """Our channel that a press in this Slack channel belongs to."""
        return dict(self.channels).get(slack_channel, self.channels[0][1])


class SlackButtons:
    """Listens for as many apps as the settings have; `wake` is called when something was done."""

    def __init__(self, store: Store, clock: Clock, pulse: Pulse, wake: Callable[[], None]) -> None:
        self._store, self._clock, self._pulse, self._wake = store, clock, pulse, wake
        self._listeners: dict[App, _Listener] = {}

    def use(self, settings: Settings) -> None:
        """Listen for the apps of these settings, and no longer for others."""
        wanted = apps_of(settings)
        for app in [app for app in self._listeners if app not in wanted]:
            self._listeners.pop(app).stop()
            self._pulse.forget(app.loop)
        for app in wanted:
            if app not in self._listeners:
                self._pulse.watch(app.loop, _STALLED)
                self._listeners[app] = _Listener(app, self._store, self._clock, self._pulse, self._wake)

    def status(self) -> Mapping[str, str]:
        """Whether each app is connected, for /healthz."""
        return {app.loop: listener.state for app, listener in self._listeners.items()}

    def close(self, timeout: float = 1.0) -> None:
        """Stop listening; a thread in the middle of a call is left behind, as it holds nothing."""
        for listener in self._listeners.values():
            listener.stop()
        deadline = time.monotonic() + timeout
        for listener in self._listeners.values():
            listener.thread.join(max(0.0, deadline - time.monotonic()))


def apps_of(settings: Settings) -> list[App]:
    """The Slack apps whose buttons are to work."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for name, given in settings.alerts.channels.items():
        if given.slack is not None and given.slack.app_token and not given.printed:
            key = given.slack.app_token, given.slack.api_url
            found.setdefault(key, []).append((given.slack.channel or "", name))
    return [App(token, url, tuple(channels)) for (token, url), channels in found.items()]


class _Listener:
    """One app's thread and connection."""

    def __init__(self, app: App, store: Store, clock: Clock, pulse: Pulse, wake: Callable[[], None]) -> None:
        self._app, self._store, self._clock, self._pulse, self._wake = app, store, clock, pulse, wake
        self.state = "connecting"
        self._stopping = threading.Event()
        self._pressed: queue.Queue[Press] = queue.Queue()
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._client: SocketModeClient | None = None
        self._try_at, self._wait = 0.0, _FIRST_WAIT
        self.thread = threading.Thread(target=self._run, name=app.loop, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._look_after_connection()
                self._act(self._pressed.get(timeout=_LOOK))
            except queue.Empty:
                pass
            except Exception as error:
                log.exception("a button could not be carried out", app=self._app.loop, error=str(error))
            self._pulse.beat(self._app.loop)
        if self._client is not None:
            self._client.close()

    def _look_after_connection(self) -> None:
        if self._client is not None and self._client.is_connected():
            self.state, self._wait = "connected", _FIRST_WAIT
            return
        if self.state == "connected":
            self.state = "connection lost"
            log.warning("not connected to Slack", app=self._app.loop)
        if time.monotonic() < self._try_at:
            return
        self._try_at = time.monotonic() + self._wait
        self._wait = min(2 * self._wait, _LONGEST_WAIT)
        try:
            if self._client is None:
                self._client = self._make()
            self._client.connect_to_new_endpoint()
        except Exception as error:  # noqa: BLE001 -- whatever keeps us from Slack is told in /healthz and tried again
            self.state = f"not connected: {type(error).__name__}: {error}"[:300]
            log.warning("not connected to Slack", app=self._app.loop, error=str(error))

    def _make(self) -> SocketModeClient:
        # As much as sending to Slack costs: not for a daemon that has no such channel.
        from slack_sdk import WebClient
        from slack_sdk.socket_mode import SocketModeClient

        web = WebClient(base_url=self._app.api_url, timeout=_CALL, retry_handlers=[])
        # It reconnects when Slack asks for it; when it cannot, we try, less and less often.
        client = SocketModeClient(self._app.token, web_client=web, auto_reconnect_enabled=False, concurrency=1)
        client.socket_mode_request_listeners.append(self._heard)
        return client

    def _heard(self, client: Any, request: Any) -> None:
        """Answer an envelope at once, whatever comes of it: Slack waits for three seconds."""
        client.send_socket_mode_response({"envelope_id": request.envelope_id})
        press = pressed(request.payload) if request.type == "interactive" else None
        if press is None or press.once in self._seen:
            return
        self._seen[press.once] = None
        while len(self._seen) > _SEEN:
            self._seen.popitem(last=False)
        self._pressed.put(press)

    def _act(self, press: Press) -> None:
        now = self._clock.now()
        try:
            if press.act == ACKNOWLEDGE:
                acting.acknowledged(self._store, press.incident, press.by, now)
            elif press.act == MUTE:
                channel = self._app.channel(press.channel)
                acting.muted(self._store, press.incident, MUTED_FOR, press.by, now, tell=channel)
            elif press.verdict is not None:
                acting.closed(self._store, press.incident, press.verdict, press.by, now)
        except (AlertError, UserError) as error:
            self._answer(press, str(error))
            return
        except StoreError:
            self._answer(press, "The state cannot be reached just now; nothing was changed.")
            raise
        log.info("button", act=press.act, incident=press.incident, by=press.by)
        self._wake()

    def _answer(self, press: Press, text: str) -> None:
        """Tell whoever pressed the button, and nobody else, why nothing was done."""
        from slack_sdk import WebhookClient

        from alerts.channels import markup

        if press.answer_to.startswith(("https://hooks.slack.com/", self._app.api_url.rpartition("/api/")[0] + "/")):
            answer = {"response_type": "ephemeral", "replace_original": False, "text": markup.plain(text)}
            WebhookClient(press.answer_to, timeout=_CALL, retry_handlers=[]).send_dict(answer)
