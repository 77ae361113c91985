"""Environments of the peers: made once, made again for other versions, and a failure is said in one line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from benchmarks import environments
from benchmarks.environments import PEERS, Peer, Unavailable, ask, environment_of, python_of


class Commands:
    """Records what would be run; a command that contains `broken` fails."""

    def __init__(self, broken: str = "no such word") -> None:
        self.given: list[Sequence[str]] = []
        self.broken = broken

    def __call__(self, command: Sequence[str]) -> None:
        self.given.append(command)
        if self.broken in command:
            raise Unavailable("not installed: no such version")
        if "venv" in command:
            Path(command[-1]).mkdir(parents=True)


def test_what_our_own_environment_has_needs_none(tmp_path: Path) -> None:
    commands = Commands()
    assert python_of("scipy", tmp_path, commands) == Path(sys.executable)
    assert commands.given == []


def test_an_environment_is_made_once_and_again_for_other_versions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = Commands()
    first = python_of("nannyml", tmp_path, commands)
    assert first.is_relative_to(tmp_path)
    assert [command[2] for command in commands.given] == ["venv", "pip"]
    assert commands.given[1][0] == str(first)
    assert set(PEERS["nannyml"].requirements) <= set(commands.given[1])
    assert python_of("nannyml", tmp_path, commands) == first
    assert len(commands.given) == 2
    monkeypatch.setitem(PEERS, "nannyml", Peer("NannyML", ("nannyml==0.13.0",)))
    python_of("nannyml", tmp_path, commands)
    assert len(commands.given) == 4
    assert "nannyml==0.13.0" in commands.given[3]


def test_an_environment_whose_installation_failed_is_tried_again(tmp_path: Path) -> None:
    for _ in range(2):
        commands = Commands(broken="pip")
        with pytest.raises(Unavailable, match="no such version"):
            python_of("evidently", tmp_path, commands)
        assert len(commands.given) == 2


def test_every_peer_that_is_installed_is_pinned() -> None:
    for peer in PEERS.values():
        assert all("==" in wanted or "<" in wanted for wanted in peer.requirements)
        assert not peer.requirements or "==" in peer.requirements[0]


def test_a_peer_may_not_report_and_does_not_see_this_checkout() -> None:
    theirs, own = environment_of("evidently"), environment_of("driftline")
    assert theirs["DO_NOT_TRACK"] == own["DO_NOT_TRACK"] == "1"
    assert theirs["NML_DISABLE_USAGE_LOGGING"] == "1"
    assert "PYTHONPATH" not in theirs
    assert own["PYTHONPATH"] == str(environments.ROOT)


def test_a_process_answers_or_says_in_one_line_why_not(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    np.save(tmp_path / "reference.npy", rng.normal(size=(2, 900)))
    np.save(tmp_path / "production.npy", rng.normal(size=(2, 700)))
    answer = ask("scipy", Path(sys.executable), "scipy_loop", tmp_path)
    assert answer["seconds"] > 0
    assert len(answer["figures"]) == 2
    with pytest.raises(Unavailable, match=r"^failed: KeyError: 'nothing'$"):
        ask("scipy", Path(sys.executable), "nothing", tmp_path)
    with pytest.raises(Unavailable, match="took longer"):
        ask("scipy", Path(sys.executable), "scipy_loop", tmp_path, timeout=0.001)
