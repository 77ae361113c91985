"""What the demo does about a request to retrain: train, say how it ended.

In: a receiver's requests, the log and its labels, the time. Out: what was retrained. Kept: the retraining's end in the
state, as any job of anybody's would tell it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from monitor import retraining
from monitor.demo.receiver import Receiver
from monitor.demo.trainer import Retrained, ServedLog, retrain
from monitor.prediction_log.base import LabelSource, LogError
from monitor.store import Store

_JOB = "the demo's training job"
_PAUSE = 1.0


def answer(receiver: Receiver, store: Store, log: ServedLog, labels: LabelSource, now: datetime) -> list[Retrained]:
    """Retrain for all that was asked since the last time. Raises StoreError."""
    made = []
    for asked in receiver.asked():
        version, note = "", ""
        try:
            one = retrain(log, labels, now)
        except LogError as error:
            note = str(error)
        else:
            made.append(one)
            version = one.version if one.better else ""
            note = "" if one.better else "no better on the days held out than the version that serves"
        retraining.done(store, asked["key"], _JOB, now, succeeded=bool(version), version=version, note=note)
    return made


class Attending:
    """Answers in a thread of its own while it is entered; `clock` says when a request is answered."""

    def __init__(
        self, receiver: Receiver, store: Store, log: ServedLog, labels: LabelSource, clock: Callable[[], datetime]
    ) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(receiver, store, log, labels, clock), daemon=True)

    def _run(
        self, receiver: Receiver, store: Store, log: ServedLog, labels: LabelSource, clock: Callable[[], datetime]
    ) -> None:
        while not self._over.wait(_PAUSE):
            answer(receiver, store, log, labels, clock())

    def __enter__(self) -> Attending:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()
