"""How long accepted commands take until their effect is visible, and changes until a feed's client has them."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from api.kit import effects
from streams.events.trading import OpenTrade
from tables.gamification import GAMIFICATION_PROGRESS, Progress
from tests.integration.api.sse import Reader
from tests.integration.api.support import Worker
from tests.integration.api.test_ingress import ORDER, USER

DOMAIN = {"domain": "trading"}
WITHIN_S = 10.0
HELD_S = 0.3


def value(app: FastAPI, name: str, **labels: str) -> float:
    registry: CollectorRegistry = app.state.api.metrics.registry
    return registry.get_sample_value(name, labels) or 0.0


def took(app: FastAPI) -> float:
    return value(app, "astra_api_accepted_to_visible_seconds_sum", **DOMAIN)


async def measured(app: FastAPI, count: int) -> None:
    async with asyncio.timeout(WITHIN_S):
        while value(app, "astra_api_accepted_to_visible_seconds_count", **DOMAIN) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def post(client: httpx.AsyncClient, key: str) -> dict[str, int]:
    answer = await client.post("/v1/trades", json=ORDER, headers={**USER, "Idempotency-Key": key})
    assert answer.status_code == 202
    found: dict[str, int] = answer.json()
    return found


async def test_the_time_to_the_effect_is_measured_when_the_domain_has_committed(
    app: FastAPI, client: httpx.AsyncClient, worker: Worker
) -> None:
    first = await post(client, "one")
    second = await post(client, "two")
    await post(client, "two")
    assert value(app, "astra_api_effects_expected_total", **DOMAIN) == 2, "a repeated request has no second effect"
    await asyncio.sleep(HELD_S)
    await worker.commit(OpenTrade.topic, first["partition"], first["offset"] + 1)
    await measured(app, 1)
    assert HELD_S <= took(app) < WITHIN_S
    await worker.commit(OpenTrade.topic, second["partition"], second["offset"] + 1)
    await measured(app, 2)
    await asyncio.sleep(3 * effects.POLL_S)
    assert value(app, "astra_api_accepted_to_visible_seconds_count", **DOMAIN) == 2


async def test_a_command_whose_domain_is_down_is_expected_and_not_visible(
    app: FastAPI, client: httpx.AsyncClient, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    await post(client, "one")
    await asyncio.sleep(3 * effects.POLL_S)
    assert value(app, "astra_api_effects_expected_total", **DOMAIN) == 1
    assert value(app, "astra_api_accepted_to_visible_seconds_count", **DOMAIN) == 0
    monkeypatch.setattr(effects, "PATIENCE_S", HELD_S)
    await measured(app, 1)
    assert took(app) >= HELD_S


async def test_the_delay_of_a_feed_is_observed(served_app: FastAPI, server: httpx.AsyncClient, worker: Worker) -> None:
    reader = Reader(server, "/v1/feed/progress")
    reading = asyncio.create_task(reader.read(lambda r: "alice" in r.table))
    await reader.current.wait()
    await worker.put_user(GAMIFICATION_PROGRESS.name, "alice", Progress(max_leverage=10))
    await reading
    assert value(served_app, "astra_api_feed_delay_seconds_count") == 1
    assert 0 < value(served_app, "astra_api_feed_delay_seconds_sum") < WITHIN_S
