"""Connections are bounded: their number, the size of a head, and the time to send. Each test uses real sockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import orjson
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.config import ApiConfig
from api.limits import caps
from api.limits.caps import HEAD_BYTES_MAX, Caps
from api.middleware import BODY_BYTES_MAX
from tests.integration.api.sse import serving
from tests.integration.api.support import Worker, auth

GET = b"GET /healthz HTTP/1.1\r\nHost: api\r\n"
CONNECTIONS_MAX = 6
PER_ADDRESS_MAX = 4
CHUNK = b"x" * 65_536


@pytest.fixture
def config(config: ApiConfig) -> ApiConfig:
    return replace(config, caps=Caps(connections_max=CONNECTIONS_MAX, connections_per_address_max=PER_ADDRESS_MAX))


@pytest.fixture
async def port(config: ApiConfig, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    monkeypatch.setattr(caps, "HEAD_TIMEOUT_S", 0.6)
    monkeypatch.setattr(caps, "BODY_TIMEOUT_S", 0.6)
    async with serving(create_app(config)) as (url, _):
        yield int(url.rpartition(":")[2])


@dataclass
class Client:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> tuple[int, dict[str, str], Any]:
        """Read one answer with a length."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await self.reader.readexactly(int(headers["content-length"]))
        return int(head[0].split()[1]), headers, orjson.loads(body)

    async def ended(self) -> bytes:
        """Return what comes until the server ends the connection."""
        with suppress(ConnectionError):
            return await self.reader.read()
        return b""


class Clients:
    """Connects to the API; all connections are closed after the test."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._made: list[Client] = []

    async def __call__(self, source: str = "127.0.0.1") -> Client:
        client = Client(*await asyncio.open_connection("127.0.0.1", self.port, local_addr=(source, 0)))
        self._made.append(client)
        return client

    async def close(self) -> None:
        for client in self._made:
            client.writer.close()
            with suppress(ConnectionError):
                await client.writer.wait_closed()


@pytest.fixture
async def connect(port: int) -> AsyncIterator[Clients]:
    clients = Clients(port)
    yield clients
    await clients.close()


async def test_an_endless_header_is_refused_with_431_and_stalls_no_other_client(connect: Clients) -> None:
    attacker, other = await connect(), await connect()
    sent = 0

    async def attack() -> None:
        nonlocal sent
        await attacker.send(GET + b"X-Long: ")
        while sent < 100_000_000:
            await attacker.send(CHUNK)
            sent += len(CHUNK)

    attacking = asyncio.create_task(attack())
    async with asyncio.timeout(5):
        status, headers, document = await attacker.answer()
    assert (status, document["type"], headers["connection"]) == (431, "/problems/headers-too-large", "close")
    assert headers["x-content-type-options"] == "nosniff"
    slowest = 0.0
    for _ in range(20):
        begun = time.perf_counter()
        await other.send(GET + b"\r\n")
        assert (await other.answer())[0] == 200
        slowest = max(slowest, time.perf_counter() - begun)
    assert slowest < 0.5
    async with asyncio.timeout(5):
        await attacker.ended()
    attacking.cancel()
    with suppress(ConnectionError, asyncio.CancelledError):
        await attacking


@pytest.mark.parametrize(("size", "status"), [(HEAD_BYTES_MAX - 100, 200), (HEAD_BYTES_MAX, 431)])
async def test_a_whole_head_may_have_the_maximum(connect: Clients, size: int, status: int) -> None:
    client = await connect()
    await client.send(GET + b"X-Long: " + b"x" * size + b"\r\n\r\n")
    assert (await client.answer())[0] == status


async def test_headers_that_arrive_byte_by_byte_are_refused_with_408(connect: Clients) -> None:
    client = await connect()

    async def drip() -> None:
        for byte in GET:
            await client.send(bytes([byte]))
            await asyncio.sleep(0.05)

    dripping = asyncio.create_task(drip())
    async with asyncio.timeout(5):
        status, _, document = await client.answer()
        assert (status, document["type"]) == (408, "/problems/request-timeout")
        await client.ended()
    dripping.cancel()
    with suppress(ConnectionError, asyncio.CancelledError):
        await dripping


async def test_a_body_that_does_not_arrive_is_refused_with_408(connect: Clients) -> None:
    client = await connect()
    token = auth("alice")["Authorization"].encode()
    head = b"POST /v1/trades HTTP/1.1\r\nHost: api\r\nContent-Length: 100\r\nAuthorization: " + token + b"\r\n\r\n"
    await client.send(head + b"{")
    async with asyncio.timeout(5):
        status, _, document = await client.answer()
    assert (status, document["detail"]) == (408, "the body did not arrive in time")


@pytest.mark.parametrize(
    ("levels", "kind"),
    [(200, "validation"), (201, "malformed-json"), (100_000, "malformed-json")],
)
async def test_a_body_that_is_nested_too_deep_is_no_json(connect: Clients, levels: int, kind: str) -> None:
    client = await connect()
    body = b'{"market":' + b"[" * levels + b"]" * levels + b"}"
    token, length = auth("alice")["Authorization"].encode(), str(len(body)).encode()
    head = b"POST /v1/trades HTTP/1.1\r\nHost: api\r\nContent-Length: " + length + b"\r\nAuthorization: " + token
    await client.send(head + b"\r\n\r\n" + body)
    _, _, document = await client.answer()
    assert document["type"] == f"/problems/{kind}"


@pytest.mark.parametrize("sent", [b"", b"\r\n\r\n"])
async def test_a_connection_without_a_request_is_closed(connect: Clients, sent: bytes) -> None:
    client = await connect()
    await client.send(sent)
    async with asyncio.timeout(5):
        assert await client.ended() == b""


async def test_blank_lines_do_not_keep_a_used_connection_open(connect: Clients) -> None:
    client = await connect()
    await client.send(GET + b"\r\n")
    assert (await client.answer())[0] == 200
    await client.send(b"\r\n")
    async with asyncio.timeout(5):
        assert await client.ended() == b""


async def test_an_unread_body_of_a_refused_request_does_not_keep_its_connection_open(connect: Clients) -> None:
    client = await connect()
    await client.send(b"POST /v1/trades HTTP/1.1\r\nHost: api\r\nContent-Length: 900\r\n\r\n")
    assert (await client.answer())[0] == 401
    async with asyncio.timeout(5):
        assert await client.ended() == b""


async def test_endless_trailers_of_a_body_end_the_connection(connect: Clients) -> None:
    client = await connect()
    await client.send(b"POST /v1/trades HTTP/1.1\r\nHost: api\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Long: ")
    with suppress(ConnectionError):
        async with asyncio.timeout(10):
            for _ in range(1_000):
                await client.send(CHUNK)
            pytest.fail("the API took 65 MB of trailers")


async def test_connections_in_use_stay_open_and_requests_may_be_pipelined(connect: Clients) -> None:
    client = await connect()
    body = b"x" * (BODY_BYTES_MAX - 10)
    length = str(len(body)).encode()
    for _ in range(2):
        await client.send(
            b"POST /v1/trades HTTP/1.1\r\nHost: api\r\nContent-Length: "
            + length
            + b"\r\n\r\n"
            + body
            + 3 * (GET + b"\r\n")
        )
        assert [(await client.answer())[0] for _ in range(4)] == [401, 200, 200, 200]


async def test_one_address_has_a_number_of_connections_and_leaves_the_rest_to_others(connect: Clients) -> None:
    first = [await connect() for _ in range(PER_ADDRESS_MAX)]
    refused = await connect()
    status, headers, document = await refused.answer()
    assert (status, document["type"], headers["retry-after"]) == (503, "/problems/too-many-connections", "5")
    other = await connect("127.0.0.2")
    await other.send(GET + b"\r\n")
    assert (await other.answer())[0] == 200
    first[0].writer.close()
    refused.writer.close()
    await asyncio.sleep(0.1)
    again = await connect()
    await again.send(GET + b"\r\n")
    assert (await again.answer())[0] == 200


async def test_the_process_has_a_number_of_connections(connect: Clients) -> None:
    held = [await connect(f"127.0.0.{1 + number}") for number in range(CONNECTIONS_MAX)]
    refused = await connect("127.0.0.99")
    assert (await refused.answer())[0] == 503
    for client in held:
        client.writer.close()
    refused.writer.close()
    await asyncio.sleep(0.1)
    again = await connect("127.0.0.99")
    await again.send(GET + b"\r\n")
    assert (await again.answer())[0] == 200


async def test_a_trusted_proxy_has_no_cap_of_its_own(config: ApiConfig, worker: Worker) -> None:
    app: FastAPI = create_app(replace(config, trusted_proxies=("127.0.0.0/8",)))
    async with serving(app) as (url, _):
        connect = Clients(int(url.rpartition(":")[2]))
        proxied = [await connect() for _ in range(PER_ADDRESS_MAX + 1)]
        await proxied[-1].send(GET + b"\r\n")
        assert (await proxied[-1].answer())[0] == 200
        await connect.close()
