"""Webhook: a signed CloudEvents body by POST, to a place that was checked.

In: a URL, secrets, networks allowed though private. Out: nothing but success. Kept: nothing; the body is frozen, the
signature is made anew for each attempt (its timestamp is the attempt's). Redirects are not followed, the answer is read
to 64 KB at most, an attempt ends after `timeout` seconds in all. Plain `http.client`: it connects where we tell it, and
costs the idle daemon nothing. Sources: Standard Webhooks 1.0, CloudEvents 1.0 (structured mode).
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import SplitResult, urlsplit

from alerts import signing
from alerts.channels import guard
from alerts.channels.base import Delivery, DeliveryError, Letter, retry_after
from alerts.channels.cutoff import cut_off
from alerts.channels.guard import Network
from alerts.errors import ChannelError
from alerts.message import Message
from alerts.text import one_line, shortened
from detectors.result import iso

_MOST = 65_536
_TYPES = {"trigger": "retrain"}
# What no later attempt will change: the bytes are wrong, or the receiver is elsewhere.
_HOPELESS = frozenset({301, 302, 303, 307, 308, 400, 413, 415, 422})


@dataclass(frozen=True)
class Webhook:
    """A webhook receiver. `secret` is `whsec_…`, several separated by commas while one is being replaced."""

    url: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)
    allow: tuple[str, ...] = ()
    source: str = "urn:driftline"
    timeout: float = 15.0
    context: ssl.SSLContext | None = None
    _keys: tuple[bytes, ...] = field(init=False, repr=False)
    _parts: SplitResult = field(init=False, repr=False)
    _networks: tuple[Network, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        try:
            port = parts.port
        except ValueError as error:
            raise ChannelError(f"webhook: {error}") from error
        if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
            raise ChannelError("webhook: write an http or https URL with a host")
        if parts.username or parts.password:
            raise ChannelError("webhook: a user name or password in the URL is not sent; sign with a secret")
        object.__setattr__(self, "_parts", parts)
        object.__setattr__(self, "_keys", signing.secrets_of(self.secret) if self.secret else ())
        object.__setattr__(self, "_networks", guard.networks(self.allow))

    @property
    def kind(self) -> str:
        return "webhook"

    @property
    def endpoint(self) -> str:
        # Paths and queries of webhooks often hold a token: a digest tells them apart and gives nothing away.
        return f"{self._parts.netloc}#{signing.fingerprint(self.url)}"

    @property
    def lanes(self) -> int:
        return 4

    def render(self, message: Message, letter: Letter) -> bytes:
        """A CloudEvents 1.0 event in JSON; its id is the delivery's key."""
        return json.dumps(cloud_event(message, letter, self.source), ensure_ascii=False, allow_nan=False).encode()

    def send(self, delivery: Delivery) -> Mapping[str, Any]:
        """POST the frozen body once."""
        headers = {
            "Content-Type": "application/cloudevents+json; charset=utf-8",
            "User-Agent": "driftline",
            "Connection": "close",
            "webhook-id": delivery.key,
            "webhook-timestamp": str(int(delivery.at.timestamp())),
        }
        headers |= signing.sign(self._keys, delivery.key, delivery.at, delivery.body) if self._keys else {}
        status, answer, given = self._post(delivery.body, headers)
        if 200 <= status < 300:
            return {"status": status}
        wait = retry_after(given, delivery.at)
        said = f": {shortened(one_line(answer.decode(errors='replace')), 200)}" if answer else ""
        raise DeliveryError(
            f"the receiver answered {status}{said}" + (" (redirects are not followed)" if 300 <= status < 400 else ""),
            retryable=status not in _HOPELESS and status != 410,
            retry_after=wait,
            throttled=status == 429 and wait is not None,
            gone=status == 410,
            ambiguous=status >= 500,
        )

    def _post(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes, str | None]:
        parts = self._parts
        secure = parts.scheme == "https"
        host, port = str(parts.hostname), parts.port or (443 if secure else 80)
        sock = guard.connect(host, port, self.timeout, self._networks)
        connection = http.client.HTTPConnection(host, port, timeout=self.timeout)
        with cut_off(sock, self.timeout) as watch:
            try:
                if secure:
                    context = self.context or _tls()
                    watch.socket = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
                    watch.socket.do_handshake()
                connection.sock = watch.socket
                target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
                connection.request("POST", target, body=body, headers={"Host": parts.netloc, **headers})
                response = connection.getresponse()
                answer = response.read(_MOST)
                if watch.late:
                    # Cut off, an answer looks as if it had ended.
                    raise TimeoutError(f"not answered in {self.timeout:g} s")
                return response.status, answer, response.getheader("Retry-After")
            except ssl.SSLCertVerificationError as error:
                raise DeliveryError(f"{host}: {error.verify_message}", retryable=True) from error
            except (OSError, http.client.HTTPException, ValueError) as error:
                text = f"{host}: no proper answer: {type(error).__name__}: {error}"
                raise DeliveryError(text, retryable=True, ambiguous=True) from error
            finally:
                connection.close()
                watch.socket.close()


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    # Reading the system's certificates takes longer than a request.
    return ssl.create_default_context()


def cloud_event(message: Message, letter: Letter, source: str) -> dict[str, Any]:
    """The event of one message; `docs/webhooks.md` has its schema."""
    data: dict[str, Any] = dict(message.data)
    return {
        "specversion": "1.0",
        "id": letter.key,
        "source": source,
        "type": f"driftline.{_TYPES.get(message.kind, message.kind)}.{message.event}",
        "subject": letter.stream,
        "time": iso(message.at),
        "datacontenttype": "application/json",
        "data": data,
    }
