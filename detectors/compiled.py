"""Functions compiled by numba, free of the interpreter lock.

In: a Python function. Out: the same, compiled when it is first called. Kept: the machine code, in numba's cache where
there is a writable place for it. Importing this module costs 100 MB and half a second: only what counts many rows does.
"""

from __future__ import annotations

from typing import Any

import numba


def compiled(function: Any) -> Any:
    """The function, compiled; its machine code is kept beside the module where that can be written."""
    try:
        return numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # nowhere to write a cache: compiled anew in every process
        return numba.njit(nogil=True)(function)
