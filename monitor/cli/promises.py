"""Promised against observed, for people.

In: promises. Out: a table, or a line. Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from monitor.cli.common import console

if TYPE_CHECKING:
    from monitor.promise import Promise

_STYLES = {"kept": "green", "over": "yellow", "broken": "bold red"}
_WORDS = {
    "kept": "kept",
    "over": "over, as chance may have it",
    "broken": "more than chance explains",
    "": "no budget",
}


def promises_table(promises: Sequence[Promise], days: int) -> None:
    """One line a model, then one a route with a budget."""
    from rich.table import Table
    from rich.text import Text

    if not promises:
        console().print("the config has no model")
        return
    table = Table(box=None, pad_edge=False, title=f"the last {days} days", title_justify="left")
    for heading in ("", "false alarms promised", "said false", "raised", "real", "expected", "not judged", ""):
        table.add_column(heading, overflow="fold", justify="left" if not heading else "right")
    for one in promises:
        name = one.name if one.kind == "model" else f"route {one.name}"
        promised = "–" if one.promised is None else f"{one.promised:.2g}"
        if one.promised is not None and one.days < days:
            promised += f" (in {one.days:.2g} days)"
        counts = (one.false, one.raised, one.real, one.expected, one.unjudged)
        standing = Text(_WORDS[one.standing], _STYLES.get(one.standing, "dim"))
        table.add_row(Text(name), Text(promised), *(Text(f"{count:,}") for count in counts), standing)
    console().print(table)
    waiting = sum(one.unjudged for one in promises if one.kind == "model")
    if waiting:
        many = "alarm has" if waiting == 1 else "alarms have"
        console().print(
            f"{waiting:,} {many} no verdict yet: `driftline incidents close ID --as …` counts it", markup=False
        )


def promise_line(one: Promise) -> str:
    """A model's or route's promise in a line; empty where none was made or nothing was raised."""
    if one.promised is None or not one.raised:
        return ""
    name = one.name if one.kind == "model" else f"route {one.name}"
    kinds = ((one.false, "false"), (one.real, "real"), (one.expected, "expected"), (one.unjudged, "not judged"))
    became = ", ".join(f"{count} {word}" for count, word in kinds if count)
    return f"{name}: {one.promised:.2g} false alarms promised in the last 30 days; {one.raised} raised: {became}"
