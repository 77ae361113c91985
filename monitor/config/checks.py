"""What concerns several sections of a config at once, and what is allowed but hardly meant.

In: the resolved config (`check`: also an invalid one), the settings (`warn`). Out: problems. Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from detectors import DETECTOR_NAMES, JOINT
from monitor.config.budgets import reached
from monitor.config.errors import Problem, dotted
from monitor.config.resolve import Origin, Resolved, shown_path
from monitor.config.schema import Path
from monitor.settings import ModelSettings, Settings


def check(resolved: Resolved) -> Iterator[Problem]:
    """Names that refer to nothing. Works on plain data, so that these are told along with every other mistake."""
    data = resolved.data
    models = _map(data.get("models"))
    channels = _map(_map(data.get("alerts")).get("channels"))
    for index, route in enumerate(_list(_map(data.get("alerts")).get("routes"))):
        path: Path = ("alerts", "routes", index, "to")
        yield from _names(resolved, path, _map(route).get("to"), channels, "channel")
    for index, report in enumerate(_list(data.get("reports"))):
        yield from _names(resolved, ("reports", index, "to"), _map(report).get("to"), channels, "channel")
        yield from _names(resolved, ("reports", index, "models"), _map(report).get("models"), models, "model")
    yield from _repeated_reports(resolved, data)
    for name, model in models.items():
        yield from _model(resolved, name, _map(model), data)


def warn(settings: Settings, resolved: Resolved) -> Iterator[Problem]:
    """What works and is hardly meant."""
    if not settings.models:
        yield Problem(None, "models", "there is no model yet; add one below `models`, beside the defaults under `*`")
    used = {name for route in settings.alerts.routes for name in route.to}
    used |= {name for report in settings.reports for name in report.to}
    for name in settings.alerts.channels:
        if settings.alerts.routes and name not in used:
            yield _at(resolved, ("alerts", "channels", name), "no route and no report goes to this channel", key=True)
    for name, model in settings.models.items():
        path: Path = ("models", name)
        if model.columns.score is None and model.columns.prediction is None:
            message = "neither score nor prediction is named: the model's outputs are not watched"
            yield _at(resolved, (*path, "columns"), message)
        log = settings.log_of(name)
        if model.columns.label is not None and model.columns.id is None and log is not None and log.delta:
            message = "without columns.id labels cannot be joined: performance is not judged"
            yield _at(resolved, (*path, "columns", "label"), message)
        if model.features.auto and model.features.include:
            message = "with auto: true every column is watched; `include` has no effect"
            yield _at(resolved, (*path, "features", "include"), message)
        yield from _joint(resolved, path, model)
    yield from _promises(settings, resolved)


def _promises(settings: Settings, resolved: Resolved) -> Iterator[Problem]:
    """Budgets that nothing can be learned for: such a model's alarms are by fixed thresholds, and not counted on."""
    for name, model in settings.models.items():
        if model.false_alarms is not None and (why := _unteachable(model)):
            message = f"{why}: fixed thresholds hold, and no budget is kept"
            yield _at(resolved, ("models", name, "false_alarms"), message)
    for number, names in enumerate(reached(settings)):
        if settings.alerts.routes[number].false_alarms is None:
            continue
        path: Path = ("alerts", "routes", number, "false_alarms")
        if not names:
            yield _at(resolved, path, "this route reaches no model: there is nothing to keep")
        for name in names:
            if why := _unteachable(settings.models[name]):
                yield _at(resolved, path, f"it reaches {name} ({why}), whose alarms no budget can hold")


def _unteachable(model: ModelSettings) -> str:
    """Why a model's usual days cannot be learned; empty where they can."""
    if model.cadence is not None:
        return "a batch model has no days to learn from"
    return "a baseline from a file has no days to learn from" if model.baseline.file is not None else ""


def _joint(resolved: Resolved, path: Path, model: ModelSettings) -> Iterator[Problem]:
    """A detector of the joint distribution that will never judge anything."""
    for name in JOINT:
        if name not in model.detectors or not model.detectors[name].enabled:
            continue
        if model.columns.id is None:
            message = "without columns.id rows cannot be sampled: it judges nothing"
        elif model.cadence is not None or "1d" not in model.horizons:
            message = "it judges windows of a day, and `1d` is not among the horizons"
        elif model.baseline.file is not None and model.baseline.new_version != "learn":
            message = "it learns from the days of the log, and a baseline from a file has none"
        else:
            continue
        yield _at(resolved, (*path, "detectors", name), message, key=True)


def _model(resolved: Resolved, name: str, model: dict[str, object], data: dict[str, object]) -> Iterator[Problem]:
    path: Path = ("models", name)
    if name == "*":
        return
    if model.get("log") is None and data.get("log") is None:
        message = "has no prediction log; give it `log`, or give one to all models at the top level of the file"
        yield _at(resolved, path, message, key=True)
    for detector in _map(model.get("detectors")):
        if detector not in DETECTOR_NAMES:
            message = f"unknown detector `{detector}`; {_near(detector, DETECTOR_NAMES)}"
            yield _at(resolved, (*path, "detectors", detector), message, key=True)
    columns = _map(model.get("columns"))
    if model.get("labels") is not None and not columns.get("id"):
        yield _at(
            resolved, (*path, "labels"), "labels are joined by the prediction's id: name its column in columns.id"
        )
    log = _map(model.get("log") or data.get("log"))
    if columns.get("label") and not columns.get("id") and log and "delta" not in log:
        message = "labels are joined by the prediction's id: name its column in columns.id"
        yield _at(resolved, (*path, "columns", "label"), message)
    features = _map(model.get("features"))
    if features.get("auto") in (False, "false", "no", "off") and not features.get("include"):
        message = "with auto: false name the columns to watch in `include`"
        yield _at(resolved, (*path, "features", "auto"), message)
    private = {str(item) for item in _list(features.get("private"))}
    for index, item in enumerate(_list(model.get("segments"))):
        if item in private:
            message = f"`{item}` is private: its values would be named"
            yield _at(resolved, (*path, "segments", index), message)
    excluded = {str(item) for item in _list(features.get("exclude"))}
    for index, item in enumerate(_list(features.get("include"))):
        if item in excluded:
            message = f"`{item}` is both included and excluded"
            yield _at(resolved, (*path, "features", "include", index), message)


def _repeated_reports(resolved: Resolved, data: dict[str, object]) -> Iterator[Problem]:
    seen: set[object] = set()
    for index, report in enumerate(_list(data.get("reports"))):
        name = _map(report).get("name")
        if name in seen and isinstance(name, str):
            yield _at(resolved, ("reports", index, "name"), f"there are two reports called `{name}`")
        seen.add(name if isinstance(name, str) else None)


def _names(resolved: Resolved, path: Path, names: object, known: dict[str, object], what: str) -> Iterator[Problem]:
    for index, name in enumerate(_list(names)):
        if isinstance(name, str) and name not in known:
            yield _at(resolved, (*path, index), f"there is no {what} `{name}`; {_near(name, known)}")


def _near(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = get_close_matches(name, names, 1, cutoff=0.6)
    if near:
        return f"did you mean `{near[0]}`?"
    return f"there are: {', '.join(names)}" if names else "there are none"


def _at(resolved: Resolved, path: Path, message: str, *, key: bool = False) -> Problem:
    origin = resolved.origins.get(path) or resolved.origins.get(path[:-1]) or Origin()
    place = origin.key if key or path not in resolved.origins else origin.place
    return Problem(
        place or origin.place, shown_path(path, origin.star) if path in resolved.origins else dotted(path), message
    )


def _map(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
