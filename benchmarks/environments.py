"""One virtual environment a peer: what Driftline is compared with is never installed beside it.

In: the name of a peer. Out: the Python of its environment, or why there is none; and what a function of
`contestants.py` answers in it. Kept: the environments, in a folder of their own (`.bench/` unless another is given);
one is made again when what is asked for has changed.

Versions are pinned, so that a table can be made again; whatever a package would report about its use is switched off.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".bench"
SILENT = {
    "DO_NOT_TRACK": "1",
    "NML_DISABLE_USAGE_LOGGING": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "MPLBACKEND": "Agg",
    "PYTHONWARNINGS": "ignore",
}


@dataclass(frozen=True, slots=True)
class Peer:
    """A package that does some of the same, and what pip is asked for; nothing where our own environment has it."""

    title: str
    requirements: tuple[str, ...] = ()


PEERS: dict[str, Peer] = {
    "driftline": Peer("Driftline"),
    "scipy": Peer("scipy"),
    "evidently": Peer("Evidently 0.7.23", ("evidently==0.7.23", "pandas<3")),
    # NannyML imports statsmodels without asking for it.
    "nannyml": Peer("NannyML 0.13.1", ("nannyml==0.13.1", "statsmodels==0.14.6", "pandas<3")),
    "alibi-detect": Peer("alibi-detect 0.13.0", ("alibi-detect==0.13.0",)),
}


class Unavailable(Exception):
    """A peer that cannot be run here; the message says why, in one line."""


def python_of(name: str, folder: Path = FOLDER, run: Callable[[Sequence[str]], None] | None = None) -> Path:
    """The Python to run a peer with; its environment is made when there is none yet, or for other versions.

    `run` runs a command and raises Unavailable where it fails. Raises Unavailable when the peer cannot be installed.
    """
    run = run or _install
    wanted = PEERS[name].requirements
    if not wanted:
        return Path(sys.executable)
    home = folder / "environments" / name
    python, stamp = home / "bin" / "python", home / "installed.txt"
    told = "\n".join(wanted)
    if stamp.exists() and stamp.read_text(encoding="utf-8") == told:
        return python
    shutil.rmtree(home, ignore_errors=True)
    print(f"installing {PEERS[name].title} into {os.path.relpath(home)} …", file=sys.stderr, flush=True)
    run([sys.executable, "-m", "venv", str(home)])
    run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted])
    stamp.write_text(told, encoding="utf-8")
    return python


def ask(name: str, python: Path, what: str, data: Path, *arguments: str, timeout: float = 3600.0) -> dict[str, Any]:
    """What `contestants.py` answers to `what` about the rows in `data`, in a fresh process of the peer's environment.

    Raises Unavailable when it fails or takes longer than `timeout` seconds.
    """
    with tempfile.TemporaryDirectory(prefix="driftline-bench-") as folder:
        result = Path(folder) / "result.json"
        script = Path(__file__).with_name("contestants.py")
        # -P: this folder's modules must not hide a peer's.
        command = [str(python), "-P", str(script), what, str(data), str(result), *arguments]
        _run(command, "failed", environment_of(name), timeout)
        answer: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return answer


def environment_of(name: str) -> dict[str, str]:
    """Environment variables for a peer's process: nothing is reported; Driftline's own finds this checkout."""
    own = {"PYTHONPATH": str(ROOT)} if not PEERS[name].requirements else {}
    return {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | SILENT | own


def _install(command: Sequence[str]) -> None:
    _run(command, "not installed", None, 3600.0)


def _run(command: Sequence[str], trouble: str, environment: dict[str, str] | None, timeout: float) -> None:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env=environment,
            timeout=timeout,
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{trouble}: took longer than {timeout:,.0f} s") from None
    if done.returncode:
        said = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        errors = [line for line in said if line.startswith("ERROR")] or said or [f"exit code {done.returncode}"]
        raise Unavailable(f"{trouble}: {errors[-1].removeprefix('ERROR: ')[:160]}")
