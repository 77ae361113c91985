"""Lay one config over another: maps merge, lists and values replace, rival forms drive each other out.

In: two trees of nodes, the one below and the one above. Out: their merger; every node keeps its own place.
Kept: nothing.

Some sections have rival forms: a baseline is an interval or a file or learned. Merging key by key would leave both, and
the config would be refused for something nobody wrote. So a key of one form in the upper layer removes the keys of
the other forms from the lower one; what belongs to no form (`new_version`) is inherited as always.
"""

from __future__ import annotations

from dataclasses import replace

from monitor.config.yaml_source import Mapping, Node, Scalar, Sequence

Rivals = dict[str, frozenset[str]]
"""Key of the upper layer -> the keys of the lower one that it drives out."""


def _exclusive(*forms: str) -> Rivals:
    """Each form is a set of keys; a key of one drives out the keys of all others."""
    sets = [frozenset(form.split()) for form in forms]
    return {key: frozenset().union(*sets) - form for form in sets for key in form}


_LOG = {
    **_exclusive("delta", "parquet", "sql table query"),
    "table": frozenset({"delta", "parquet", "query"}),
    "query": frozenset({"delta", "parquet", "table"}),
}
_BASELINE = _exclusive("from to", "file", "learn", "rolling", "seasonal")
# Console may stand beside the others as what they fall back on, so they leave it; laid over them it replaces them.
_CHANNEL = {**_exclusive("slack", "email", "webhook"), "console": frozenset({"slack", "email", "webhook"})}
_SLACK = _exclusive("token channel", "webhook")
RIVALS: dict[tuple[str, ...], Rivals] = {
    ("log",): _LOG,
    ("models", "?", "log"): _LOG,
    ("models", "?", "labels"): _LOG,
    ("models", "?", "baseline"): _BASELINE,
    ("alerts", "channels", "?"): _CHANNEL,
    ("alerts", "channels", "?", "slack"): _SLACK,
}


def merge(lower: Node, upper: Node, path: tuple[str, ...]) -> Node:
    """`upper` laid over `lower`; `path` is where both sit, from the root of the config."""
    if not isinstance(lower, Mapping) or not isinstance(upper, Mapping):
        return upper
    rivals = _rivals(path)
    given = upper.entries.keys()
    driven_out = frozenset().union(*(rivals.get(key, frozenset()) for key in given)) - given
    kept = {key: value for key, value in lower.entries.items() if key not in driven_out}
    entries: dict[str, Node] = dict(kept)
    for key, value in upper.entries.items():
        entries[key] = merge(kept[key], value, (*path, key)) if key in kept else value
    places = {key: upper.places.get(key) or lower.places[key] for key in entries}
    star_keys = (lower.star_keys & kept.keys()) - upper.entries.keys() | upper.star_keys
    return Mapping(entries, upper.place, places, upper.star, frozenset(star_keys))


def starred(node: Node) -> Node:
    """The same tree, marked as coming from the defaults under `"*"`."""
    match node:
        case Scalar():
            return replace(node, star=True)
        case Sequence():
            return replace(node, items=tuple(starred(item) for item in node.items), star=True)
        case Mapping():
            entries = {key: starred(value) for key, value in node.entries.items()}
            return replace(node, entries=entries, star=True, star_keys=frozenset(entries))


def with_defaults(root: Mapping) -> Mapping:
    """The config with `models."*"` merged under every exact model, and itself gone."""
    models = root.entries.get("models")
    if not isinstance(models, Mapping) or "*" not in models.entries:
        return root
    defaults = starred(models.entries["*"])
    merged: dict[str, Node] = {}
    for name, model in models.entries.items():
        if name == "*":
            continue
        if isinstance(model, Scalar) and model.value is None:
            model = Mapping({}, model.place)  # `name:` with nothing below it: a model of defaults alone
        merged[name] = merge(defaults, model, ("models", name))
    return replace(root, entries={**root.entries, "models": replace(models, entries=merged)})


def _rivals(path: tuple[str, ...]) -> Rivals:
    for pattern, rivals in RIVALS.items():
        if len(pattern) == len(path) and all(want in ("?", have) for want, have in zip(pattern, path, strict=True)):
            return rivals
    return {}
