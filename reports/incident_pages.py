"""An incident's page as HTML and as JSON.

In: an `IncidentPage`. Out: a whole document as text, plain JSON data. Kept: nothing. As every page of a report it is
one file that fetches nothing; it needs no script.
"""

from __future__ import annotations

import json
from pathlib import Path

from reports import incident_words as words
from reports.files import replace_file
from reports.incident import IncidentPage
from reports.links import incident_data_name, incident_name
from reports.machine import incident_document
from reports.templating import environment


def render_incident(page: IncidentPage, *, data: bool = False) -> str:
    """The whole page; with `data`, it links to its JSON beside it."""
    template = environment(page.timezone).get_template("incident.html.j2")
    return template.render(page=page, words=words, program=page.program, data=data)


def write_incident(page: IncidentPage, folder: Path) -> Path:
    """Write the page and its JSON to a folder, each replaced whole; where the page is."""
    folder.mkdir(parents=True, exist_ok=True)
    document = json.dumps(incident_document(page), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    replace_file(folder / incident_data_name(page.record.id), document + "\n")
    path = folder / incident_name(page.record.id)
    replace_file(path, render_incident(page, data=True))
    return path
