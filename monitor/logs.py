"""Driftline's own log: one structured line an event.

In: where to write, whether a person reads it. Out: a configured structlog. Kept: structlog's global set-up.
"""

from __future__ import annotations

import sys
import traceback
from typing import TextIO

import structlog


def configure(stream: TextIO | None = None, *, pretty: bool | None = None) -> None:
    """Write JSON lines to `stream` (default: standard error), or readable ones where that is a terminal."""
    stream = stream or sys.stderr
    if pretty is None:
        pretty = stream.isatty()
    renderer: structlog.types.Processor = (
        structlog.dev.ConsoleRenderer() if pretty else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )


def described(error: Exception) -> dict[str, str]:
    """What to log of an unforeseen error: its type and where it happened. What it says may quote data: not that."""
    return {"error": type(error).__name__, "frames": "".join(traceback.format_tb(error.__traceback__))}
