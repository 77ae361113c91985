"""Driftline's own log: one structured line an event.

In: where to write, whether a person reads it. Out: a configured structlog. Kept: structlog's global set-up.
"""

from __future__ import annotations

import sys
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
