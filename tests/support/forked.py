"""The daemon as a process that starts at once: forked from a server that has imported everything already.

In: a config, arguments of `driftline run`. Out: `ForkedService`, a `Service` in all else. Kept: as `Service`.
What it is forked from has opened nothing: no log, no database, no thread of ours.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.service import PATIENCE, ROOT, Service

_CONTEXT = multiprocessing.get_context("forkserver")


@dataclass
class ForkedService(Service):
    """`driftline run` with a config, without the seconds that its imports take."""

    child: Any = None

    @property
    def pid(self) -> int:
        number: int = self.child.pid
        return number

    def start(self) -> Service:
        """Start it (again); its log goes on."""
        # The server of forks finds our packages as this process does.
        if str(ROOT) not in os.environ.get("PYTHONPATH", "").split(os.pathsep):
            os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        _CONTEXT.set_forkserver_preload(["tests.support.forked_run"])
        self.log.touch()
        self.child = _CONTEXT.Process(target=run, args=(self.config, self.arguments, self.log))
        self.child.start()
        return self

    def ended(self) -> str:
        """Its exit code as text, empty while it runs."""
        return "" if self.child.is_alive() else f"exit code {self.child.exitcode}"

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for its end; the exit code."""
        if self.child.is_alive():
            os.kill(self.child.pid, number)
        self.child.join(PATIENCE)
        if self.child.is_alive():
            self.child.kill()
            self.child.join()
            raise AssertionError(f"not ended within {PATIENCE:.0f} s\n{self.tail()}")
        return int(self.child.exitcode)


def run(config: Path, arguments: Sequence[str], log: Path) -> None:
    """What `driftline run` does, in the child."""
    from monitor.cli import main

    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.chdir(config.parent)
    sys.argv = ["driftline", "run", "-c", str(config), *arguments]
    main()
