"""Health, readiness, metrics, the API description, the pages, and the API's behaviour without its broker."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Self

import httpx
import orjson
import pytest
from fastapi import FastAPI
from faust_redis.log import Log

from api.app import create_app
from api.auth import Role
from api.config import ApiConfig
from api.identity.store.database import IdentityStore
from api.kit.broker_watch import BrokerWatch
from api.kit.pipeline import Pipeline
from api.kit.problems import KINDS
from deploy.server.embedded import EmbeddedServer
from deploy.server.server_binary import find_binary
from streams.events.trading import OpenTrade
from streams.topics import TRADING_EVENTS
from tables.gamification import GAMIFICATION_PROGRESS, Progress
from tables.user import INBOX_NOTIFICATIONS_MAX
from tests.integration.api.sse import Reader, serving
from tests.integration.api.support import RULES, Worker, auth, scraped
from tests.integration.api.test_ingress import ORDER, USER, assert_problem

STAFF = auth("operator", Role.MODERATOR)


async def until(condition: Callable[[], bool], within_s: float = 10.0) -> None:
    """Poll for a background effect that sends no signal."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("path", ["/livez", "/healthz"])
async def test_a_process_is_up_whatever_the_broker_does(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).json() == {"status": "up"}


async def test_the_api_is_ready_without_any_worker(client: httpx.AsyncClient) -> None:
    """A rebalance of the workers must not take the API out of its load balancer."""
    assert (await client.get("/readyz")).json() == {"status": "ready"}


async def test_the_api_is_not_ready_while_its_broker_is_away(tmp_path: Path, config: ApiConfig) -> None:
    with Broker(tmp_path) as broker:
        app = create_app(replace(config, log_url=broker.url))
        watch: BrokerWatch = app.state.api.broker
        async with serving(app) as (url, _), httpx.AsyncClient(base_url=url, timeout=30) as client:
            assert (await client.get("/readyz")).status_code == 200
            broker.stop()
            await until(lambda: watch.why_not_ready() is not None)
            answer = await client.get("/readyz")
            assert assert_problem(answer, 503, "unavailable")["detail"] == "the broker does not answer"
            assert answer.headers["retry-after"]
            assert (await client.get("/livez")).status_code == 200
            assert_problem(await client.get("/v1/pipeline", headers=STAFF), 503, "unavailable")
            broker.start()
            await until(lambda: watch.why_not_ready() is None)
            assert (await client.get("/readyz")).status_code == 200


async def test_a_process_with_a_dead_task_is_not_ready_and_closes_all_the_same(
    config: ApiConfig, worker: Worker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def die(_pipeline: Pipeline) -> None:
        raise ZeroDivisionError

    closed, close_store = [], IdentityStore.close

    async def close(store: IdentityStore) -> None:
        await close_store(store)
        closed.append("the database of accounts")

    monkeypatch.setattr(Pipeline, "run", die)
    monkeypatch.setattr(IdentityStore, "close", close)
    app = create_app(config)
    transport = httpx.ASGITransport(app)
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://api") as client,
        app.router.lifespan_context(app),
    ):
        await until(lambda: app.state.api.background.fault is not None)
        detail = assert_problem(await client.get("/readyz"), 503, "unavailable")["detail"]
        assert detail == "the task 'pipeline samples' of this process ended; restart the process"
        assert (await client.get("/livez")).status_code == 200
    assert closed
    assert [record.exc_info and record.exc_info[0] for record in caplog.records if record.getMessage() == detail] == [
        ZeroDivisionError
    ]


async def test_readiness_ends_with_the_signal_and_the_process_lives_on_while_it_drains(
    config: ApiConfig, worker: Worker
) -> None:
    app = create_app(config)
    async with serving(app, drain_s=1.5) as (url, server), httpx.AsyncClient(base_url=url) as client:
        reader = Reader(client, "/v1/feed/progress")
        reading = asyncio.create_task(reader.read(lambda r: "alice" in r.table))
        await reader.current.wait()
        assert (await client.get("/readyz")).status_code == 200
        server.handle_exit(signal.SIGTERM, None)
        # Otherwise uvicorn raises the signal again in this process, which runs the tests.
        server._captured_signals.clear()
        document = assert_problem(await client.get("/readyz"), 503, "unavailable")
        assert document["detail"] == "the process is shutting down"
        assert (await client.get("/livez")).status_code == 200
        async with httpx.AsyncClient(base_url=url) as newcomer:
            assert (await newcomer.post("/v1/trades", json=ORDER, headers=USER)).status_code == 202
            assert_problem(await newcomer.get("/readyz"), 503, "unavailable")
        await worker.put_user(GAMIFICATION_PROGRESS.name, "alice", Progress(max_leverage=10))
        await reading  # The feed continues meanwhile.


async def test_metrics_count_requests_commands_and_lag(app: FastAPI, client: httpx.AsyncClient, worker: Worker) -> None:
    keyed = {**USER, "Idempotency-Key": "k"}
    for _ in range(2):
        await client.post("/v1/trades", json=ORDER, headers=keyed)
    await client.get("/nowhere/at/all")
    text = await scraped(app)
    partition = worker.partition("alice")
    for line in (
        'astra_api_requests_total{method="POST",route="/v1/trades",status="202"} 2.0',
        'astra_api_commands_total{type="OpenTrade"} 1.0',
        "astra_api_replays_total 1.0",
        'astra_api_requests_total{method="(none)",route="(none)",status="404"} 1.0',
        f'astra_api_lag_records{{domain="trading",partition="{partition}",topic="{OpenTrade.topic}"}} 1.0',
        'astra_api_group_members{domain="financial"} 0.0',
        'astra_api_group_ready{domain="gamification"} 0.0',
        'astra_api_group_partitions_damaged{domain="gamification"} 0.0',
        f'astra_api_lag_seconds{{domain="gamification",partition="0",topic="{TRADING_EVENTS}"}} 0.0',
        f'astra_api_topic_records_total{{topic="{OpenTrade.topic}"}} 1.0',
        "astra_api_broker_persists 1.0",
        "astra_api_broker_replicas 0.0",
        "astra_api_broker_up 1.0",
    ):
        assert line in text


async def test_unknown_paths_methods_and_failures_are_problems(app: FastAPI, client: httpx.AsyncClient) -> None:
    assert_problem(await client.get("/nowhere"), 404, "not-found")
    answer = await client.put("/v1/trades")
    assert "POST" in assert_problem(answer, 405, "method-not-allowed")["detail"]
    assert answer.headers["allow"] == "POST"

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("secret detail")

    document = assert_problem(await client.get("/broken"), 500, "internal")
    assert "secret" not in document["detail"]


async def test_a_method_that_a_path_lacks_is_answered_with_all_that_it_has(client: httpx.AsyncClient) -> None:
    answer = await client.request("OPTIONS", "/v1/account/privacy")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, PUT"


async def test_a_body_that_is_not_utf_8_is_malformed_json(client: httpx.AsyncClient) -> None:
    headers = {**USER, "Content-Type": "application/json"}
    answer = await client.put("/v1/account/privacy", content=b"\xff", headers=headers)
    assert_problem(answer, 400, "malformed-json")


async def test_the_description_names_no_schema_that_it_lacks(client: httpx.AsyncClient) -> None:
    text = (await client.get("/openapi.json")).text
    assert "HTTPValidationError" not in text
    for operations in orjson.loads(text)["paths"].values():
        for operation in operations.values():
            assert "requestBody" not in operation or "400" in operation["responses"]


async def test_the_description_is_complete(client: httpx.AsyncClient) -> None:
    described = (await client.get("/openapi.json")).json()
    operations = [(path, operation) for path, methods in described["paths"].items() for operation in methods.values()]
    assert len(operations) >= 19
    for path, operation in operations:
        assert operation["summary"], path
        assert operation["description"], path
        assert operation["tags"], path
        for content in operation.get("requestBody", {}).get("content", {}).values():
            assert content["examples"], path
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', orjson.dumps(described).decode()))
    assert references <= described["components"]["schemas"].keys()
    assert described["paths"]["/v1/fills"]["post"]["responses"].keys() >= {"202", "401", "403", "422", "503"}


async def test_examples_of_the_description_are_accepted(client: httpx.AsyncClient, worker: Worker) -> None:
    described = (await client.get("/openapi.json")).json()
    roles = {"/v1/trades": Role.USER, "/v1/fills": Role.VENUE, "/v1/prices": Role.SERVICE}
    for path, role in roles.items():
        [content] = described["paths"][path]["post"]["requestBody"]["content"].values()
        for example in content["examples"].values():
            answer = await client.post(path, json=example["value"], headers=auth("trader-2", role))
            assert answer.status_code == 202, answer.text


async def test_pages_load_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    loaded = re.findall(r'(?:src|href)="(/page/[^"]+)"', (await client.get("/")).text)
    assert {path.rpartition(".")[2] for path in loaded} == {"js", "css", "svg"}
    for path in ("/", "/docs", "/problems/validation", *loaded):
        answer = await client.get(path)
        assert answer.status_code == 200, path
        assert not re.search(r"(src|href|url)\s*[=(]\s*[\"']?(https?:)?//", answer.text), path
    for name in KINDS:
        assert (await client.get(f"/problems/{name}")).status_code == 200
    assert_problem(await client.get("/problems/none"), 404, "not-found")
    for name in ("secrets", "secrets.js", "index.html", "..%2fpage%2flock.json"):
        assert_problem(await client.get(f"/page/{name}"), 404, "not-found")
    settings = (await client.get("/page-settings")).json()
    assert "BTC" in settings["markets"]
    assert settings["scopes"]["venue"] == ["account", "fills:write", "read:private"]
    assert {"level_up", "overtaken"} <= {*settings["notification_kinds"]}
    assert settings["sub_account_scopes"] == ["read:private", "trade"]
    assert settings["notifications_max"] == INBOX_NOTIFICATIONS_MAX
    assert settings["password_chars_min"] == 12


async def test_an_upload_that_breaks_off_is_one_line_in_the_log(
    config: ApiConfig, worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    head = "POST /v1/trades HTTP/1.1\r\nHost: api\r\nContent-Type: application/json\r\nContent-Length: 999\r\n"
    async with serving(create_app(config)) as (url, _):
        _, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(f'{head}Authorization: {USER["Authorization"]}\r\n\r\n{{"market":'.encode())
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.transport.abort()
        await until(lambda: any("went away" in record.getMessage() for record in caplog.records))
        await asyncio.sleep(0.1)
    [line] = [record for record in caplog.records if "/v1/trades" in record.getMessage()]
    assert (line.levelname, line.exc_info) == ("INFO", None)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_broker_that_became_unsuitable_gets_no_commands(tmp_path: Path, config: ApiConfig) -> None:
    """The broker's policy changes while the API runs: it may now drop acknowledged records."""
    with Broker(tmp_path) as broker:
        log = Log(broker.url, config.namespace)
        await Worker(log, config.app_id).create_topics()
        app = create_app(replace(config, log_url=broker.url))
        watch: BrokerWatch = app.state.api.broker
        async with serving(app) as (url, _), httpx.AsyncClient(base_url=url, timeout=30) as client:
            assert (await client.post("/v1/trades", json=ORDER, headers=USER)).status_code == 202
            await log.redis.config_set("maxmemory-policy", "allkeys-lru")
            await until(lambda: watch.unsuitable is not None)
            refused = await client.post("/v1/trades", json=ORDER, headers=USER)
            assert "could lose records" in assert_problem(refused, 503, "unavailable")["detail"]
            assert "allkeys-lru" in assert_problem(await client.get("/readyz"), 503, "unavailable")["detail"]
            await log.redis.config_set("maxmemory-policy", "noeviction")
            await until(lambda: watch.unsuitable is None)
            assert (await client.post("/v1/trades", json=ORDER, headers=USER)).status_code == 202
        await log.close()


class Broker:
    """A server of its own that can go away and come back under the same address."""

    def __init__(self, directory: Path) -> None:
        self.server = EmbeddedServer(directory, find_binary())
        self.address = directory / "address"
        self.url = f"unix://{self.address}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self.server.start()
        self.address.symlink_to(self.server.url.removeprefix("unix://"))

    def stop(self) -> None:
        self.server.stop()
        self.address.unlink(missing_ok=True)


async def test_an_absent_broker_is_503_and_the_api_recovers_with_it(tmp_path: Path, config: ApiConfig) -> None:
    with Broker(tmp_path) as broker:
        log = Log(broker.url, config.namespace)
        worker = Worker(log, config.app_id)
        await worker.create_topics()
        broker.stop()
        app = create_app(replace(config, log_url=broker.url))
        keyed = {**USER, "Idempotency-Key": "k"}
        async with serving(app) as (url, _), httpx.AsyncClient(base_url=url, timeout=30) as client:
            answer = await client.post("/v1/trades", json=ORDER, headers=keyed)
            assert_problem(answer, 503, "unavailable")
            assert answer.headers["retry-after"] == "1"
            assert "astra_api_broker_up 0.0" in await scraped(app)
            broker.start()
            accepted = await client.post("/v1/trades", json=ORDER, headers=keyed)
            assert accepted.status_code == 202
            reader = Reader(client, "/v1/feed/progress")
            reading = asyncio.create_task(reader.read(lambda r: "alice" in r.table))
            await reader.current.wait()
            broker.stop()
            while "progress" not in reader.names:
                await asyncio.wait({reading}, timeout=0.05)
                assert not reading.done(), reading.exception()
            broker.start()
            await worker.put_user(GAMIFICATION_PROGRESS.name, "alice", Progress(max_leverage=10))
            await reading
            assert "resync" not in reader.names
            assert (await client.post("/v1/trades", json=ORDER, headers=keyed)).json() == accepted.json()
        await log.close()


def test_a_short_secret_or_no_markets_are_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        ApiConfig(
            log_url="redis://x",
            database_url="sqlite:////x",
            secret="short",
            rules=RULES,
            rulebook="1-packaged",
        )
    with pytest.raises(ValueError, match="markets is empty"):
        ApiConfig(
            log_url="redis://x",
            database_url="sqlite:////x",
            secret="s" * 32,
            rules=RULES.model_copy(update={"markets": {}}),
            rulebook="1-packaged",
        )
