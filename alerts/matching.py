"""Matchers, shared by routes and silences.

In: an incident and a mapping key -> values. Out: whether all keys match, or the key that does not. Kept: nothing.
A value is compared as it is, or, after `~`, as a regular expression over the whole of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, get_args

from alerts.errors import AlertError
from alerts.incident import Incident

Key = Literal["model", "owner", "severity", "diagnosis", "kind", "segment"]
Matchers = Mapping[str, tuple[str, ...]]


def facts(incident: Incident) -> dict[str, tuple[str, ...]]:
    """What matchers look at: `kind` is the kind of trouble, `segment` every segment that breached (`origin=JFK`)."""
    segments = dict.fromkeys(str(figure["segment"]) for figure in incident.evidence if figure["segment"])
    return {
        "model": (incident.model,),
        "owner": (incident.owner or "",),
        "severity": (incident.severity.value,),
        "diagnosis": (incident.diagnosis,),
        "kind": (incident.trouble.value,),
        "segment": tuple(segments) or ("",),
    }


def matches(matchers: Matchers, incident: Incident) -> bool:
    """Whether every key matches one of its values; no matchers match everything."""
    return mismatch(matchers, incident) is None


def mismatch(matchers: Matchers, incident: Incident) -> str | None:
    """The first key that does not match, in words (`severity is warning, not critical`); None where all match."""
    given = facts(incident)
    for key, values in matchers.items():
        if not any(value_matches(value, fact) for value in values for fact in given[key]):
            return f"{key} is {' and '.join(given[key]) or 'empty'}, not {' or '.join(values)}"
    return None


def check(matchers: Matchers) -> None:
    """Raise AlertError for a key there is not, or a regular expression that is none."""
    for key, values in matchers.items():
        if key not in get_args(Key):
            raise AlertError(f"{key!r} cannot be matched; there are {', '.join(get_args(Key))}")
        for value in values:
            if value.startswith("~"):
                try:
                    re.compile(value[1:])
                except re.error as error:
                    raise AlertError(f"{key}: {value[1:]!r} is not a regular expression: {error}") from error


def value_matches(wanted: str, given: str) -> bool:
    """Whether one value of a matcher matches; what begins with ~ is a regular expression over the whole text."""
    if wanted.startswith("~"):
        return re.fullmatch(wanted[1:], given) is not None
    return wanted == given
