"""The ranks of many users on a board, by one request."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.auth import Role
from api.limits.policies import ANONYMOUS
from tables.boards import group
from tests.integration.api.support import Worker, auth
from tests.integration.api.test_ingress import assert_problem

DAY = "day:2024-09-20"
PATH = "/v1/leaderboards/volume/ranks"


async def ranked(worker: Worker, market: str = "global", period: str = "all") -> None:
    """Put 30 users on a board. Those of each three have the same score, at times of which two are the same."""
    for n in range(30):
        await worker.rank(group("volume", market, period), f"u-{n:02}", n // 3, n % 3 // 2)


def places(answer: httpx.Response) -> list[tuple[int, str]]:
    assert answer.status_code == 200, answer.text
    return [(row["rank"], row["user_id"]) for row in answer.json()["rows"]]


async def test_ranks_count_all_users_on_the_board_and_are_of_one_moment(
    client: httpx.AsyncClient, worker: Worker
) -> None:
    await ranked(worker)
    users = ["u-00", "u-29", "nobody", "u-14", "u-13", "u-14"]
    answer = await client.get(PATH, params={"user": users})
    assert places(answer) == [(3, "u-29"), (17, "u-13"), (18, "u-14"), (28, "u-00")]
    shown = answer.json()
    page = (await client.get("/v1/leaderboards/volume", params={"limit": 30})).json()
    assert (shown["total"], shown["position"], shown["sealed"]) == (30, page["position"], False)
    assert shown["rows"] == [row for row in page["rows"] if row["user_id"] in users]


async def test_ranks_are_of_the_market_and_period_that_were_asked_for(
    client: httpx.AsyncClient, worker: Worker
) -> None:
    await ranked(worker, "BTC", DAY)
    await worker.rank(group("volume", "global", "all"), "u-00", 9)
    query = {"user": ["u-00", "u-29"]}
    assert places(await client.get(PATH, params=query)) == [(1, "u-00")]
    assert places(await client.get(PATH, params={**query, "market": "BTC", "period": DAY})) == [
        (3, "u-29"), (28, "u-00"),
    ]  # fmt: skip
    assert places(await client.get(PATH, params={**query, "market": "ETH"})) == []


async def test_a_private_user_is_left_out_as_one_who_is_not_on_the_board(
    client: httpx.AsyncClient, worker: Worker, app: FastAPI
) -> None:
    await ranked(worker)
    app.state.api.private_users.note("u-29", is_private=True)
    query = {"user": ["u-29", "u-26"]}
    for reader in ({}, auth("u-26")):
        assert places(await client.get(PATH, params=query, headers=reader)) == [(6, "u-26")]
    for reader in (auth("u-29"), auth("mod", Role.MODERATOR)):
        assert places(await client.get(PATH, params=query, headers=reader)) == [(3, "u-29"), (6, "u-26")]


@pytest.mark.parametrize("query", [{}, {"user": ["u"] * 101}, {"user": ["a b"]}, {"user": ["u"], "period": "x"}])
async def test_an_impossible_query_of_ranks_is_422(client: httpx.AsyncClient, query: dict[str, Any]) -> None:
    assert_problem(await client.get(PATH, params=query), 422, "validation")


async def test_each_user_costs_a_unit(client: httpx.AsyncClient, worker: Worker) -> None:
    await ranked(worker)
    answer = await client.get(PATH, params={"user": [f"u-{n:02}" for n in range(30)]})
    assert f"r={ANONYMOUS.units - 30};" in answer.headers["ratelimit"]
