"""Console: a readable block an event, for the first day and for channels whose secret is not set yet.

In: a stream. Out: text on it, in colour on a terminal. Kept: nothing. Control characters in data never reach the
terminal.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TextIO

from alerts.channels.base import Delivery, DeliveryError, Letter
from alerts.message import Message, Tone
from alerts.text import one_line
from detectors.result import iso

_COLOURS = {Tone.CRITICAL: "31", Tone.WARNING: "33", Tone.INFO: "36", Tone.GOOD: "32"}
_WIDTH = 100


@dataclass(frozen=True)
class Console:
    """Prints; `note` says whose place it takes."""

    kind: ClassVar = "console"
    lanes: ClassVar = 1
    stream: TextIO = field(repr=False)
    color: bool = True
    note: str = ""

    @property
    def endpoint(self) -> str:
        return "console"

    def render(self, message: Message, letter: Letter) -> bytes:
        """Plain text; what is bold or coloured is decided by the terminal it meets."""
        head = f"{iso(message.at)}  {one_line(message.title)}"
        to = f"  [to {letter.channel}{', ' + self.note if self.note else ''}]" if self.note else ""
        rows = [head + to]
        rows += _wrapped("", message.summary)
        for line in message.facts:
            rows += _wrapped(line.label, line.text)
        for number, figure in enumerate(message.figures, start=1):
            change = f"{figure.before} → {figure.after}, " if figure.before or figure.after else ""
            limit = f" (limit {figure.limit})" if figure.limit else ""
            where = f" in {figure.segment}" if figure.segment else ""
            last = message.more_figures and number == len(message.figures)
            more = f", and {message.more_figures} more" if last else ""
            measured = f"{figure.measure} {figure.value}".strip()
            rows += _wrapped("", f"· {figure.subject}{where}: {change}{measured}{limit}{more}")
        for line in message.lines:
            rows += _wrapped(line.label, line.text)
        if message.change and message.event not in ("opened", "resolved"):
            rows += _wrapped("Change", message.change)
        rows += [f"    {link.text}: {link.url}" for link in message.links]
        tone = _COLOURS[message.tone]
        return f"{tone}\n".encode() + ("\n".join(rows) + "\n").encode()

    def send(self, delivery: Delivery) -> Mapping[str, Any]:
        """Print the block."""
        colour, _, text = delivery.body.decode().partition("\n")
        head, _, rest = text.partition("\n")
        try:
            if self.color and self.stream.isatty():
                head = f"\x1b[1;{colour}m{head}\x1b[0m"
            self.stream.write(f"{head}\n{rest}\n")
            self.stream.flush()
        except (OSError, ValueError) as error:
            raise DeliveryError(f"the console is closed: {error}", retryable=False) from error
        return {}


def _wrapped(label: str, text: str) -> list[str]:
    prefix = f"{label:<11}" if label else ""
    return textwrap.wrap(
        prefix + one_line(text),
        width=_WIDTH,
        initial_indent="    ",
        subsequent_indent="    " + " " * len(prefix),
        break_long_words=True,
        break_on_hyphens=False,
    )
