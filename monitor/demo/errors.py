"""What the demo refuses, and what to do about it."""

from monitor.errors import UserError


class DemoDataMissing(UserError):
    """The flights are not installed."""


class DemoFolderForeign(UserError):
    """The demo folder holds a log that this version of the demo did not write."""
