"""What a browser may do with the API's answers: headers of every answer, and calls from pages of other origins."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.auth import Role
from api.config import ApiConfig
from api.origins import origins_of
from api.security_headers import HEADERS, PAGE_HEADERS
from deploy.dashboard.lock import SOURCE
from tests.integration.api.support import Worker, auth, scraped
from tests.integration.api.test_ingress import ORDER, USER

PAGES = ("/", "/docs", "/problems/validation")
BROKEN = "/broken"
ORIGIN = "https://app.example.com"


@asynccontextmanager
async def api(config: ApiConfig) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(config)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://api") as client,
    ):
        yield client


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        *(("GET", page, 200) for page in PAGES),
        ("GET", "/page/icon.svg", 200),
        ("GET", "/page/none.js", 404),
        ("GET", "/openapi.json", 200),
        ("GET", "/v1/stats", 200),
        ("GET", "/v1/pipeline", 401),
        ("GET", "/nowhere", 404),
        ("PUT", "/v1/trades", 405),
        ("POST", "/v1/trades", 401),
        ("GET", "/v1/leaderboards/xp?period=fortnight", 422),
        ("GET", BROKEN, 500),
    ],
)
@pytest.mark.usefixtures("worker")
async def test_every_answer_has_each_security_header_once(
    app: FastAPI, client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    if path == BROKEN:

        @app.get(BROKEN)
        async def broken() -> None:
            raise RuntimeError

    answer = await client.request(method, path)
    assert answer.status_code == status
    for name in HEADERS:
        assert len(answer.headers.get_list(name)) == 1, name
    is_page = answer.headers.get("content-type", "").startswith("text/html")
    for name in PAGE_HEADERS:
        assert len(answer.headers.get_list(name)) == is_page, name
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert "strict-transport-security" not in answer.headers


async def test_a_failure_of_the_server_is_counted(app: FastAPI, client: httpx.AsyncClient) -> None:
    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError

    assert (await client.get("/broken")).status_code == 500
    assert 'astra_api_requests_total{method="GET",route="/broken",status="500"} 1.0' in await scraped(app)


async def test_an_accepted_command_and_a_private_answer_are_kept_by_nobody(
    client: httpx.AsyncClient, worker: Worker
) -> None:
    for answer in (
        await client.post("/v1/trades", json=ORDER, headers=USER),
        await client.get("/v1/users/alice/positions", headers=USER),
    ):
        assert answer.is_success
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("page", PAGES)
async def test_pages_have_no_inline_script_or_style(client: httpx.AsyncClient, page: str) -> None:
    text = (await client.get(page)).text
    assert "style=" not in text
    assert "<style" not in text
    assert "javascript:" not in text
    assert not re.search(r"<[^>]*\son\w+\s*=", text), "an attribute such as onclick"
    for script in text.split("<script")[1:]:
        assert script.partition(">")[2].startswith("</script>")


def test_the_script_of_the_pages_builds_no_markup_from_text() -> None:
    script = "".join(path.read_text() for path in SOURCE.rglob("*.ts*"))
    for sink in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("):
        assert sink not in script


async def test_tls_is_demanded_only_where_it_is_configured(config: ApiConfig) -> None:
    async with api(replace(config, hsts_s=31_536_000)) as client:
        for path in ("/livez", "/nowhere"):
            assert (await client.get(path)).headers["strict-transport-security"] == "max-age=31536000"


def preflight(origin: str) -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
    }


async def test_without_a_list_no_page_of_another_origin_may_call(client: httpx.AsyncClient) -> None:
    asked = await client.options("/v1/trades", headers=preflight(ORIGIN))
    read = await client.get("/v1/stats", headers={"Origin": ORIGIN})
    for answer in (asked, read):
        assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_a_listed_origin_may_call_and_no_other(config: ApiConfig, worker: Worker) -> None:
    async with api(replace(config, cors_origins=(ORIGIN,))) as client:
        allowed = await client.options("/v1/trades", headers=preflight(ORIGIN))
        assert allowed.status_code == 200
        assert allowed.headers["access-control-allow-origin"] == ORIGIN
        assert "Idempotency-Key" in allowed.headers["access-control-allow-headers"]
        posted = await client.post("/v1/trades", json=ORDER, headers={**USER, "Origin": ORIGIN})
        assert posted.status_code == 202
        assert posted.headers["access-control-allow-origin"] == ORIGIN
        assert "origin" in posted.headers["vary"].lower()
        for answer in (allowed, posted):
            assert "access-control-allow-credentials" not in answer.headers
        for other in ("https://evil.example", "https://app.example.com.evil.example", "http://app.example.com", "null"):
            refused = await client.options("/v1/trades", headers=preflight(other))
            read = await client.get("/v1/stats", headers={"Origin": other})
            assert refused.status_code == 400
            for answer in (refused, read):
                assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "text",
    [
        "*", "null", "https://*.example.com", "app.example.com", "https://a.example/", "https://a.example/x",
        "https://u@app.example.com", "HTTPS://app.example.com", "ftp://app.example.com", "https://a.example,*",
    ],
)  # fmt: skip
def test_only_exact_origins_can_be_listed(text: str) -> None:
    with pytest.raises(ValueError, match="is not an origin such as"):
        origins_of(text)


def test_a_list_of_origins_is_read() -> None:
    assert origins_of("") == ()
    assert origins_of("https://a.example, http://localhost:3000") == ("https://a.example", "http://localhost:3000")


async def test_metrics_are_not_on_the_public_port(app: FastAPI, client: httpx.AsyncClient) -> None:
    assert (await client.get("/metrics")).status_code == 404
    assert "astra_api_broker_up 1.0" in await scraped(app)


@pytest.mark.parametrize(("role", "status"), [
    (None, 401), (Role.USER, 403), (Role.VENUE, 403), (Role.MODERATOR, 200), (Role.SERVICE, 200), (Role.ADMIN, 200),
])  # fmt: skip
async def test_the_names_of_machines_are_for_staff(
    client: httpx.AsyncClient, worker: Worker, role: Role | None, status: int
) -> None:
    headers = {} if role is None else auth("somebody", role)
    await worker.set_group("trading", "stable", {"worker-1@machine-7:ab": {}})
    answer = await client.get("/v1/pipeline", headers=headers)
    assert answer.status_code == status
    assert ("machine-7" in answer.text) is (status == 200)
    assert "machine-7" not in (await client.get("/v1/stats")).text
