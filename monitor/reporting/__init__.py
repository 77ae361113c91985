"""Reports from what is stored: gather, render, keep, send. `write` and `announce` are the way in."""

from monitor.reporting.write import Written, announce, write

__all__ = ["Written", "announce", "write"]
