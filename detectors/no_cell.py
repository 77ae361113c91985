"""Why a row of a column has no cell: what is counted beside the cells, in this order.

In and out: nothing. Kept: nothing; the order is part of the format of stored profiles.
"""

from __future__ import annotations

AUX = ("null", "nan", "infinite", "mismatch", "absent")
NULL, NAN, INFINITE, MISMATCH, ABSENT = range(5)
