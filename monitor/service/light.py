"""Keep a process small that mostly waits.

In: nothing. Out: nothing. Kept: pandas cannot be imported in this process any more (its children are free to),
Arrow's memory goes back to the system, and huge pages are not used.

Arrow loads pandas (90 MB) the first time it is given an array or gives one, only to ask whether that is one of
pandas's. What needs pandas (reports, deep dives) runs in processes of its own. SciPy loads a dozen parts of NumPy
(16 MB: masked arrays, random numbers, the test tools) only to have their names.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

import numpy as np
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
        # A column of a large batch is a few MB: as a mapping of its own it would be cleared by the system each time.
        _libc.mallopt(_OWN_MAPPING, 64 << 20)
        _libc.mallopt(_KEPT_FREE, 64 << 20)
        _libc.prctl(_NO_HUGE_PAGES, 1, 0, 0, 0)
    without_pandas()
    _scipy_alone()


def _scipy_alone() -> None:
    """Load `scipy.special` without what NumPy loads when all its names are asked for; each part comes when used."""
    absent = [name for name in _PARTS if name not in vars(np)]
    for name in absent:
        setattr(np, name, None)
    try:
        # Where another SciPy really needs one of them, it is loaded as usual by whoever asks next.
        with suppress(AttributeError, ImportError):
            import_module("scipy.special")
    finally:
        for name in absent:
            if vars(np).get(name, 0) is None:
                delattr(np, name)


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


_ARENAS, _OWN_MAPPING, _KEPT_FREE = -8, -3, -1  # glibc's M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD
_NO_HUGE_PAGES = 41  # Linux's PR_SET_THP_DISABLE
_PARTS = ("char", "core", "ctypeslib", "f2py", "ma", "matlib", "polynomial", "random", "rec", "strings", "testing")
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
