"""What was judged before of the windows that are judged now: the other half of what a diagnosis takes.

In: a connection, evaluations of one moment. Out: findings of earlier evaluations: for performance the inputs of the
same window, for inputs the newest performance of their horizon. Kept: nothing. Read only where something breached.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from sqlalchemy.engine import Connection

from detectors.result import Finding, Status
from monitor.store import evaluations
from monitor.store.evaluations import Evaluation
from monitor.windows import Aspect

_BIT = timedelta(microseconds=1)


def beside(connection: Connection, judged: Sequence[Evaluation]) -> list[Finding]:
    """The findings that go with the breaches among `judged`, and are not among them; none where nothing breached."""
    here = {(one.version, one.window.horizon, one.aspect) for one in judged}
    found: list[Finding] = []
    seen: set[tuple[str, str, object, object]] = set()
    for one in judged:
        if one.revision or not any(finding.status is Status.BREACH for finding in one.findings):
            continue
        for other in _others(connection, one):
            key = (other.version, other.window.horizon, other.aspect, other.window.start)
            if key not in seen and (other.version, other.window.horizon, other.aspect) not in here:
                seen.add(key)
                found += other.findings
    return found


def _others(connection: Connection, one: Evaluation) -> Iterator[Evaluation]:
    window, model, version = one.window, one.model, one.version
    if one.aspect is not Aspect.INPUTS:
        # The window's own inputs, which were judged when it ended.
        yield from evaluations.find(
            connection,
            model,
            version=version,
            horizon=window.horizon,
            aspect=Aspect.INPUTS,
            start=window.end - _BIT,
            end=window.end,
        )
        return
    for aspect in Aspect:
        if aspect is Aspect.INPUTS:
            continue
        newest = None
        for known in evaluations.find(
            connection,
            model,
            version=version,
            horizon=window.horizon,
            aspect=aspect,
            start=window.start,
            end=window.end,
            findings=False,
        ):
            newest = known
        if newest is not None:
            # Looked for without findings first: they are by far the larger part of a row.
            end = newest.window.end
            yield from evaluations.find(
                connection,
                model,
                version=version,
                horizon=window.horizon,
                aspect=aspect,
                start=end - _BIT,
                end=end,
            )
