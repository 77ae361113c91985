"""The HTTP face: health for the orchestrator, and the reports that have been written.

In: a Pulse, the folder of each report. Out: a FastAPI app. Kept: nothing.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Mapping
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from fastapi.staticfiles import StaticFiles

from monitor.pulse import Pulse


def make_app(pulse: Pulse, status: Callable[[], Mapping[str, object]], folders: Mapping[str, Path]) -> FastAPI:
    """The app. `status` adds facts to /healthz; `folders` maps a report's name to where its pages are."""
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

    for name, folder in folders.items():
        # Pages are static and carry their own Content-Security-Policy; the folder may not exist yet.
        app.mount(f"/reports/{name}", StaticFiles(directory=folder, html=True, check_dir=False))
    return app
