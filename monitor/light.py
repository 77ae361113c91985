"""Keep a process small that mostly waits.

In: nothing. Out: nothing. Kept: pandas cannot be imported in this process any more (its children are free to), and
Arrow's memory goes back to the system.

Arrow loads pandas (90 MB) the first time it is given an array or gives one, only to ask whether that is one of
pandas's. What needs pandas (reports, deep dives) runs in processes of its own.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

import pyarrow as pa


class _NotHere(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == "pandas":
            raise ModuleNotFoundError("kept out of this process", name=fullname)
        return None


def live_small() -> None:
    """Do without pandas, and without the memory that Arrow's own allocator and many threads keep for later."""
    pa.set_memory_pool(pa.system_memory_pool())
    if _libc is not None:
        _libc.mallopt(_ARENAS, 2)
    without_pandas()


def give_back() -> None:
    """Give memory that is free inside this process back to the system (with glibc; elsewhere nothing happens)."""
    if _libc is not None:
        _libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    try:
        libc = ctypes.CDLL("libc.so.6")
    except OSError:
        return None
    return libc if hasattr(libc, "malloc_trim") and hasattr(libc, "mallopt") else None


_ARENAS = -8  # glibc's M_ARENA_MAX
_libc = _glibc()


def without_pandas() -> bool:
    """Do without pandas from now on; False where it was loaded before."""
    if "pandas" in sys.modules:
        return False
    # Arrow's Python part asks once and takes no for an answer, but cannot bear the None its C++ part is quickest with.
    finder = _NotHere()
    sys.meta_path.insert(0, finder)
    try:
        settled = not pa.lib._pandas_api.have_pandas
    finally:
        sys.meta_path.remove(finder)
    sys.modules["pandas"] = None  # type: ignore[assignment]  # how a module is said to be absent
    return settled
