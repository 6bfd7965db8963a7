"""The number of series of a gateway is bounded, whatever its clients send."""

from __future__ import annotations

import httpx
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from api.auth import Role
from tests.integration.api.support import Worker, auth, fill, scraped

USERS = 40
WORDS = ("BREW", "PROPFIND", "x" * 200)


async def series(app: FastAPI) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    """Return the names and labels of all samples."""
    return {
        (one.name, tuple(sorted(one.labels.items())))
        for family in text_string_to_metric_families(await scraped(app))
        for one in family.samples
    }


async def use(client: httpx.AsyncClient, user: str, market: str) -> None:
    """Do what a client may: every kind of answer, to good and to bad requests."""
    fills = {"fills": [fill(fill_id=f"f-{user}", user_id=user)]}
    order = {"market": market, "side": "buy", "size": "1", "leverage": 2}
    await client.post("/v1/fills", json=fills, headers=auth("venue", Role.VENUE))
    await client.post("/v1/trades", json=order, headers=auth(user))
    await client.post("/v1/trades", json={**order, user: 1}, headers=auth(user))
    await client.get(f"/v1/users/{user}/progress", headers=auth(user))
    await client.get(f"/v1/users/{user}/nothing-{market}")
    await client.get(f"/v1/leaderboards/{user}", params={"period": market})
    await client.get(f"/v1/feed/{user}")
    await client.get("/v1/fees", params={market: user})


async def test_users_markets_and_words_of_clients_add_no_series(
    app: FastAPI, client: httpx.AsyncClient, worker: Worker
) -> None:
    await use(client, "first", "MARKET-0")
    before = await series(app)
    for number in range(USERS):
        await use(client, f"user-{number}", f"MARKET-{number}")
    assert await series(app) == before
    for word in WORDS:
        await client.request(word, "/v1/trades")
        await client.request(word, f"/{word}")
    methods = {dict(labels)["method"] for name, labels in await series(app) if name == "astra_api_requests_total"}
    assert methods == {"GET", "POST", "(none)"}
