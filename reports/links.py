"""Where a report's files are and how pages lead to each other: names that are safe, links that stay beside the page.

In: names of models, paths. Out: file names, links. Kept: nothing.
"""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote

from reports.errors import ReportError
from reports.wording import plain


def page_name(model: str) -> str:
    """The file name of a model's page: safe on every system, different for different models."""
    return f"model-{slug(model)}.html"


def data_name(model: str) -> str:
    """The file name of the same as JSON."""
    return f"model-{slug(model)}.json"


def deep_dive_name(model: str) -> str:
    """The file name of a model's deep dive, beside its page."""
    return f"evidently-{slug(model)}.html"


def incident_name(incident: str) -> str:
    """The file name of an incident's page."""
    return f"incident-{slug(incident)}.html"


def incident_data_name(incident: str) -> str:
    """The file name of the same as JSON."""
    return f"incident-{slug(incident)}.json"


def slug(name: str) -> str:
    """`name` in lower-case letters, digits and dashes, with a hash of it where that lost anything."""
    short = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:48]
    if short == name:
        return short
    return f"{short or 'model'}-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def relative(path: str) -> str:
    """`path` as a link to a file beside the page or below it. Raises ReportError for anything else."""
    parts = path.split("/")
    if not path or path.startswith("/") or ".." in parts or re.search(r"[\\:\x00-\x1f]", path):
        raise ReportError(f"{plain(path)!r} is no file beside the page")
    return quote(path)
