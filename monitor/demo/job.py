"""What the demo does about a request to retrain: train, say how it ended.

In: a receiver's requests, the log and its labels, the time. Out: what was retrained. Kept: the retraining's end in the
state, as any job of anybody's would tell it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

import structlog

from monitor import retraining
from monitor.demo.prepare import MODEL
from monitor.demo.receiver import Receiver
from monitor.demo.recovery import Recovery, Since
from monitor.demo.trainer import Retrained, ServedLog, retrain
from monitor.logs import described
from monitor.prediction_log.base import LabelSource, LogError
from monitor.store import Store, evaluations
from monitor.windows import Aspect

_JOB = "the demo's training job"
_PAUSE = 1.0
# How often it is looked for windows of a retrained version (pauses).
_LOOK = 5
# How long the end waits for a training that has begun (seconds).
_PATIENCE = 5.0

logger = structlog.get_logger()


def answer(
    receiver: Receiver, store: Store, log: ServedLog, labels: LabelSource, clock: Callable[[], datetime]
) -> list[Retrained]:
    """Retrain for all that was asked since the last time. Raises StoreError."""
    made = []
    for asked in receiver.asked():
        version, note = "", ""
        try:
            one = retrain(log, labels, clock)
        except LogError as error:
            note = str(error)
        else:
            made.append(one)
            version = one.version if one.better else ""
            note = "" if one.better else "no better on the days held out than the version that serves"
        retraining.done(store, asked["key"], _JOB, clock(), succeeded=bool(version), version=version, note=note)
    return made


class Attending:
    """Answers in a thread of its own while it is entered, and logs what came of it; `clock` tells the demo's time."""

    def __init__(
        self, receiver: Receiver, store: Store, log: ServedLog, labels: LabelSource, clock: Callable[[], datetime]
    ) -> None:
        self._receiver, self._store, self._log, self._labels, self._clock = receiver, store, log, labels, clock
        self._recovery = Recovery()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="training job", daemon=True)

    def _run(self) -> None:
        rounds = 0
        while not self._over.wait(_PAUSE):
            rounds += 1
            try:
                self.attend(look=rounds % _LOOK == 0)
            except Exception as error:  # noqa: BLE001 -- what comes after one failed training must be answered too
                logger.error("training job failed", **described(error))

    def attend(self, look: bool) -> None:
        """Answer what has been asked; with `look`, see how retrained versions do."""
        for made in answer(self._receiver, self._store, self._log, self._labels, self._clock):
            _told(made)
            if made.better:
                self._recovery.follow(made)
        for version in self._recovery.followed() if look else ():
            with self._store.read() as connection:
                seen = list(evaluations.find(connection, MODEL, version=version, aspect=Aspect.PERFORMANCE))
            for since in self._recovery.seen(seen):
                _told_since(since)

    def __enter__(self) -> Attending:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        # What it writes is written whole or not at all.
        self._thread.join(_PATIENCE)


def _told(made: Retrained) -> None:
    before, after = made.said
    logger.info(
        "retrained" if made.better else "retrained, and nothing changes: it is no better",
        version=made.version if made.better else None,
        serves_from=made.since.isoformat() if made.better else None,
        rows=made.rows,
        held_out=made.held_out,
        true_rate=round(made.true, 4),
        predicted_rate_before=round(before, 4),
        predicted_rate=round(after, 4),
        log_loss_before=round(made.losses[0], 4),
        log_loss=round(made.losses[1], 4),
    )


def _told_since(since: Since) -> None:
    logger.info(
        f"the first {since.span} of a retrained version",
        version=since.made.version,
        predicted_rate=round(since.predicted, 4),
        true_rate=round(since.true, 4),
        predicted_rate_before=round(since.made.said[0], 4),
        true_rate_before=round(since.made.true, 4),
    )
