"""Statistics of what a model saw and said: pure functions over integer counts on a grid.

In: Arrow tables and plain arrays. Out: grids, profiles, statistics, findings judged and diagnosed. Kept: nothing.
"""

from detectors.columns import Column, ColumnKind, Excluded, Role
from detectors.grid import Grid
from detectors.profile import Profile
from detectors.result import DetectorError, Finding, Judgement, Kind, Severity, Statistic, Status, Window
from detectors.view import Category, ColumnProfile, Histogram

__all__ = [
    "Category",
    "Column",
    "ColumnKind",
    "ColumnProfile",
    "DetectorError",
    "Excluded",
    "Finding",
    "Grid",
    "Histogram",
    "Judgement",
    "Kind",
    "Profile",
    "Role",
    "Severity",
    "Statistic",
    "Status",
    "Window",
]
