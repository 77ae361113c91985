"""Whether a Delta table in a local folder has grown since it was opened; where it has not, it is not opened again.

In: the table's folder, the commit that was seen. Out: the table as it was opened then. Kept: a few opened tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError


@dataclass(frozen=True, slots=True)
class Commit:
    """A version of a table in a local folder: the file that makes it, and what tells that file from another."""

    path: Path
    inode: int
    written: int


def commit_of(folder: Path, version: int) -> Commit | None:
    """The commit that made a version; None where its file is no longer kept."""
    path = folder / "_delta_log" / f"{version:020}.json"
    try:
        found = path.stat()
    except OSError:
        return None
    return Commit(path, found.st_ino, found.st_mtime_ns)


def still_newest(seen: Commit) -> bool:
    """Whether a commit is where it was (the table was not made anew) and none has followed: they have no gaps."""
    folder, version = seen.path.parents[1], int(seen.path.stem)
    return commit_of(folder, version) == seen and commit_of(folder, version + 1) is None


@lru_cache(maxsize=16)
def opened_at(uri: str, seen: Commit) -> DeltaTable | None:
    """The table whose newest commit was seen to be `seen`.

    An evaluation asks for it half a dozen times, and opening it reads the whole log each time. Only as many are held
    as are read at once: one of a year's daily files takes 0.3 MB.
    """
    try:
        return DeltaTable(uri)
    except (DeltaError, OSError, ValueError):
        return None
