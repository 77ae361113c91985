"""The table of alarms beside other packages says how many days each judged, and an opening only where it judged all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import alarms_beside
from benchmarks.alarms_beside import _Told
from benchmarks.environments import Unavailable
from benchmarks.streams import synthetic


def test_openings_need_every_day_and_shares_are_told_by_seed() -> None:
    loud, quiet = [{"temperature"}, set(), {"score"}, set()], [set[str]()] * 4
    whole = alarms_beside.line("whole", [_Told(loud, 4), _Told(quiet, 4)], seasonal=False)
    # One incident that never ends in four days, of which one is its opening: 30 in 30 days; and none.
    assert whole.split() == ["whole", "8", "15.00", "25%", "(50%,", "0%)"]
    sparse = alarms_beside.line("sparse", [_Told(loud, 16)], seasonal=True)
    assert sparse.split(maxsplit=4) == ["sparse", "4/16", "-", "50%", "never dew_point, humidity"]


def test_a_package_that_fails_has_its_reason_in_its_row(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fails(*_: object) -> _Told:
        raise Unavailable("failed: took longer than 100 s")

    monkeypatch.setattr(alarms_beside, "python_of", lambda peer, folder: tmp_path)
    monkeypatch.setattr(alarms_beside, "_said", fails)
    monkeypatch.setattr(alarms_beside, "_own", lambda stream: _Told([set(), set()], 2))
    stream = synthetic(columns=1, rows=10)(np.random.default_rng(1), 2, 2)
    assert alarms_beside._lines("shuffled", [stream], tmp_path, jobs=2) == 0.0
    rows = capsys.readouterr().out.splitlines()
    assert [row.split("  ")[-1] for row in rows[1:]] == ["failed: took longer than 100 s"] * 2
    assert "each 4th day" in rows[2]
