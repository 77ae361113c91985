"""Lay one config over another: maps merge, lists and values replace, rival forms drive each other out.

In: two trees of nodes, the one below and the one above. Out: their merger; every node keeps its own place.
Kept: nothing.

Some sections have rival forms: a baseline is an interval or a file or learned. Merging key by key would leave both, and
the config would be refused for something nobody wrote. So a key of one form in the upper layer removes the keys of
the other forms from the lower one; what belongs to no form (`new_version`) is inherited as always.
"""

from __future__ import annotations

from dataclasses import replace

from monitor.yaml_source import Mapping, Node, Scalar, Sequence

Forms = tuple[frozenset[str], ...]


def _forms(*names: str) -> Forms:
    return tuple(frozenset(name.split()) for name in names)


_LOG = (_forms("delta", "parquet", "sql table query"), _forms("table", "query"))
_BASELINE = (_forms("from to", "file", "learn", "rolling", "seasonal"),)
_CHANNEL = (_forms("slack", "email", "webhook", "console"),)
_SLACK = (_forms("token channel", "webhook"),)
RIVALS: dict[tuple[str, ...], tuple[Forms, ...]] = {
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
    kept = dict(lower.entries)
    for forms in _rivals(path):
        chosen = [form for form in forms if form & upper.entries.keys()]
        if chosen:
            driven_out = frozenset().union(*forms) - frozenset().union(*chosen)
            kept = {key: value for key, value in kept.items() if key not in driven_out}
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


def _rivals(path: tuple[str, ...]) -> tuple[Forms, ...]:
    for pattern, rivals in RIVALS.items():
        if len(pattern) == len(path) and all(want in ("?", have) for want, have in zip(pattern, path, strict=True)):
            return rivals
    return ()
