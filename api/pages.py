"""HTML pages: the dashboard at `/`, the list of endpoints, a page for each kind of problem. All they load is local."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from typing import Literal

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from api.kit.context import ApiDep
from api.kit.problems import KINDS, NOT_FOUND, Problem
from api.security_headers import PAGE_POLICY

PAGE = {"Content-Security-Policy": PAGE_POLICY}
ASSET_TYPES = {
    "page.js": "text/javascript",
    "feeds.js": "text/javascript",
    "page.css": "text/css",
    "icon.svg": "image/svg+xml",
}

router = APIRouter(include_in_schema=False)
_page = files("api") / "page"


@router.get("/")
async def index() -> Response:
    """Return the dashboard."""
    return HTMLResponse((_page / "index.html").read_text("utf-8"), headers=PAGE)


@router.get("/page/{name}")
async def asset(name: Literal["page.js", "feeds.js", "page.css", "icon.svg"]) -> Response:
    """Return a file that the pages load."""
    return Response((_page / name).read_bytes(), media_type=ASSET_TYPES[name], headers={"Cache-Control": "no-cache"})


@router.get("/page-settings")
async def settings(api: ApiDep) -> dict[str, list[str]]:
    """Return the choices that the dashboard offers."""
    return {"markets": sorted(api.config.markets, key=str.lower)}


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
    style = '<link rel="stylesheet" href="/page/page.css"><link rel="icon" href="/page/icon.svg">'
    page = (
        f'<!doctype html><html lang="en">{head}{style}<main class="text"><h1>{escape(title)}</h1>{body}</main></html>'
    )
    return HTMLResponse(page, headers=PAGE)
