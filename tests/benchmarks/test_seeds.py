"""Seeds side by side: the same in however many processes, in order, and told how far it is."""

from __future__ import annotations

import io
import os

import pytest

from benchmarks.seeds import Progress, side_by_side


def named(stream: str, seed: int) -> str:
    """What a worker would find out; fails for one seed."""
    if seed == 13:
        raise ValueError("an unlucky seed")
    return f"{stream} {seed}, {os.environ['OPENBLAS_NUM_THREADS']} thread"


def test_each_stream_comes_whole_and_in_order_whatever_the_number_of_processes() -> None:
    before = dict(os.environ)
    each = [
        {name: done.results for name, done in side_by_side(named, {"b": 1.0, "a": 2.0}, range(5), jobs)}
        for jobs in (1, 2)
    ]
    assert each[0] == each[1]
    assert list(each[0]) == ["b", "a"]
    assert each[0]["a"] == [f"a {seed}, 1 thread" for seed in range(5)]
    assert dict(os.environ) == before


def test_what_fails_in_a_process_fails_here() -> None:
    with pytest.raises(ValueError, match="an unlucky seed"):
        list(side_by_side(named, {"a": 1.0}, [12, 13, 14], 1))


def test_what_is_left_is_told_by_what_each_stream_took_so_far() -> None:
    now, out = [0.0], io.StringIO()
    progress = Progress(out, lambda: now[0])
    progress.begin({"light": 1.0, "heavy": 10.0}, 4, jobs=2)
    now[0] = 15.0
    progress.one("light", 30.0)
    # Three light ones of 30 s, four of ten times that, two at a time.
    assert progress.seconds_left == pytest.approx((3 * 30 + 4 * 300) / 2)
    assert out.getvalue() == "", "no terminal: one line a minute at most"
    now[0] = 230.0
    progress.one("heavy", 200.0)
    # They had twice the processor time they took.
    assert out.getvalue() == "light: 2 of 8 seeds done, about 12 minutes left\n"
    assert progress.seconds_left == pytest.approx((3 * 30 + 3 * 200) * 2 / 2)
    for stream in ("light", "light", "light", "heavy", "heavy"):
        progress.one(stream, 30.0)
    assert progress.line() == "heavy: 7 of 8 seeds done, a minute or less left"
