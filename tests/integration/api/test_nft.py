"""Tokens in the API: commands with each wrong field, the market by cursor, and private owners without a name."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest
from faust_redis.log import TopicPartition

from agents.nft.market import rankings
from api.auth import Role
from api.identity import account_changes, accounts
from api.kit.clock import now
from api.kit.context import Api
from streams import topics
from streams.events import decode
from streams.events.nft import BuyNFT, ListNFT, RequestMint, UnlistNFT
from streams.units import Quantity
from tables.nft import NFT_COLLECTORS, NFT_MARKET, NFT_TOKENS, Collector, Listing, Mint, Token
from tests.integration.api.sse import Reader
from tests.integration.api.support import PARTITIONS, Worker, auth

PRICE = {"asset": "SS", "price": "100"}
LISTINGS = "/v1/nft/tokens/t-1/listings"
PURCHASES = f"{LISTINGS}/l-1/purchases"


def token(owner: str, number: int, *, asset: Any = "SS", listed: bool = True, kind: Any = "first_trade") -> Token:
    listing = Listing(
        listing_id=f"l-{number}", asset=asset, price=Quantity.of(100), listed_at=number * 10**6, ends_at=10**15
    )
    return Token(
        owner=owner,
        type=kind,
        rarity="common",
        tx_hash="0x1",
        mint_id="m",
        minted_at=90 * 60 * 10**6,
        owned_at=number,
        listing=listing if listed else None,
    )


async def put(worker: Worker, token_id: str, row: Token, before: Token | None = None) -> None:
    """Write a token and its rows of the market, as the nft domain does."""
    partition = worker.partition(token_id)
    await worker.put_user(NFT_TOKENS.name, token_id, row)
    old, new = rankings(token_id, before), rankings(token_id, row)
    for key in old.keys() - new.keys():
        await worker.put(NFT_MARKET.name, key, None, partition=partition)
    for key, places in new.items():
        await worker.put(NFT_MARKET.name, key, msgspec.msgpack.encode(places), partition=partition)


async def written(worker: Worker, topic: str = topics.NFT_COMMANDS) -> list[Any]:
    """Return the keys and data of the events of a topic, by partition."""
    found = []
    for partition in range(PARTITIONS):
        for record in await worker.log.tail(TopicPartition(topic, partition), 100):
            event = decode(record.value or b"")
            found.append((event.partitionkey, event.data))
    return found


async def test_each_command_is_written_under_its_key_and_a_retry_names_the_same(
    client: httpx.AsyncClient, worker: Worker
) -> None:
    calls: list[tuple[str, str, Any, str]] = [
        ("POST", "/v1/nft/mints", {"type": "first_trade"}, "mint_id"),
        ("POST", LISTINGS, PRICE, "listing_id"),
        ("POST", PURCHASES, PRICE, "purchase_id"),
        ("DELETE", f"{LISTINGS}/l-1", None, ""),
    ]
    for method, path, body, name in calls:
        headers = {**auth("ada"), "Idempotency-Key": "k-1"}
        answers = [await client.request(method, path, json=body, headers=headers) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [202, 202], answers[0].text
        assert answers[0].json() == answers[1].json()
        assert not name or answers[0].json()[name]
    found = {type(data): (key, data) for key, data in await written(worker)}
    assert {kind: key for kind, (key, _) in found.items()} == {
        RequestMint: "ada", ListNFT: "t-1", BuyNFT: "ada", UnlistNFT: "t-1",
    }  # fmt: skip
    assert found[ListNFT][1].seller == found[UnlistNFT][1].seller == "ada"
    assert found[BuyNFT][1].price == Quantity.of(100)


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/v1/nft/mints", {"type": "gold"}, "#/type"),
        ("/v1/nft/mints", {}, "#/type"),
        (LISTINGS, {**PRICE, "asset": "USD"}, "#/asset"),
        (LISTINGS, {**PRICE, "price": "0"}, "#/price"),
        (LISTINGS, {**PRICE, "price": "-1"}, "#/price"),
        (LISTINGS, {**PRICE, "price": 100}, "#/price"),
        (LISTINGS, {**PRICE, "price": "1.5"}, "#/price"),
        (PURCHASES, {"asset": "LM", "price": "0.1"}, "#/price"),
        (PURCHASES, {**PRICE, "buyer": "bob"}, "#/buyer"),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_is_written(
    client: httpx.AsyncClient, worker: Worker, path: str, body: Any, pointer: str
) -> None:
    answer = await client.post(path, json=body, headers=auth("ada"))
    assert answer.status_code == 422, answer.text
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
    assert await written(worker) == []


async def test_only_users_trade_tokens(client: httpx.AsyncClient, worker: Worker) -> None:
    for role in (Role.VENUE, Role.SERVICE, Role.MODERATOR):
        assert (await client.post(PURCHASES, json=PRICE, headers=auth("v", role))).status_code == 403
    assert (await client.post(PURCHASES, json=PRICE)).status_code == 401
    assert await written(worker) == []


async def test_the_market_is_read_by_pages_and_filtered(client: httpx.AsyncClient, worker: Worker) -> None:
    for number in range(7):
        await put(worker, f"t-{number}", token("ada", number, asset="LM" if number % 3 == 0 else "SS"))
    await put(worker, "t-9", token("ada", 9, listed=False))
    await put(worker, "t-5", token("bob", 5, listed=False), before=token("ada", 5))
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = (await client.get("/v1/nft/market", params=query)).json()
        seen += [row["token_id"] for row in page["tokens"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert (seen, page["total"]) == (["t-6", "t-4", "t-3", "t-2", "t-1", "t-0"], 6)
    lumina = (await client.get("/v1/nft/market", params={"asset": "LM", "type": "first_trade"})).json()
    assert [row["token_id"] for row in lumina["tokens"]] == ["t-6", "t-3", "t-0"]
    assert (await client.get("/v1/nft/market", params={"type": "viral_legend"})).json()["tokens"] == []
    assert (await client.get("/v1/nft/market", params={"cursor": "x"})).status_code == 400
    owned = (await client.get("/v1/users/ada/nfts", params={"limit": 3})).json()
    assert ([row["token_id"] for row in owned["tokens"]], owned["total"]) == (["t-9", "t-6", "t-4"], 7)
    assert [row["token_id"] for row in (await client.get("/v1/users/bob/nfts")).json()["tokens"]] == ["t-5"]


async def test_a_private_owner_has_no_name_for_others(app: Any, client: httpx.AsyncClient, worker: Worker) -> None:
    api: Api = app.state.api
    async with api.store.work(now()) as work:
        await accounts.create_account(work, username="ada", account_id="ada")
        await account_changes.set_private(work, "ada", True, actor="ada")
    api.private_users.note("ada", is_private=True)
    await put(worker, "t-1", token("ada", 1))
    path = "/v1/nft/tokens/t-1"
    public, own = [(await client.get(path, headers=headers)).json() for headers in ({}, auth("ada"))]
    assert (public["owner"], own["owner"]) == (None, "ada")
    assert (public["minted_at"], own["minted_at"]) == ("1970-01-01T01:00:00Z", "1970-01-01T01:30:00Z")
    assert "mint_id" not in public
    assert (await client.get("/v1/nft/market")).json()["tokens"][0]["owner"] is None
    assert (await client.get("/v1/users/ada/nfts")).status_code == 404
    assert (await client.get("/v1/nft/tokens/none")).status_code == 404


async def test_a_collector_is_read_by_its_user(client: httpx.AsyncClient, worker: Worker) -> None:
    mint = Mint(mint_id="m-1", status="pending", at=0)
    await worker.put_user(
        NFT_COLLECTORS.name, "ada", Collector(eligible={"first_trade": 0}, mints={"first_trade": mint})
    )
    found = (await client.get("/v1/users/ada/collector", headers=auth("ada"))).json()
    assert found["mints"]["first_trade"]["status"] == "pending"
    assert (await client.get("/v1/users/ada/collector", headers=auth("bob"))).status_code == 403


async def test_the_feed_of_tokens_follows_a_sale(server: httpx.AsyncClient, worker: Worker) -> None:
    await put(worker, "t-1", token("ada", 1))
    reader = Reader(server, "/v1/feed/nft-tokens", key="token_id")
    await reader.read(lambda r: r.last_id is not None)
    assert reader.table["t-1"]["owner"] == "ada"
    await put(worker, "t-1", token("bob", 2, listed=False))
    await reader.read(lambda r: r.table["t-1"]["owner"] == "bob")
    assert reader.table["t-1"]["listing"] is None
