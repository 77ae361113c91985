"""The fast way to read CSV and the careful one give the same rows, whatever the lines look like."""

from __future__ import annotations

import io
import random

import pytest

from monitor.prediction_log import import_csv
from monitor.prediction_log.import_block import Block

# What fields look like, from common to malformed.
FIELDS = ["a", "1.5", "", '"q"', '"a,b"', '"x""y"', '5" pipe', '"x"y', "é", " sp ", '"un', '""', "\r", 'x"', '"a\nb"']
WEIGHTS = [8, 8, 4, 3, 2, 1, 0.3, 0.3, 2, 2, 0.2, 1, 0.05, 0.3, 0.3]


def rows(block: Block) -> tuple[object, ...]:
    columns = {name: column.to_pylist() for name, column in block.columns.items()}
    return columns, block.lines.tolist(), block.refused, block.records


@pytest.mark.parametrize("seed", range(4))
def test_both_ways_agree(seed: int) -> None:
    chance = random.Random(seed)
    fast_ones = 0
    for _ in range(500):
        width = chance.choice([2, 3])
        body = ""
        for _ in range(chance.randint(1, 6)):
            fields = chance.choices(FIELDS, WEIGHTS, k=width if chance.random() > 0.02 else width + 1)
            body += ",".join(fields) + chance.choice(["\n", "\n", "\r\n"])
        header = [f"c{place}" for place in range(width)]
        lines = list(io.BytesIO(body.encode()))
        fast = import_csv._fast(header, ",", lines, 1, io.BytesIO())
        if fast is not None:
            fast_ones += 1
            slow, read = import_csv._slow(header, ",", lines, io.BytesIO(), 1, io.BytesIO())
            assert rows(fast) == rows(slow), body
            assert read == len(lines)
    assert fast_ones > 100
