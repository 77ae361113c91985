"""One guarded HTTP POST: to an address that may be reached, within a time, with a bounded answer, following nothing.

In: a URL, the networks that may be reached though they are private. Out: the answer. Kept: connections, for a moment,
for what is sent next (`lines.py`).

The standard library's client does: it is given the very connection whose peer was judged (`guard.py`), which no HTTP
library takes, and costs the idle daemon nothing.
"""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

from alerts import signing
from alerts.channels import guard
from alerts.channels.base import DeliveryError, retry_after
from alerts.channels.cutoff import cut_off
from alerts.channels.guard import Network
from alerts.channels.lines import Lines
from alerts.errors import ChannelError
from alerts.text import one_line, shortened

_MOST = 65_536
# What no later attempt will change: the bytes are wrong, or the receiver is elsewhere.
_HOPELESS = frozenset({301, 302, 303, 307, 308, 400, 413, 415, 422})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver said."""

    status: int
    body: bytes
    wait: str | None

    def error(self, at: datetime, who: str, hopeless: frozenset[int] = frozenset()) -> DeliveryError:
        """What an answer that is no success means for the next attempt; `hopeless` are further statuses of no use."""
        wait = retry_after(self.wait, at)
        said = f": {shortened(one_line(self.body.decode(errors='replace')), 200)}" if self.body else ""
        elsewhere = " (redirects are not followed)" if 300 <= self.status < 400 else ""
        return DeliveryError(
            f"{who} answered {self.status}{said}{elsewhere}",
            retryable=self.status not in _HOPELESS | hopeless and self.status != 410,
            retry_after=wait,
            throttled=self.status == 429 and wait is not None,
            gone=self.status == 410,
            ambiguous=self.status >= 500,
        )


@dataclass(frozen=True)
class Address:
    """Where to post. `what` names the setting in errors; `timeout` is for the whole request (seconds)."""

    url: str = field(repr=False)
    allow: tuple[str, ...] = ()
    what: str = "webhook"
    timeout: float = 15.0
    context: ssl.SSLContext | None = None
    _parts: SplitResult = field(init=False, repr=False)
    _networks: tuple[Network, ...] = field(init=False, repr=False)
    _lines: Lines = field(init=False, repr=False, compare=False, default_factory=Lines)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        try:
            port = parts.port
        except ValueError as error:
            raise ChannelError(f"{self.what}: {error}") from error
        if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
            raise ChannelError(f"{self.what}: write an http or https URL with a host")
        if parts.username or parts.password:
            raise ChannelError(f"{self.what}: a user name or password in the URL is not sent; use a secret")
        object.__setattr__(self, "_parts", parts)
        object.__setattr__(self, "_networks", guard.networks(self.allow))

    @property
    def name(self) -> str:
        """What tells it from another: paths and queries often hold a token, so a digest stands for them."""
        return f"{self._parts.netloc}#{signing.fingerprint(self.url)}"

    def post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """POST once. Raises DeliveryError where there is no whole answer."""
        parts = self._parts
        host = str(parts.hostname)
        line = self._lines.take() or self._line(host)
        every = {"Host": parts.netloc, "User-Agent": "driftline", **headers}
        whole = False
        with cut_off(line.sock, self.timeout) as watch:
            try:
                if parts.scheme == "https" and not isinstance(line.sock, ssl.SSLSocket):
                    context = self.context or _tls()
                    line.sock = context.wrap_socket(line.sock, server_hostname=host, do_handshake_on_connect=False)
                    watch.socket = line.sock
                    line.sock.do_handshake()
                target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
                line.request("POST", target, body=body, headers=every)
                response = line.getresponse()
                answer = response.read(_MOST)
                if watch.late:
                    # Cut off, an answer looks as if it had ended.
                    raise TimeoutError(f"not answered in {self.timeout:g} s")
                whole = response.isclosed() and line.sock is not None
                return Answer(response.status, answer, response.getheader("Retry-After"))
            except ssl.SSLCertVerificationError as error:
                raise DeliveryError(f"{host}: {error.verify_message}", retryable=True) from error
            except (OSError, http.client.HTTPException, ValueError) as error:
                text = f"{host}: no proper answer: {type(error).__name__}: {error}"
                raise DeliveryError(text, retryable=True, ambiguous=True) from error
            finally:
                watch.over = True
                if whole:
                    self._lines.give(line)
                else:
                    line.close()
                    watch.socket.close()

    def _line(self, host: str) -> http.client.HTTPConnection:
        """A new connection to a peer that may be reached; TLS comes with the first request."""
        port = self._parts.port or (443 if self._parts.scheme == "https" else 80)
        line = http.client.HTTPConnection(host, port, timeout=self.timeout)
        # It must never connect by itself: nobody would judge the peer.
        line.auto_open = 0
        line.sock = guard.connect(host, port, self.timeout, self._networks)
        return line


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    # Reading the system's certificates takes longer than a request.
    return ssl.create_default_context()
