"""A trace goes from the request into the log; every answer names its request."""

from __future__ import annotations

import asyncio
import logging

import httpx
import pytest
from fastapi import FastAPI
from faust_redis.log import Log
from sqlalchemy import select

from api.auth import Role
from api.identity.store.tables import OUTBOX
from api.kit.request_identity import current
from api.middleware import BODY_BYTES_MAX
from streams import topics
from streams.events import decode
from streams.trace_context import span_id_of
from tests.integration.api.sse import serving
from tests.integration.api.support import Worker, auth, fill
from tests.integration.api.test_ingress import ORDER, USER, written

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACED = {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "vendor=x", "X-Request-Id": "mine-1"}


@pytest.mark.usefixtures("worker")
async def test_every_command_carries_the_trace_of_its_request(client: httpx.AsyncClient, log: Log) -> None:
    venue, service = auth("venue-1", Role.VENUE), auth("pricer", Role.SERVICE)
    prices = {"prices": [{"market": "BTC", "price": "1"}]}
    answers = [
        await client.post("/v1/trades", json=ORDER, headers=USER | TRACED),
        await client.post("/v1/trades/t-1/close", headers=USER | TRACED | {"Idempotency-Key": "k"}),
        await client.post("/v1/fills", json={"fills": [fill(1), fill(2)]}, headers=venue | TRACED),
        await client.post("/v1/prices", json=prices, headers=service | TRACED),
    ]
    assert [answer.status_code for answer in answers] == [202] * 4
    events = [*await written(log, topics.TRADING_COMMANDS), *await written(log, topics.MARKET_PRICES)]
    assert len(events) == 5
    assert {event.traceparent for event in events} == {f"00-{TRACE}-{span_id_of(event.id)}-01" for event in events}
    assert all(answer.headers["traceresponse"].startswith(f"00-{TRACE}-") for answer in answers)


async def test_every_event_of_an_account_carries_the_trace_of_its_request(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    body = {"username": "ada", "password": "walnut harbour trombone"}
    answer = await client.post("/v1/auth/register", json=body, headers=TRACED)
    assert answer.status_code == 201
    async with app.state.api.store.read() as connection:
        events = [decode(value) for value in await connection.scalars(select(OUTBOX.events.c.value))]
    assert {event.traceparent for event in events} == {f"00-{TRACE}-{span_id_of(event.id)}-01" for event in events}
    assert any(event.type == "astra.user.AccountRegistered.v1" for event in events)


@pytest.mark.usefixtures("worker")
async def test_requests_that_share_a_write_keep_their_traces(client: httpx.AsyncClient, log: Log) -> None:
    answers = await asyncio.gather(*(client.post("/v1/trades", json=ORDER, headers=USER) for _ in range(20)))
    traces = {answer.json()["event_id"]: answer.headers["traceresponse"] for answer in answers}
    assert len(set(traces.values())) == 20
    assert {event.id: event.traceparent for event in await written(log, topics.TRADING_COMMANDS)} == traces


async def test_every_answer_names_its_request(app: FastAPI, client: httpx.AsyncClient) -> None:
    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("secret detail")

    refused = b"x" * (BODY_BYTES_MAX + 1)
    answers = {
        200: await client.get("/livez", headers=TRACED),
        404: await client.get("/nowhere", headers=TRACED),
        405: await client.put("/v1/trades", headers=TRACED),
        401: await client.post("/v1/trades", headers=TRACED),
        413: await client.post("/v1/trades", headers=USER | TRACED, content=refused),
        422: await client.get("/v1/leaderboards/none", headers=TRACED),
        500: await client.get("/broken", headers=TRACED),
    }
    for status, answer in answers.items():
        assert answer.status_code == status
        assert answer.headers.get_list("x-request-id") == ["mine-1"]
        assert answer.headers["traceresponse"].startswith(f"00-{TRACE}-")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert status == 200 or answer.json()["request_id"] == "mine-1"


async def test_an_upload_that_breaks_off_is_logged_with_the_id_of_its_request(
    served_app: FastAPI, worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    """`serving` runs a real server, in which each request has a task, and a context, of its own."""
    ids: list[object] = []

    def note(record: logging.LogRecord) -> bool:
        identity = current.get()
        ids.append(identity and identity.request_id)
        return True

    del worker
    caplog.set_level("INFO", logger="api.kit.handlers")
    caplog.handler.addFilter(note)
    async with serving(served_app) as (url, _):
        host, port = url.removeprefix("http://").split(":")
        for name in ("first", "second"):
            _, writer = await asyncio.open_connection(host, int(port))
            head = f"POST /v1/trades HTTP/1.1\r\nHost: x\r\nAuthorization: {USER['Authorization']}\r\n"
            writer.write(f"{head}X-Request-Id: {name}\r\nContent-Length: 100\r\n\r\n{{".encode())
            await writer.drain()
            await asyncio.sleep(0.2)
            writer.close()
            await writer.wait_closed()
        async with asyncio.timeout(10):
            while len(ids) < 2:  # noqa: ASYNC110 - a log line sends no signal
                await asyncio.sleep(0.02)
    assert ids == ["first", "second"]
