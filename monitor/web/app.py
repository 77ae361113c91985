"""The HTTP face: health for the orchestrator, incidents as messages link to them, written reports.

In: a Pulse, a way to an incident's page, the folder of each report. Out: a FastAPI app. Kept: nothing.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Mapping
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles

from monitor.pulse import Pulse

# Pages of ours need no script and nothing from elsewhere; one that was tricked into holding some gets neither.
_POLICY = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:"}


def make_app(
    pulse: Pulse,
    status: Callable[[], Mapping[str, object]],
    incident: Callable[[str], str | None],
    folders: Mapping[str, Path],
) -> FastAPI:
    """The app. `status` adds facts to /healthz, `incident` gives the page of an incident's id (None: there is none),
    `folders` maps a report's name to where its pages are.
    """
    app = FastAPI(
        title="Driftline",
        version=importlib.metadata.version("driftline"),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )

    @app.get("/healthz")
    def healthz() -> Response:
        health = pulse.health()
        body = {"status": "ok" if health.healthy else "stalled", "loops": health.loops, **status()}
        return JSONResponse(body, status_code=200 if health.healthy else 503)

    @app.get("/incidents/{incident_id}")
    def incident_page(incident_id: str) -> Response:
        page = incident(incident_id)
        if page is None:
            return PlainTextResponse("There is no such incident.\n", status_code=404)
        return HTMLResponse(page, headers=_POLICY)

    for name, folder in folders.items():
        # Pages are static and carry their own Content-Security-Policy; the folder may not exist yet.
        app.mount(f"/reports/{name}", StaticFiles(directory=folder, html=True, check_dir=False))
    return app
