"""Which error is whose: the exit codes of the command line.

In: an exception. Out: 0 fine, 1 breach found, 2 the user's mistake (or something only the user can mend: a database
that is away, a full disk), 3 ours; and the text to show. Kept: nothing. Rooms know nothing of exit codes.
"""

from __future__ import annotations

import errno
from enum import IntEnum

from monitor.masking import mask_text


class Exit(IntEnum):
    """The contract's exit codes."""

    FINE = 0
    BREACH = 1
    MISTAKE = 2
    OURS = 3


class UserError(Exception):
    """What a command refuses on its own account; the message says what to do instead."""


# Named, not imported: a command that never touches a room must not pay for loading it, and an exception of a room
# that was never loaded cannot have been raised.
_ROOM_BASES = {
    "monitor.errors.UserError",
    "monitor.config.errors.ConfigError",
    "monitor.prediction_log.base.LogError",
    "monitor.store.errors.StoreError",
    "detectors.result.DetectorError",
    "alerts.errors.AlertError",
    "reports.errors.ReportError",
    "monitor.web.serve.CannotListen",
}
_DISK = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission denied",
    errno.EPERM: "not permitted",
}


def classify(error: BaseException) -> tuple[Exit, str]:
    """The exit code of an exception, and what to tell the user (secrets in URLs hidden)."""
    names = {f"{base.__module__}.{base.__qualname__}" for base in type(error).__mro__}
    if names & _ROOM_BASES:
        return Exit.MISTAKE, mask_text(str(error))
    if isinstance(error, OSError) and error.errno in _DISK:
        place = f": {error.filename}" if error.filename else ""
        return Exit.MISTAKE, f"{_DISK[error.errno]}{place}"
    first_line = (str(error).strip().splitlines() or [""])[0]
    return Exit.OURS, mask_text(f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__)
