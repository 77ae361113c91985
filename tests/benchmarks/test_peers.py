"""The table of peers: one that is missing says so in its row and in its target, and the rest is measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import peers
from benchmarks.environments import Unavailable
from benchmarks.measure import Cost, in_rounds


def costs(**others: Cost | Unavailable) -> dict[str, Cost | Unavailable]:
    plain = dict.fromkeys((variant.what for variant in peers.VARIANTS), Cost(1000.0, 400.0, [0.25], 900.0))
    return {**plain, "driftline": Cost(2.0, 200.0, [0.2498], 1.5), **others}


def test_ratios_are_to_driftlines_and_a_missing_peer_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    peers.show(peers.SMALL, costs(nannyml=Unavailable("not installed: no such version")))
    said = capsys.readouterr().out
    rows = dict(line.split(": ", 1) for line in said.splitlines() if ": " in line)
    assert rows["NannyML 0.13.1"].endswith("not installed: no such version")
    assert rows["scipy"].split()[-7:] == ["1000.00", "500.00", "900.00", "600.00", "400", "2.0", "0.0000"]
    assert "1.00     1.50    1.00      200   1.0     0.0002" in said


def test_targets_are_held_or_missed_and_what_is_missing_is_neither(capsys: pytest.CaptureFixture[str]) -> None:
    both = {peers.SMALL: costs(alibi_detect=Unavailable("failed")), peers.LARGE: costs()}
    assert peers.judge(both)
    said = capsys.readouterr().out
    assert said.count("held") == 3
    assert said.count("not measured") == 1
    assert not peers.judge({**both, peers.LARGE: costs(scipy_loop=Cost(15.8, 400.0))})
    assert "8 times faster than scipy (scipy_loop) at 1,000,000 rows: 7.9, MISSED" in capsys.readouterr().out


def test_a_variant_that_fails_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[str] = []

    def ask(peer: str, python: Path, what: str, data: Path) -> dict[str, object]:
        asked.append(what)
        assert (data / "reference.npy").exists()
        if what == "nannyml":
            raise Unavailable("failed: out of memory")
        return {"seconds": 1.0, "peak_mb": 10.0, "figures": [0.5]}

    monkeypatch.setattr(peers, "ask", ask)
    monkeypatch.setattr(peers, "SMALL", 50)
    pythons: dict[str, Path | Unavailable] = {variant.peer: tmp_path for variant in peers.VARIANTS}
    found = peers.measure(50, {**pythons, "evidently": Unavailable("not installed")})
    assert str(found["nannyml"]) == "failed: out of memory"
    assert asked.count("nannyml") == 1
    assert isinstance(found["evidently_ks"], Unavailable)
    assert isinstance(found["scipy_loop"], Cost)
    assert asked.count("scipy_loop") == 5


def test_rounds_are_interleaved_and_the_median_counts() -> None:
    order: list[str] = []
    seconds = iter([3.0, 1.0, 2.0])

    def slow() -> Cost:
        order.append("slow")
        return Cost(next(seconds), 5.0 + len(order))

    def once() -> Cost:
        order.append("once")
        return Cost(9.0, 1.0, "result")

    found = in_rounds({"slow": (slow, 3), "once": (once, 1)})
    assert order == ["slow", "once", "slow", "slow"]
    assert found == {"slow": Cost(2.0, 9.0, least=1.0), "once": Cost(9.0, 1.0, "result", 9.0)}
