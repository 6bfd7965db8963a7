"""Rows as they were at the position of an earlier answer: `?at=`."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from api.auth import Role
from streams.units import Quantity
from tables.accounts import available, ledger_key
from tables.financial import FINANCIAL_LEDGER, Balance
from tables.gamification import GAMIFICATION_PROGRESS, Progress
from tables.social_constellations import SOCIAL_BATTLE_POINTS, BattlePoints, member_key
from tables.user import USER_NOTIFICATIONS, Notification, notification_key
from tests.integration.api.support import Worker, auth
from tests.integration.api.test_ingress import assert_problem

ADA = auth("ada")


async def set_balance(worker: Worker, amount: int) -> None:
    key, row = ledger_key(available("ada"), "USD"), Balance(amount=Quantity.of(amount))
    await worker.put(FINANCIAL_LEDGER.name, key, row, partition=worker.partition("ada"))


async def set_points(worker: Worker, pnl: int) -> None:
    row = BattlePoints(side="challenger", pnl=pnl)
    key = member_key("b-1", "ada")
    await worker.put(SOCIAL_BATTLE_POINTS.name, key, row, partition=worker.partition("b-1"))


async def set_notification(worker: Worker, number: int) -> None:
    row = Notification(
        number=number, notification_id=f"n-{number}", kind="nft_sold", text="nft_sold", arguments={}, cause_id="c",
        at=number,
    )  # fmt: skip
    key = notification_key("ada", number)
    await worker.put(USER_NOTIFICATIONS.name, key, row, partition=worker.partition("ada"))


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("/v1/users/ada/balances", set_balance),
        ("/v1/users/ada/battles/b-1", set_points),
        ("/v1/notifications", set_notification),
    ],
)
async def test_the_owner_reads_what_was(client: httpx.AsyncClient, worker: Worker, path: str, change: Any) -> None:
    await change(worker, 1)
    first = (await client.get(path, headers=ADA)).json()
    await change(worker, 2)
    assert (await client.get(path, headers=ADA)).json() != first
    assert (await client.get(path, params={"at": first["position"]}, headers=ADA)).json() == first
    if "/users/" in path:
        stranger = await client.get(path, params={"at": first["position"]}, headers=auth("bob"))
        assert_problem(stranger, 403, "forbidden")


async def test_a_position_without_its_topic_or_of_another_table_is_refused(
    client: httpx.AsyncClient, worker: Worker
) -> None:
    await set_balance(worker, 1)
    position = (await client.get("/v1/users/ada/balances", headers=ADA)).json()["position"]
    _, _, bare = position.partition("@")
    for wrong in (bare, "nonsense", position.replace("ledger", "plans")):
        answer = await client.get("/v1/users/ada/balances", params={"at": wrong}, headers=ADA)
        assert assert_problem(answer, 422, "validation")["errors"][0]["parameter"] == "at"


async def test_rows_of_the_past_of_a_public_table_are_for_their_user_and_staff(
    client: httpx.AsyncClient, worker: Worker
) -> None:
    path = "/v1/users/ada/progress"
    await worker.put_user(GAMIFICATION_PROGRESS.name, "ada", Progress(xp=1, max_leverage=10))
    first = (await client.get(path, headers=ADA)).json()
    await worker.put_user(GAMIFICATION_PROGRESS.name, "ada", Progress(xp=2, max_leverage=10))
    past = {"at": first["position"]}
    for reader in (ADA, auth("mod", Role.MODERATOR)):
        assert (await client.get(path, params=past, headers=reader)).json() == first
    await client.put("/v1/account/privacy", json={"private": True}, headers=ADA)
    for other in ({}, auth("bob")):
        for user in ("ada", "nobody"):
            answer = await client.get(f"/v1/users/{user}/progress", params=past, headers=other)
            assert_problem(answer, 403, "forbidden")
