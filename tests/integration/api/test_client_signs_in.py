"""The Python client signs in at a real API, refreshes its tokens, and loses its private feeds with its session."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import httpx
import pytest
from astratrade_client import (
    AstraTrade,
    Change,
    FeedEndedError,
    ProblemError,
    Progress,
    Retry,
    SignInAgainError,
    Snapshot,
    UnreachableError,
    Wallet,
)
from astratrade_client import credentials as client_credentials
from astratrade_client.models import SignedInAnswer
from fastapi import FastAPI

from api.identity.wallets.config import WalletConfig
from tests.integration.api.support import Worker
from tests.support.starknet import CHAIN, Signer

PASSWORD = "zephyr-quilt-mattress"
FAST = Retry(first_s=0.05, max_s=0.2, patience_s=20)
TIMEOUT_S = 20.0


async def test_a_client_registers_signs_in_refreshes_and_signs_out(
    server: httpx.AsyncClient, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = str(server.base_url)
    async with AstraTrade(url, retry=FAST) as api:
        await api.register("ada", PASSWORD, email="ada@example.org")
        assert await api.get("/v1/account/sessions")
    async with AstraTrade(url, retry=FAST) as api, asyncio.timeout(TIMEOUT_S):
        with pytest.raises(ProblemError, match="401"):
            await api.login("ada", "not the password")
        await api.login("ADA@example.org", PASSWORD)
        signed_in = api._http.credentials
        first = await signed_in.token()
        assert isinstance(signed_in, client_credentials.SignedIn)
        signed_in._renew_at_s = 0  # As if the token were about to expire.
        feed = api.feed("portfolio")
        assert isinstance(await anext(feed), Snapshot)
        assert await signed_in.token() != first
        assert await api.get("/v1/account/sessions")
        await feed.aclose()
        await api.logout()
        with pytest.raises(ProblemError, match="401"):
            await api.get("/v1/account/sessions")


async def test_a_client_whose_token_ended_refreshes_it_on_a_public_route(
    server: httpx.AsyncClient, worker: Worker
) -> None:
    async with AstraTrade(str(server.base_url), retry=FAST) as api, asyncio.timeout(TIMEOUT_S):
        await api.register("ada", PASSWORD)
        signed_in = api._http.credentials
        assert isinstance(signed_in, client_credentials.SignedIn)
        signed_in._access_token = "ended"
        assert await api.get("/v1/fees")
        assert await signed_in.token() != "ended"
        signed_in._access_token = "ended"
        async with aclosing(api.feed("fees", over="sse")) as feed:
            assert isinstance(await anext(feed), Snapshot)
        assert await signed_in.token() != "ended"


@pytest.mark.parametrize("over", ["socket", "sse"])
async def test_a_private_feed_ends_when_its_session_is_ended_elsewhere(
    server: httpx.AsyncClient, served_app: FastAPI, worker: Worker, over: str
) -> None:
    url = str(server.base_url)
    async with AstraTrade(url, retry=FAST) as one, AstraTrade(url, retry=FAST) as other, asyncio.timeout(TIMEOUT_S):
        await one.register("ada", PASSWORD)
        await other.login("ada", PASSWORD)
        private, public = one.feed("portfolio", over=over), one.feed("progress")  # type: ignore[arg-type]
        assert isinstance(await anext(private), Snapshot)
        assert isinstance(await anext(public), Snapshot)
        await other.command("/v1/auth/logout-everywhere")
        begun = asyncio.get_running_loop().time()
        with pytest.raises((FeedEndedError, ProblemError)):
            await drain(private)
        assert asyncio.get_running_loop().time() - begun < 2.5
        await anext(public)


@pytest.mark.parametrize("failure", [httpx.ReadTimeout("slow"), httpx.ConnectError("refused")], ids=["lost", "away"])
async def test_feeds_go_on_while_the_token_cannot_be_renewed(
    server: httpx.AsyncClient, worker: Worker, failure: Exception
) -> None:
    async def fail(_token: str) -> SignedInAnswer:
        raise UnreachableError("no answer") from failure

    async with AstraTrade(str(server.base_url), retry=FAST) as api, asyncio.timeout(TIMEOUT_S):
        await api.register("ada", PASSWORD)
        api._http.credentials._refresh = fail  # type: ignore[attr-defined]
        private, public = api.feed("portfolio"), api.feed("progress")
        assert isinstance(await anext(private), Snapshot)
        assert isinstance(await anext(public), Snapshot)
        await api._socket._take({"type": "expiring"})
        assert {type(await anext(private)), type(await anext(public))} == {Progress}
        if isinstance(failure, httpx.ReadTimeout):
            [ending] = [one for one in api._socket._subscriptions.values() if one.feed == "portfolio"]
            api._socket._ended(ending, "expired")
            with pytest.raises(SignInAgainError):
                await drain(private)
            assert isinstance(await anext(public), Progress)


async def test_a_client_signs_in_with_a_wallet_links_another_one_and_refreshes(
    server: httpx.AsyncClient, worker: Worker
) -> None:
    one, other = wallet_of(Signer(0xA11CE)), wallet_of(Signer(0xB0B))
    async with AstraTrade(str(server.base_url), retry=FAST) as api, asyncio.timeout(TIMEOUT_S):
        await api.login_with_wallet(one)
        signed_in = api._http.credentials
        assert isinstance(signed_in, client_credentials.SignedIn)
        first = await signed_in.token()
        signed_in._renew_at_s = 0  # As if the token were about to expire.
        assert await signed_in.token() != first
        assert (await api.link_wallet(other))["address"] == other.address
        await api.unlink_wallet(one)
        with pytest.raises(ProblemError) as refused:
            await api.unlink_wallet(other)
        assert refused.value.kind == "last-credential"
        await api.logout()
        await api.login_with_wallet(other)
        assert [each["address"] for each in (await api.get("/v1/account/wallets"))["wallets"]] == [other.address]


def wallet_of(signer: Signer) -> Wallet:
    async def sign(typed_data: dict[str, Any]) -> list[int]:
        return [int(part, 16) for part in signer.sign(typed_data)]

    return Wallet(CHAIN, signer.address, sign, signer.public_key, WalletConfig().origin)


async def drain(feed: AsyncGenerator[Change]) -> None:
    async for _ in feed:
        pass
