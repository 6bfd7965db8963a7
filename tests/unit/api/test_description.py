"""The description groups routes by domain; a deprecated route says so in its answers."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest
from fastapi import FastAPI

from api import domains
from api.app import create_app
from api.kit.deprecation import deprecated
from tables.domains import TOPOLOGY
from tests.integration.api.support import config_of

SINCE, SUNSET = datetime(2026, 11, 29, tzinfo=UTC), datetime(2027, 11, 29, 12, tzinfo=UTC)


def test_each_route_of_a_domain_is_described_in_the_group_of_its_domain_alone() -> None:
    app = create_app(config_of("redis://nowhere"))
    described = app.openapi()
    served = domains.load(TOPOLOGY)
    group = {
        route.path: domain.title  # type: ignore[attr-defined]
        for domain in served
        for router in domain.routers
        for route in router.routes
    }
    assert len(group) >= 15
    tags = {path: operation["tags"] for path, methods in described["paths"].items() for operation in methods.values()}
    assert {path: tags[path] for path in group} == {path: [title] for path, title in group.items()}
    declared = [tag["name"] for tag in described["tags"]]
    assert declared[: len(served)] == [domain.title for domain in served]
    assert {tag for used in tags.values() for tag in used} == set(declared)
    assert all(tag["description"] for tag in described["tags"])


async def test_a_deprecated_route_says_since_when_until_when_and_what_replaces_it() -> None:
    app = FastAPI()
    announcement = deprecated(since=SINCE, sunset=SUNSET, successor="/new")

    @app.get("/old", deprecated=True, dependencies=[announcement])
    async def old() -> dict[str, str]:
        return {}

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client:
        headers = (await client.get("/old")).headers
    assert headers["deprecation"] == f"@{int(SINCE.timestamp())}"
    assert headers["sunset"] == "Mon, 29 Nov 2027 12:00:00 GMT"
    assert headers["link"] == '</new>; rel="successor-version"'
    assert app.openapi()["paths"]["/old"]["get"]["deprecated"] is True


def test_a_route_cannot_go_before_it_was_deprecated() -> None:
    with pytest.raises(ValueError, match="not after"):
        deprecated(since=SUNSET, sunset=SINCE, successor="/new")


async def test_the_older_name_of_livez_is_deprecated() -> None:
    app = create_app(config_of("redis://nowhere"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client:
        older, newer = await client.get("/healthz"), await client.get("/livez")
    assert older.json() == newer.json() == {"status": "up"}
    assert older.headers["link"] == '</livez>; rel="successor-version"'
    assert {"deprecation", "sunset"} <= older.headers.keys()
    assert "deprecation" not in newer.headers
    flagged = [path for path, one in app.openapi()["paths"].items() if one.get("get", {}).get("deprecated")]
    assert flagged == ["/healthz"]
