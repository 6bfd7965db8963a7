"""Private feeds with an API key, over a socket, as server-sent events and by ticket; they end with the key."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from astratrade_client import AstraTrade, FeedEndedError, ProblemError, Retry, Snapshot
from fastapi import FastAPI

from api.identity.accounts import create_account
from api.identity.api_keys.store import CreatedKey, NewKey, create_key, revoke_key
from api.kit.clock import now
from api.kit.context import Api
from api.limits import callers
from api.limits.policies import LOOK_UP_UNITS, Policy
from api.permissions import Scope
from tests.identity.api_keys import with_checksum
from tests.integration.api.socket_client import opened
from tests.integration.api.support import Worker

FAST = Retry(first_s=0.05, max_s=0.2, patience_s=20)
READS = frozenset({Scope.READ_PRIVATE})
ENDS_WITHIN_S = 2.5


async def keys_of_alice(api: Api, *scopes: frozenset[Scope]) -> list[CreatedKey]:
    async with api.store.work(now()) as work:
        await create_account(work, username="alice", account_id="alice")
        return [await create_key(work, "alice", NewKey(name="bot", scopes=one), actor="alice") for one in scopes]


async def revoke(api: Api, key: CreatedKey) -> None:
    async with api.store.work(now()) as work:
        assert await revoke_key(work, "alice", key.key.id, actor="alice")


@pytest.mark.parametrize("over", ["socket", "sse"])
async def test_a_private_feed_of_a_key_ends_when_the_key_is_revoked(
    server: httpx.AsyncClient, served_app: FastAPI, worker: Worker, over: str
) -> None:
    api: Api = served_app.state.api
    (key,) = await keys_of_alice(api, READS)
    async with AstraTrade(str(server.base_url), api_key=key.text, retry=FAST) as client, asyncio.timeout(20):
        feed = client.feed("portfolio", over=over)  # type: ignore[arg-type]
        assert isinstance(await anext(feed), Snapshot)
        await revoke(api, key)
        begun = asyncio.get_running_loop().time()
        with pytest.raises((FeedEndedError, ProblemError)):
            async for _ in feed:
                pass
        assert asyncio.get_running_loop().time() - begun < ENDS_WITHIN_S


async def test_a_key_without_the_scope_opens_no_private_feed(
    server: httpx.AsyncClient, served_app: FastAPI, worker: Worker
) -> None:
    (key,) = await keys_of_alice(served_app.state.api, frozenset({Scope.TRADE}))
    async with AstraTrade(str(server.base_url), api_key=key.text, retry=FAST) as client, asyncio.timeout(20):
        for over in ("socket", "sse"):
            with pytest.raises(ProblemError, match="the scope read:private"):
                await anext(client.feed("portfolio", over=over))
    assert (await server.post("/v1/feed/tickets", headers={"Authorization": f"Bearer {key.text}"})).status_code == 403


async def test_a_ticket_of_a_key_opens_a_feed_once(
    server: httpx.AsyncClient, served_app: FastAPI, worker: Worker
) -> None:
    (key,) = await keys_of_alice(served_app.state.api, READS)
    got = await server.post("/v1/feed/tickets", headers={"Authorization": f"Bearer {key.text}"})
    for status in (200, 401):
        async with server.stream("GET", "/v1/feed/portfolio", params={"ticket": got.json()["ticket"]}) as answer:
            assert answer.status_code == status


async def test_guesses_of_keys_over_a_socket_are_charged_to_its_caller(
    server: httpx.AsyncClient, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callers, "ANONYMOUS", Policy("anonymous", 10 + 2 * LOOK_UP_UNITS, 40_000))
    async with opened(server) as client:
        for number, status in enumerate((401, 401, 429)):
            guess = with_checksum(f"ak_0192aaaa-0000-7000-8000-00000000000{number}_{'0' * 64}")
            await client.send("authenticate", token=guess)
            assert (await client.until_type("problem"))["problem"]["status"] == status


async def test_a_key_cannot_keep_the_feeds_of_another_key_open(
    server: httpx.AsyncClient, served_app: FastAPI, worker: Worker
) -> None:
    """A second key of the account, without the scope, must not take the socket over when the first one is revoked."""
    api: Api = served_app.state.api
    reads, trades = await keys_of_alice(api, READS, frozenset({Scope.TRADE}))
    async with opened(server) as client:
        await client.send("authenticate", token=reads.text)
        assert (await client.until_type("authenticated"))["expires_at"] == reads.key.expires.text()
        await client.send("subscribe", subscription="mine", feed="portfolio")
        await client.until_current("mine")
        await client.send("authenticate", token=trades.text)
        assert (await client.until_type("problem"))["problem"]["status"] == 403
        await revoke(api, reads)
        assert (await client.until_type("ended"))["why"] == "revoked"
        await client.send("authenticate", token=trades.text)
        await client.until_type("authenticated")
        await client.send("subscribe", subscription="again", feed="portfolio")
        assert (await client.until_type("problem"))["problem"]["status"] == 403
