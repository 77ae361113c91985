"""The false alarms that were promised, against what was raised and what people said of it.

In: a connection, the settings in force, a stretch of time. Out: one `Promise` a model and one a route with a budget.
Kept: nothing; verdicts are facts of the incidents.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from scipy.special import pdtrc
from sqlalchemy.engine import Connection

from alerts import matching
from alerts.incident import BY_HAND, Change, Incident, Verdict
from alerts.routing import Route
from monitor.config.budgets import reached
from monitor.service.wiring import make_routes
from monitor.settings import Settings
from monitor.settings.types import parse_budget
from monitor.store import evaluations, incidents

MONTH = timedelta(days=30)
# As many false alarms would come by chance less often than this, were the budget kept.
_CHANCE = 0.05


@dataclass(frozen=True, slots=True)
class Promise:
    """Alarms of a model, or of all models a route reaches, in the `days` it was watched.

    `budget` is false alarms in 30 days (None: none was promised), `promised` what that makes in these days. Of the
    alarms raised (each opening and each coming back is one), `real` were closed as fixed or accepted, and `unjudged`
    have no verdict yet.
    """

    kind: str
    name: str
    budget: float | None
    days: float
    raised: int
    false: int
    real: int
    expected: int
    unjudged: int

    @property
    def promised(self) -> float | None:
        """False alarms the budget allows in these days."""
        return None if self.budget is None else self.budget * self.days / MONTH.days

    @property
    def standing(self) -> str:
        """`kept`, `over` (more than promised, as chance has it), `broken` (more than chance explains), or empty."""
        if self.promised is None:
            return ""
        if self.false <= self.promised:
            return "kept"
        return "broken" if self.promised == 0.0 or pdtrc(self.false - 1, self.promised) < _CHANCE else "over"

    def to_json(self) -> dict[str, object]:
        """One line of `driftline incidents budget --json`."""
        names = ("kind", "name", "budget", "days", "promised", "raised", "false", "real", "expected", "unjudged")
        return {"type": "promise", **{name: getattr(self, name) for name in names}, "standing": self.standing}


def promises(connection: Connection, settings: Settings, start: datetime, end: datetime) -> list[Promise]:
    """Every model of the config, by name, then every route that states a budget, in order; alarms of `[start, end)`."""
    alarms = _alarms(connection, start, end)
    watched = {name: watched_days(connection, name, start, end) for name in sorted(settings.models)}
    found = [
        _promise("model", name, settings.models[name].budget, days, [one for one in alarms if one.model == name])
        for name, days in watched.items()
    ]
    routes = make_routes(settings)
    for number, names in enumerate(reached(settings)):
        given = settings.alerts.routes[number].false_alarms
        if given is not None:
            days = max((watched[name] for name in names), default=0.0)
            # What happens in several models at once is one message.
            heard = list({one.stream: one for one in alarms if number in _hearing(one, routes) and one.lead}.values())
            heard += [one for one in alarms if number in _hearing(one, routes) and not one.lead]
            to = ", ".join(settings.alerts.routes[number].to)
            found.append(_promise("route", f"{number + 1} to {to}", parse_budget(given), days, heard))
    return found


def watched_days(connection: Connection, model: str, start: datetime, end: datetime) -> float:
    """For how many days of `[start, end)` a model was watched: from the first window that was judged."""
    first = evaluations.first_end(connection, model)
    if first is None or first >= end:
        return 0.0
    return (end - max(start, first)) / timedelta(days=1)


def _alarms(connection: Connection, start: datetime, end: datetime) -> list[Incident]:
    """The incident of each alarm: one that came back by itself is there again, what was told with its cause is not."""
    known = {one.id: one for one in incidents.listing(connection, start=start, end=end) if one.cause is None}
    raised = (Change.OPENED, Change.REOPENED)
    return [
        known[name]
        for name, event, _, why in incidents.timeline(connection, start=start, end=end)
        if event in raised and name in known and not why.startswith(BY_HAND)
    ]


def _promise(kind: str, name: str, budget: float | None, days: float, alarms: Sequence[Incident]) -> Promise:
    said = Counter(incident.verdict for incident in alarms)
    return Promise(
        kind,
        name,
        budget,
        round(days, 2),
        raised=len(alarms),
        false=said[Verdict.FALSE_ALARM],
        real=said[Verdict.FIXED] + said[Verdict.ACCEPTED],
        expected=said[Verdict.EXPECTED],
        unjudged=said[None],
    )


def _hearing(incident: Incident, routes: Iterable[Route]) -> Iterator[int]:
    """Which routes hear of an incident, as they are now."""
    for number, route in enumerate(routes):
        if matching.matches(route.matchers, incident):
            yield number
            if not route.go_on:
                return
