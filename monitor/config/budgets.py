"""What each model may raise once the routes' budgets are shared out: a promise is to the person who is paged.

In: settings, and where their values come from. Out: the same with each model's `false_alarms` the strictest of its own
and of its shares in the routes it reaches. Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from alerts.matching import value_matches
from detectors.result import Severity
from monitor.config.errors import dotted
from monitor.config.resolve import Origin
from monitor.config.schema import Path
from monitor.settings import ModelSettings, RouteSettings, Settings
from monitor.settings.types import format_budget, parse_budget

_KNOWN = ("model", "owner", "severity")


def reached(settings: Settings) -> list[list[str]]:
    """For each route the models whose incidents it may hear of, by name.

    Model and owner are known beforehand and a severity may be above what a model ever has; what else an incident will
    be is not. A route that hears of everything of a model, and does not go on, keeps it from the routes below.
    """
    found: list[list[str]] = [[] for _ in settings.alerts.routes]
    for name, model in sorted(settings.models.items()):
        for number, route in enumerate(settings.alerts.routes):
            if not _may_hear(route, name, model):
                continue
            found[number].append(name)
            if not route.go_on and route.match.keys() <= {"model", "owner"}:
                break
    return found


def shared_out(settings: Settings, origins: Mapping[Path, Origin]) -> tuple[Settings, Mapping[Path, Origin]]:
    """Each model with its strictest budget, and where that comes from: which route, shared by how many."""
    models, known = dict(settings.models), dict(origins)
    for number, names in enumerate(reached(settings)):
        given = settings.alerts.routes[number].false_alarms
        if given is None or not names:
            continue
        share = parse_budget(given) / len(names)
        for name in names:
            own = models[name].budget
            if own is not None and own <= share:
                continue
            path: Path = ("models", name, "false_alarms")
            at: Path = ("alerts", "routes", number, "false_alarms")
            among = f"shared by {len(names)} models" if len(names) > 1 else "for this model alone"
            why = f"{dotted(at)}: {given}, {among}"
            if own is not None:
                why += f"; stricter than {models[name].false_alarms} ({known.get(path, Origin())})"
            models[name] = models[name].model_copy(update={"false_alarms": format_budget(share)})
            written = known.get(at, Origin())
            known[path] = Origin(written.place, written.key, through=(*written.through, why))
    return settings.model_copy(update={"models": models}), known


def _may_hear(route: RouteSettings, name: str, model: ModelSettings) -> bool:
    facts = {"model": (name,), "owner": (model.owner or "",), "severity": _severities(model.severity)}
    return all(
        any(value_matches(wanted, fact) for wanted in _values(given) for fact in facts[key])
        for key, given in route.match.items()
        if key in _KNOWN
    )


def _severities(most: Severity) -> tuple[str, ...]:
    return tuple(severity.value for severity in Severity if severity.rank <= most.rank)


def _values(given: str | tuple[str, ...]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else given
