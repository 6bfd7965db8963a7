"""Requests cost units of their caller. Whoever has none left gets 429, and takes nothing from others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from faust_redis.log import LogUnavailableError
from starlette.types import Message, Receive, Scope, Send

from api.app import create_app
from api.auth import Principal, Role
from api.config import ApiConfig
from api.kit.problems import Problem
from api.limits import callers, policies
from api.limits.caps import Caps
from api.limits.charge import Charge
from api.limits.middleware import LimitRate
from api.limits.policies import API_KEYS, POLICIES, Policy, cost_of
from tests.identity.api_keys import sent, with_checksum
from tests.integration.api.socket_client import opened
from tests.integration.api.sse import serving
from tests.integration.api.support import Worker, auth, fill
from tests.integration.api.test_ingress import ORDER, USER, VENUE, assert_problem

pytestmark = pytest.mark.usefixtures("worker")

ANONYMOUS = Policy("anonymous", 40, 4_000)
ACCOUNT = Policy("account", 40, 4_000)
BOARD = "/v1/leaderboards/volume"


@pytest.fixture(autouse=True)
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "ANONYMOUS", ANONYMOUS)
    monkeypatch.setitem(POLICIES, Role.USER, ACCOUNT)


@asynccontextmanager
async def from_address(app: FastAPI, address: str) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, client=(address, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        yield client


async def test_each_answer_says_what_the_caller_may_ask_for_and_has_left(client: httpx.AsyncClient) -> None:
    answer = await client.get(BOARD)
    assert answer.headers["ratelimit-policy"] == '"anonymous";q=40;w=4000'
    assert answer.headers["ratelimit"] == '"anonymous";r=39;t=300'  # two units taken in advance count as left


async def test_a_caller_without_units_gets_429_and_the_time_to_wait(client: httpx.AsyncClient) -> None:
    for _ in range(2):
        assert (await client.post("/v1/trades", json=ORDER, headers=USER)).status_code == 202
    refused = await client.post("/v1/trades", json=ORDER, headers=USER)
    document = assert_problem(refused, 429, "too-many-requests")
    assert "costs 20 units" in document["detail"]
    assert 1_900 <= int(refused.headers["retry-after"]) <= 2_000  # 20 units of 100 s each
    assert refused.headers["ratelimit"].startswith('"account";r=')


async def test_nothing_of_a_refused_command_is_written(client: httpx.AsyncClient, worker: Worker) -> None:
    for _ in range(3):
        answer = await client.post("/v1/trades", json=ORDER, headers=USER)
    assert answer.status_code == 429
    assert sum((await worker.log.end_offsets("astra.trading.commands.v1")).values()) == 2


async def test_accounts_and_addresses_have_buckets_of_their_own(app: FastAPI) -> None:
    async with from_address(app, "9.9.9.9") as first, from_address(app, "8.8.8.8") as second:
        for _ in range(60):
            exhausted = await first.get(BOARD)
        assert exhausted.status_code == 429
        assert (await second.get(BOARD)).status_code == 200
        for number in range(3):
            answer = await first.post("/v1/trades", json=ORDER, headers=auth(f"user-{number}"))
            assert answer.status_code == 202


async def test_an_invalid_token_is_charged_to_the_address(client: httpx.AsyncClient) -> None:
    answers = [
        await client.post("/v1/trades", json=ORDER, headers={"Authorization": f"Bearer a.b.{number}"})
        for number in range(3)
    ]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert answers[-1].headers["ratelimit"].startswith('"anonymous"')


async def test_open_routes_read_no_token_and_are_charged_to_the_address(client: httpx.AsyncClient) -> None:
    unknown = sent(with_checksum("ak_00000000-0000-7000-8000-000000000001_" + "0" * 64))
    for left, path in ((39, "/page/none"), (38, "/problems/none"), (37, "/.well-known/jwks.json")):
        answer = await client.get(path, headers=unknown)
        assert answer.headers["ratelimit"].startswith(f'"anonymous";r={left};'), "no look-up of the key was paid"
    for status in (401, 429):
        answer = await client.post("/v1/auth/refresh", json={"refresh_token": "r" * 43}, headers=auth(f"user-{status}"))
        assert answer.status_code == status
        assert answer.headers["ratelimit"].startswith('"anonymous"')


async def test_clients_behind_a_trusted_proxy_have_buckets_of_their_own(config: ApiConfig) -> None:
    app = create_app(replace(config, trusted_proxies=("10.0.0.0/8",)))
    async with app.router.lifespan_context(app), from_address(app, "10.0.0.1") as proxy:
        statuses = {}
        for client in ("9.9.9.9", "8.8.8.8"):
            for _ in range(50 if client == "9.9.9.9" else 1):
                answer = await proxy.get(BOARD, headers={"X-Forwarded-For": f"1.2.3.4, {client}"})
            statuses[client] = answer.status_code
        assert statuses == {"9.9.9.9": 429, "8.8.8.8": 200}


@pytest.mark.parametrize(
    ("method", "path", "query", "units"),
    [
        ("GET", "/v1/leaderboards/volume", b"limit=1000", 11),
        ("GET", "/v1/leaderboards/volume", b"limit=99", 1),
        ("GET", "/v1/markets/BTC/candles", b"interval=1d&limit=1000", 11),
        ("GET", "/v1/stats/hours", b"limit=1000", 15),
        ("GET", "/v1/leaderboards/volume", b"limit=" + b"9" * 5_000, 1),
        ("GET", "/v1/leaderboards/volume", b"limit=\xff&limit=-5", 1),
        ("GET", "/v1/leaderboards/volume", b"limit=1001", 1),
        ("GET", "/v1/feed/trades", b"last=500", 20),
        ("GET", "/v1/feed/trades", b"last=100000", 10),
        ("GET", "/v1/feed/trades", b"", 10),
        ("GET", "/v1/users/alice/positions", b"", 1),
        ("GET", "/v1/users/alice/orders", b"limit=500", 6),
        ("GET", "/nowhere", b"", 1),
        ("GET", "", b"", 1),
        ("POST", "/v1/trades/t-1/close", b"", 20),
        ("POST", "/v1/fills", b"", 1),
        ("POST", "/v1/auth/wallet/challenge", b"", 20),
        ("POST", "/v1/auth/wallet/login", b"", 20),
        ("POST", "/v1/account/wallets/challenge", b"", 20),
        ("PUT", "/v1/account/password", b"", 20),
        ("DELETE", "/v1/account/sessions/s-1", b"", 20),
        ("GET", "/v1/account/sessions", b"", 1),
        ("GET", "/healthz", b"", 0),
        ("GET", "/livez", b"", 0),
        ("GET", "/readyz", b"", 0),
    ],
)
def test_a_request_costs_by_its_route_and_by_the_items_it_asks_for(
    method: str, path: str, query: bytes, units: int
) -> None:
    assert cost_of(method, path, query) == units


def test_a_cost_without_a_route_is_refused(monkeypatch: pytest.MonkeyPatch, config: ApiConfig) -> None:
    monkeypatch.setattr(policies, "COSTS", {**policies.COSTS, ("PUT", "trades"): policies.READ})
    with pytest.raises(policies.CostTableError, match="without a route: PUT /v1/trades"):
        create_app(config)


async def test_each_item_of_a_batch_costs_a_unit(client: httpx.AsyncClient) -> None:
    fills = [fill(number) for number in range(500)]
    before = POLICIES[Role.VENUE].units
    answer = await client.post("/v1/fills", json={"fills": fills}, headers=VENUE)
    assert answer.status_code == 202
    left = int(answer.headers["ratelimit"].partition("r=")[2].partition(";")[0])
    assert left == before - 500


async def test_a_batch_that_costs_too_much_is_refused_as_a_whole(
    client: httpx.AsyncClient, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(POLICIES, Role.VENUE, Policy("venue", 100, 10_000))
    fills = {"fills": [fill(number) for number in range(60)]}
    answers = [await client.post("/v1/fills", json=fills, headers=VENUE) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 429]
    assert sum((await worker.log.end_offsets("astra.trading.commands.v1")).values()) == 60


async def test_probes_are_free(client: httpx.AsyncClient) -> None:
    for _ in range(60):
        assert (await client.get(BOARD)).status_code in {200, 429}
    for path in ("/livez", "/healthz", "/readyz"):
        answer = await client.get(path)
        assert answer.status_code == 200
        assert "ratelimit" not in answer.headers


async def test_a_key_spends_its_own_units_and_those_of_its_account(app: FastAPI) -> None:
    limiter = app.state.api.limiter
    units = API_KEYS[Role.USER].units

    def charge(key: str) -> Charge:
        principal = Principal("alice", Role.USER, key_id=key)
        return Charge(limiter, callers.of_principal(limiter, principal), anonymous=False)

    account = POLICIES[Role.USER].units
    await charge("key-1").take(account // 2)
    await charge("key-2").take(account // 2)
    with pytest.raises(Problem, match="0 are left"):
        await charge("key-2").take(account // 2)
    assert units > account  # the keys' own policy of this test is the large one of the table


async def test_reads_are_served_under_a_stricter_limit_while_redis_is_away(
    app: FastAPI, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise LogUnavailableError("away")

    monkeypatch.setattr(app.state.api.limiter.shared._log, "run", away)
    statuses = [(await client.get("/openapi.json")).status_code for _ in range(6)]
    assert statuses == [200, 200, 200, 200, 429, 429]
    assert (await client.post("/v1/trades", json=ORDER, headers=USER)).status_code == 503


async def test_a_websocket_without_units_is_refused(app: FastAPI) -> None:
    """The gateway's sockets come through the same middleware."""
    connected = []

    async def socket(scope: Scope, receive: Receive, send: Send) -> None:
        connected.append(scope)

    limit = LimitRate(socket, app.state.api)
    scope = {"type": "websocket", "path": "/v1/ws", "query_string": b"", "headers": [], "client": ("9.9.9.9", 1)}
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    for _ in range(5):
        await limit(dict(scope), None, send)  # type: ignore[arg-type]
    assert len(connected) == 4
    assert [message["status"] for message in sent if "status" in message] == [429]


class TestFeeds:
    """Feeds hold a slot while they are open."""

    @pytest.fixture
    def served_app(self, config: ApiConfig, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
        caps = Caps(feeds_max=4, feeds_anonymous_max=3, feeds_per_account_max=2, feeds_per_address_max=2)
        monkeypatch.setattr(callers, "ANONYMOUS", Policy("anonymous", 1_000, 60))
        monkeypatch.setitem(POLICIES, Role.USER, Policy("account", 1_000, 60))
        return create_app(replace(config, caps=caps, trusted_proxies=("127.0.0.1",)))

    async def test_slots_are_kept_for_callers_with_a_token(self, served_app: FastAPI, worker: Worker) -> None:
        del worker
        async with serving(served_app) as (url, _), httpx.AsyncClient(base_url=url) as client:
            opened = [await _open(client, address) for address in ("1.1.1.1", "1.1.1.1", "2.2.2.2")]
            assert [answer.status_code for answer in opened] == [200, 200, 200]
            own = await _open(client, "1.1.1.1")
            document = await _refused(own, 429, "too-many-feeds")
            assert "2 feeds are open for this address" in document["detail"]
            await _refused(await _open(client, "3.3.3.3"), 503, "unavailable")
            alice = await _open(client, "1.1.1.1", user="alice")
            assert alice.status_code == 200
            await _refused(await _open(client, "1.1.1.1", user="bob"), 503, "unavailable")
            await opened[0].aclose()
            await until_fewer(served_app, 4)
            again = await _open(client, "3.3.3.3")
            assert again.status_code == 200
            for answer in (*opened[1:], alice, again):
                await answer.aclose()

    async def test_an_account_has_a_number_of_feeds_wherever_it_is(self, served_app: FastAPI, worker: Worker) -> None:
        del worker
        async with serving(served_app) as (url, _), httpx.AsyncClient(base_url=url) as client:
            opened = [await _open(client, f"{n}.1.1.1", user="alice") for n in (1, 2)]
            await _refused(await _open(client, "3.1.1.1", user="alice"), 429, "too-many-feeds")
            for answer in opened:
                await answer.aclose()
            await until_fewer(served_app, 1)


async def _open(client: httpx.AsyncClient, address: str, *, user: str | None = None) -> httpx.Response:
    headers = {"X-Forwarded-For": address, **({} if user is None else auth(user))}
    return await client.send(client.build_request("GET", "/v1/feed/progress", headers=headers), stream=True)


async def _refused(answer: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    assert answer.status_code == status, "a feed that opens would be read for ever"
    await answer.aread()
    assert answer.headers["retry-after"]
    return assert_problem(answer, status, kind)


async def until_fewer(app: FastAPI, feeds: int) -> None:
    async with asyncio.timeout(10):
        while len(app.state.api.feed_slots) >= feeds:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_the_feeds_of_a_socket_hold_slots_until_they_end(server: httpx.AsyncClient, served_app: FastAPI) -> None:
    api = served_app.state.api
    async with opened(server) as client:
        assert len(api.socket_slots) == 1
        for name in ("a", "b"):
            await client.send("subscribe", subscription=name, feed="progress")
            await client.until_current(name)
        assert len(api.feed_slots) == 2
        await client.send("unsubscribe", subscription="a")
        await client.until_type("ended")
        assert len(api.feed_slots) == 1
    async with asyncio.timeout(10):
        while len(api.feed_slots) + len(api.socket_slots):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
