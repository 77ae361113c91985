"""Runnable comparisons, each printing a table: `python -m benchmarks` runs them all, one process at a time."""
