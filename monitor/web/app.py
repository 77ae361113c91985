"""The HTTP face: health for the orchestrator, incidents as messages link to them, written reports.

In: a Pulse, a way to an incident's page, the folder of each report. Out: an ASGI app. Kept: nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from monitor.service.pulse import Pulse

# Pages of ours need no script and nothing from elsewhere; one that was tricked into holding some gets neither.
_POLICY = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:"}

# A chart's name is its own: what it shows never changes.
_FOREVER = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}


class _Pages(StaticFiles):
    """A report's folder, which is not there before the first report has been written."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        if not Path(str(self.directory)).is_dir():
            raise HTTPException(404)
        return await super().get_response(path, scope)


def make_app(
    pulse: Pulse,
    status: Callable[[], Mapping[str, object]],
    incident: Callable[[str], str | None],
    folders: Mapping[str, Path],
    chart: Callable[[str], bytes | None],
    actions: Sequence[BaseRoute] = (),
) -> Starlette:
    """The app. `status` adds facts to /healthz, `incident` gives the page of an incident's id (None: there is none),
    `folders` maps a report's name to where its pages are, `chart` gives the PNG of a name, `actions` are the routes by
    which something is changed.

    Plain Starlette: nothing here needs what FastAPI adds, and it would be a thirtieth of the idle daemon's memory.
    """

    def healthz(_request: Request) -> Response:
        health = pulse.health()
        body = {"status": "ok" if health.healthy else "stalled", "loops": health.loops, **status()}
        return JSONResponse(body, status_code=200 if health.healthy else 503)

    def incident_page(request: Request) -> Response:
        page = incident(request.path_params["incident_id"])
        if page is None:
            return PlainTextResponse("There is no such incident.\n", status_code=404)
        return HTMLResponse(page, headers=_POLICY)

    def chart_image(request: Request) -> Response:
        png = chart(request.path_params["name"])
        if png is None:
            return PlainTextResponse("There is no such chart (any more).\n", status_code=404)
        return Response(png, media_type="image/png", headers=_FOREVER)

    routes: list[BaseRoute] = [
        Route("/healthz", healthz),
        Route("/incidents/{incident_id}", incident_page),
        Route("/charts/{name}.png", chart_image),
    ]
    routes += actions
    # Pages are static and carry their own Content-Security-Policy.
    routes += [
        Mount(f"/reports/{name}", _Pages(directory=folder, html=True, check_dir=False), name=name)
        for name, folder in folders.items()
    ]
    return Starlette(routes=routes)
