"""What a process does that is killed while it delivers: run by `multiprocessing`, so that it is a real one."""

from __future__ import annotations

from alerts.channels.base import Channel
from alerts.channels.slack import Slack
from alerts.channels.webhook import Webhook
from monitor.store.engine import Store, make_engine
from tests.support.incidents import DAY0
from tests.support.post import Post


def deliver(state: str, kind: str, url: str) -> None:
    """Flush and deliver to one channel, `oncall`, at `DAY0`."""
    Post(Store(make_engine(state)).begin, {"oncall": channel(kind, url)}, worker="child").run(DAY0)


def channel(kind: str, url: str) -> Channel:
    """The channel a child and its successor both send to."""
    if kind == "slack":
        return Slack(token="xoxb-test", channel="C1", api_url=url, timeout=30)
    return Webhook(url, None, ("127.0.0.0/8",), timeout=30)
