"""HTML pages: the dashboard at `/`, the list of endpoints, a page for each kind of problem. All they load is local.

A build makes the dashboard from `page/source` (docs/dashboard.md). This module serves the built files in `page/built`.
"""

from __future__ import annotations

import gzip
from functools import cache
from html import escape
from importlib.resources import files
from typing import Final, NamedTuple

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import HTMLResponse, Response

from api.auth import Role
from api.identity.password_rules import CHARS_MIN
from api.kit.context import ApiDep
from api.kit.problems import KINDS, NOT_FOUND, Problem
from api.permissions import SUB_ACCOUNT_SCOPES, Scope, scopes_of
from api.security_headers import PAGE_POLICY
from streams.events import notifications
from tables.user import INBOX_NOTIFICATIONS_MAX

PAGE = {"Content-Security-Policy": PAGE_POLICY}
TYPES: Final = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml", "txt": "text/plain"}
"""The types of what the dashboard loads, by the end of its name."""
HASHED: Final = ("app-", "part-")
"""Names that change with their content, so that browsers may keep these files for good."""
VIEWS: Final = ("/", "/boards", "/community", "/money", "/pipeline", "/player", "/account")
"""The views of the dashboard. The script shows the one that the address names."""
KEEP: Final = "public, max-age=31536000, immutable"
ASK_AGAIN: Final = "no-cache"

router = APIRouter(include_in_schema=False)
_built = files("api") / "page" / "built"


class _Asset(NamedTuple):
    """A file as it is and compressed."""

    plain: bytes
    compressed: bytes


async def index() -> Response:
    """Return the dashboard."""
    return HTMLResponse(_asset("index.html").plain, headers=PAGE)


for _view in VIEWS:
    router.add_api_route(_view, index, response_class=HTMLResponse)


@router.get("/page/{name}")
async def asset(name: str, request: Request) -> Response:
    """Return a file that the dashboard loads."""
    media_type = TYPES.get(name.rpartition(".")[2])
    if media_type is None or name not in _names():
        raise Problem(NOT_FOUND, f"the dashboard has no file called {name[:80]!r}")
    headers = {"Cache-Control": KEEP if name.startswith(HASHED) else ASK_AGAIN, "Vary": "Accept-Encoding"}
    found = _asset(name)
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(found.plain, media_type=media_type, headers=headers)
    return Response(found.compressed, media_type=media_type, headers=headers | {"Content-Encoding": "gzip"})


@cache
def _names() -> frozenset[str]:
    return frozenset(each.name for each in _built.iterdir())


@cache
def _asset(name: str) -> _Asset:
    plain = (_built / name).read_bytes()
    return _Asset(plain, gzip.compress(plain, mtime=0))


class PageSettings(BaseModel):
    """The choices that the dashboard offers."""

    markets: list[str]
    scopes: dict[Role, list[Scope]]
    sub_account_scopes: list[Scope]
    notification_kinds: list[str]
    notifications_max: int
    password_chars_min: int
    chain_id: str


@router.get("/page-settings")
async def settings(api: ApiDep) -> PageSettings:
    """Return the choices that the dashboard offers."""
    return PageSettings(
        markets=sorted(api.config.markets, key=str.lower),
        scopes={role: sorted(scopes_of(role)) for role in Role},
        sub_account_scopes=sorted(SUB_ACCOUNT_SCOPES),
        notification_kinds=list(notifications.KINDS),
        notifications_max=INBOX_NOTIFICATIONS_MAX,
        password_chars_min=CHARS_MIN,
        chain_id=api.config.wallets.chain_id,
    )


@router.get("/docs")
async def docs(request: Request) -> Response:
    """Return a list of all endpoints; the full description is /openapi.json."""
    rows = [
        f"<tr><td>{method.upper()}</td><td><code>{escape(path)}</code></td><td>{escape(operation['summary'])}</td></tr>"
        for path, operations in request.app.openapi()["paths"].items()
        for method, operation in operations.items()
    ]
    table = "<table><tr><th>Method</th><th>Path</th><th></th></tr>" + "".join(rows) + "</table>"
    more = '<p>The full description, with examples, is <a href="/openapi.json">/openapi.json</a>.</p>'
    return _html("Endpoints", more + table)


@router.get("/problems/{name}")
async def problem(name: str) -> Response:
    """Explain a kind of problem, and what to do about it."""
    kind = KINDS.get(name)
    if kind is None:
        raise Problem(NOT_FOUND, f"there is no kind of problem called {name[:80]!r}")
    return _html(kind.title, f"<p><code>{kind.name}</code>, status {kind.status}</p><p>{escape(kind.remedy)}</p>")


def _html(title: str, body: str) -> HTMLResponse:
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    sheet = next(name for name in _names() if name.endswith(".css"))
    style = f'<link rel="stylesheet" href="/page/{sheet}"><link rel="icon" href="/page/icon.svg">'
    page = (
        f'<!doctype html><html lang="en">{head}{style}<main class="text"><h1>{escape(title)}</h1>{body}</main></html>'
    )
    return HTMLResponse(page, headers=PAGE)
