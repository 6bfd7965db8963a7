"""`GET /v1/ws`: accept the handshake of a WebSocket, and answer 426 to a request without one."""

from __future__ import annotations

from collections.abc import Collection

from fastapi import APIRouter, WebSocket
from starlette.datastructures import Headers

from api.kit.context import Api
from api.kit.feeds.permit import Permit
from api.kit.feeds.socket.connection import PATH, Connection
from api.kit.identification import identified
from api.kit.openapi import problems
from api.kit.problems import BAD_REQUEST, FORBIDDEN, UPGRADE_REQUIRED, Problem

router = APIRouter(tags=["Live feeds"])


@router.websocket(PATH)
async def socket(websocket: WebSocket) -> None:
    """Carry any number of feeds over one connection."""
    if websocket.url.query:
        raise Problem(BAD_REQUEST, "this path has no parameters; send the token as a message or in Authorization")
    api: Api = websocket.app.state.api
    if not _allowed(websocket.headers, api.config.cors_origins):
        raise Problem(FORBIDDEN, "pages of this origin may not call the API; see ASTRA_CORS_ORIGINS")
    found = identified(websocket.scope)
    permit = None if found.caller is None else Permit(api.identity.verifier, found.credential, found.caller)
    await Connection(api, websocket).run(permit)


def _allowed(headers: Headers, origins: Collection[str]) -> bool:
    """Return whether a page of the handshake's origin may use the API; browsers do not check that for WebSockets."""
    origin = headers.get("origin")
    return origin is None or origin in origins or origin.partition("://")[2] == headers.get("host")


@router.get(
    PATH,
    summary="All feeds over one WebSocket",
    status_code=101,
    response_model=None,
    responses={101: {"description": "The socket is open; docs/feeds.md lists its messages"}, **problems(426)},
)
async def without_upgrade() -> None:
    """Open a WebSocket here. It carries any number of feeds; see `docs/feeds.md` for its messages."""
    headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
    raise Problem(UPGRADE_REQUIRED, "this path speaks WebSocket only; the feeds are also at /v1/feed", headers=headers)
