"""What may be changed over HTTP: an incident acknowledged, closed or muted, by a caller's token or a signed link.

In: the store, the settings of `server.actions`, a clock. Out: Starlette routes. Kept: what is done is recorded with who
did it (`monitor/acting.py`).

A GET changes nothing: mail and chat scanners open every link, so a link leads to a page whose forms are sent by POST.
Nothing here knows cookies, so no other site can act in a visitor's name.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from alerts.errors import AlertError
from alerts.incident import Incident, Verdict
from alerts.permits import NoPermit, Permit, permit_of
from alerts.triggers.retrainings import NoSuchRetraining
from monitor import acting, retraining
from monitor.clock import Clock
from monitor.errors import UserError
from monitor.settings import ServerSettings
from monitor.settings.types import parse_duration
from monitor.store import Store, incidents
from monitor.store.errors import StoreError

if TYPE_CHECKING:
    from jinja2 import Template

_LONGEST = 64 * 1024
_NAME, _NOTE = 100, 1_000
_PRIVATE = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Refused(Exception):
    """A request that is not carried out: its status, and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True)
class Desk:
    """Where actions are taken: the state, the settings in force, the time."""

    store: Store
    settings: Callable[[], ServerSettings]
    clock: Clock


def action_routes(desk: Desk) -> list[BaseRoute]:
    """For tokens `POST /api/incidents/ID/acknowledge | close | mute`, `/api/retrainings/KEY/approve | refuse | done`;
    for people `/respond/LINK`.

    Requests for a host that is not ours are refused: a page elsewhere must not reach a service on a local network by
    giving its own name our address. The hosts are those of the settings at the start.
    """
    guarded = [Middleware(TrustedHostMiddleware, allowed_hosts=_hosts(desk.settings()), www_redirect=False)]
    api = [
        Route("/incidents/{incident}/{act}", _answering(_api, desk), methods=["POST"]),
        Route("/retrainings/{key}/{act}", _answering(_retraining, desk), methods=["POST"]),
    ]
    pages = [
        Route("/{link}", _showing(_respond_page, desk), methods=["GET"]),
        Route("/{link}", _showing(_respond, desk), methods=["POST"]),
    ]
    return [
        Mount("/api", routes=api, middleware=guarded),
        Mount("/respond", routes=pages, middleware=guarded),
    ]


def _hosts(server: ServerSettings) -> list[str]:
    hosts = {"localhost", "127.0.0.1", *server.actions.hosts}
    if server.listen:
        hosts.add(server.listen.rpartition(":")[0])
    if server.public_url:
        hosts.add(urlsplit(server.public_url).hostname or "")
    return sorted(hosts - {"", "0.0.0.0", "[::]", "*"})  # noqa: S104 -- names nobody asks for


# -- callers with a token ------------------------------------------------------------------------------------------


def _api(desk: Desk, request: Request, body: bytes) -> dict[str, Any]:
    act = request.path_params["act"]
    if act not in ("acknowledge", "close", "mute"):
        raise Refused(404, f"there is no action {act!r}: acknowledge, close or mute")
    caller = _caller(desk.settings(), request.headers.get("authorization", ""), act)
    given = _json(body)
    by = f"{_name(given['by'])} ({caller})" if given.get("by") else caller
    return _done(desk, request.path_params["incident"], act, by, given)


def _retraining(desk: Desk, request: Request, body: bytes) -> dict[str, Any]:
    key, act = request.path_params["key"], request.path_params["act"]
    if act not in ("approve", "refuse", "done"):
        raise Refused(404, f"there is no action {act!r}: approve, refuse or done")
    caller = _caller(desk.settings(), request.headers.get("authorization", ""), "retrain")
    given, now = _json(body), desk.clock.now()
    by = f"{_name(given['by'])} ({caller})" if given.get("by") else caller
    note, status = given.get("note", "")[:_NOTE], given.get("status", "")
    try:
        if act == "approve":
            one = retraining.approve(desk.store, key, by, now)
        elif act == "refuse":
            one = retraining.refuse(desk.store, key, by, note, now)
        elif status in ("succeeded", "failed"):
            version = given.get("version", "")[:_NAME]
            one = retraining.done(desk.store, key, by, now, succeeded=status == "succeeded", version=version, note=note)
        else:
            raise Refused(400, "status: succeeded or failed")
    except NoSuchRetraining as error:
        raise Refused(404, str(error)) from error
    except AlertError as error:
        raise Refused(409, str(error)) from error
    return {"type": "retraining", "key": one.key, "model": one.model, "stage": one.stage.value}


def _caller(server: ServerSettings, header: str, scope: str) -> str:
    """The name of the caller whose token is given. Raises Refused unless it may do this."""
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Refused(401, "send Authorization: Bearer TOKEN")
    found = None
    for name, known in server.actions.tokens.items():
        # Every one is compared, in constant time: how long it takes tells nothing.
        if known.token and hmac.compare_digest(known.token.encode(), token.strip().encode()):
            found = name, known
    if found is None:
        raise Refused(401, "this token is not known")
    if scope not in found[1].scopes:
        raise Refused(403, f"the token {found[0]} may not {scope}; its scopes are {', '.join(found[1].scopes)}")
    return found[0]


def _json(body: bytes) -> dict[str, Any]:
    import json

    if not body.strip():
        return {}
    try:
        given = json.loads(body)
    except ValueError as error:
        raise Refused(400, f"the body is no JSON: {error}") from error
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise Refused(400, 'send a JSON object of strings, such as {"by": "maria", "verdict": "fixed"}')
    return given


# -- people with a link --------------------------------------------------------------------------------------------


def _respond_page(desk: Desk, request: Request, _body: bytes) -> str:
    incident, _ = _permitted(desk, request)
    return _page(incident=incident, done="", verdicts=list(Verdict))


def _respond(desk: Desk, request: Request, body: bytes) -> str:
    incident, permit = _permitted(desk, request)
    fields = {key: values[0] for key, values in parse_qs(body.decode(errors="replace"), max_num_fields=10).items()}
    name = _name(fields.get("by", ""))
    if not name:
        raise Refused(400, "Say who you are, so that your colleagues know whom to ask.")
    done = _done(desk, incident.id, fields.get("act", ""), f"{name} (link sent to {permit.sent_to})", fields)
    return _page(incident=_incident(desk, incident.id), done=done["said"], verdicts=list(Verdict))


def _permitted(desk: Desk, request: Request) -> tuple[Incident, Permit]:
    secret = desk.settings().actions.secret
    if not secret:
        raise Refused(404, "Links by which to act are switched off here.")
    try:
        permit = permit_of(request.path_params["link"], secret, desk.clock.now())
    except NoPermit as error:
        raise Refused(403, str(error)) from error
    return _incident(desk, permit.incident), permit


def _incident(desk: Desk, incident_id: str) -> Incident:
    with desk.store.read() as connection:
        incident = incidents.get(connection, incident_id)
    if incident is None:
        raise Refused(404, "This incident is no longer kept.")
    return incident


# -- both ----------------------------------------------------------------------------------------------------------


def _done(desk: Desk, incident: str, act: str, by: str, given: dict[str, str]) -> dict[str, Any]:
    """Do it; what was done, as plain JSON. Raises Refused."""
    now = desk.clock.now()
    try:
        if act == "acknowledge":
            event = acting.acknowledged(desk.store, incident, by, now)
        elif act == "close":
            event = acting.closed(desk.store, incident, _verdict(given.get("verdict", "")), by, now)
        elif act == "mute":
            silence = acting.muted(desk.store, incident, _length(given.get("for", "24h")), by, now)
            said = f"muted until {silence.ends_at:%Y-%m-%d %H:%M} UTC"
            return {"type": "silence", "id": silence.id, "until": silence.ends_at.isoformat(), "said": said}
        else:
            raise Refused(400, "Choose what to do.")
    except acting.NoSuchIncident as error:
        raise Refused(404, str(error)) from error
    except (AlertError, UserError) as error:
        raise Refused(409, str(error)) from error
    return {**event.to_json(), "said": event.reason}


def _verdict(text: str) -> Verdict:
    try:
        return Verdict(text)
    except ValueError:
        raise Refused(400, f"verdict: one of {', '.join(Verdict)}") from None


def _length(text: str) -> timedelta:
    try:
        length = parse_duration(text)
    except (ValueError, OverflowError) as error:
        raise Refused(400, f"for: {error}") from error
    if not timedelta(0) < length <= timedelta(days=30):
        raise Refused(400, "for: mute for 30 days at most; what is to stay quiet longer is closed with a verdict")
    return length


def _name(text: str) -> str:
    """Who acts, on one line."""
    return " ".join(str(text).split())[:_NAME]


def _page(**values: object) -> str:
    from reports.theme import properties

    return _template().render(light=properties("light"), dark=properties("dark"), **values)


@lru_cache(maxsize=1)
def _template() -> Template:
    # Loaded when somebody acts for the first time: an idle daemon does without.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("monitor.web")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined).get_template("respond.html.j2")


_Work = Callable[[Desk, Request, bytes], Any]
_Endpoint = Callable[[Request], Awaitable[Response]]


def _answering(work: _Work, desk: Desk) -> _Endpoint:
    """An endpoint that answers in JSON, errors too."""

    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse(await _carried_out(work, desk, request), headers=_PRIVATE)
        except Refused as refused:
            headers = {**_PRIVATE, **({"WWW-Authenticate": "Bearer"} if refused.status == 401 else {})}
            return JSONResponse({"error": str(refused)}, status_code=refused.status, headers=headers)

    return endpoint


def _showing(work: _Work, desk: Desk) -> _Endpoint:
    """An endpoint that answers with a page, errors too."""

    async def endpoint(request: Request) -> Response:
        try:
            return HTMLResponse(await _carried_out(work, desk, request), headers=_PRIVATE)
        except Refused as refused:
            page = await run_in_threadpool(_page, incident=None, done=str(refused), verdicts=[])
            return HTMLResponse(page, status_code=refused.status, headers=_PRIVATE)

    return endpoint


async def _carried_out(work: _Work, desk: Desk, request: Request) -> Any:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LONGEST:
                raise Refused(413, "The request is too long.")
    except ClientDisconnect as error:
        raise Refused(400, "The request ended early.") from error
    try:
        return await run_in_threadpool(work, desk, request, bytes(body))
    except StoreError as error:
        raise Refused(503, "The state cannot be reached just now; nothing was changed.") from error
