"""The reports' errors: one base, so that monitor can tell a report's trouble from its own.

In: nothing. Out: `ReportError`. Kept: nothing.
"""

from __future__ import annotations


class ReportError(Exception):
    """Base of everything the reports raise on purpose; the message is fit to show the report's owner."""
