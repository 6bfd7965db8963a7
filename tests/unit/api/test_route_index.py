"""The index of routes chooses what the application would choose without it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.routing import BaseRoute, Match

from api.app import create_app
from api.kit.route_index import CHOSEN, RouteIndex
from api.permissions import WEBSOCKET, routes_of
from tests.integration.api.support import config_of

PARAMETER = re.compile(r"{[^}]*}")


@pytest.fixture(scope="module")
def application() -> FastAPI:
    return create_app(config_of("redis://nowhere"))


def _paths(template: str, templates: Iterable[str]) -> Iterator[str]:
    """Yield paths of a template: with ids in place of its parameters, and with what other paths have there."""
    yield PARAMETER.sub("u-1", template)
    yield PARAMETER.sub("a.b~c", template)
    parts = template.split("/")
    for other in templates:
        others = other.split("/")
        if len(others) == len(parts):
            mixed = [theirs if PARAMETER.match(ours) else ours for ours, theirs in zip(parts, others, strict=True)]
            yield PARAMETER.sub("u-1", "/".join(mixed))


def _chosen(routes: Sequence[BaseRoute], method: str, path: str) -> BaseRoute | None:
    for route in routes:
        scope: dict[str, Any] = {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}
        match, child = route.matches(scope)
        if match is Match.FULL:
            found: BaseRoute = child.get(CHOSEN, route)
            return found
    return None


def test_every_path_gets_the_route_that_it_gets_without_the_index(application: FastAPI) -> None:
    index, *routes = application.router.routes
    templates = routes_of(application.routes)
    for method, template in templates:
        for path in {*_paths(template, {other for _, other in templates})}:
            assert _chosen([index, *routes], method, path) is _chosen(routes, method, path), f"{method} {path}"


def test_the_index_knows_every_route(application: FastAPI) -> None:
    index = application.router.routes[0]
    assert isinstance(index, RouteIndex)
    for method, template in routes_of(application.routes):
        if method != WEBSOCKET and template != application.openapi_url:  # FastAPI adds that one itself
            assert _chosen([index], method, PARAMETER.sub("u-1", template)) is not None, f"{method} {template}"


@pytest.mark.parametrize("templates", [("/things/{name}", "/things/last"), ("/things/last", "/things/{name}")])
async def test_of_routes_that_share_a_path_the_first_answers_as_before(templates: tuple[str, str]) -> None:
    app = FastAPI()
    for template in templates:
        app.add_api_route(template, partial(_text, template), methods=["GET"])
    paths = ("/things/last", "/things/one", "/things", "/things/", "/things//", "/things/{}")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://things") as client:
        before = [await client.get(path) for path in paths]
        app.router.routes.insert(0, RouteIndex(app.router.routes, routes_of(app.routes)))
        after = [await client.get(path) for path in paths]
    assert [one.json() for one in before[:2]] == [templates[0], "/things/{name}"]
    assert [(one.status_code, one.text) for one in after] == [(one.status_code, one.text) for one in before]


async def _text(template: str) -> str:
    return template
