"""Suspending and reinstating accounts by the API, on both databases."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from api.auth import Role
from api.identity import audit
from api.kit.context import Api
from api.permissions import SUSPENDED
from streams.events.user import AccountReinstated, AccountSuspended
from tests.identity.signing_in import Answer, bearer, claims, is_signed_in, log_in, refresh, registered
from tests.identity.test_accounts import create, events
from tests.identity.test_sub_accounts import sub_account
from tests.support.tokens import mint

BODY = {"reason": "wash trading"}
ORDER = {"market": "BTC", "side": "long", "notional_usd": "10.00", "leverage": 2}


def by(role: Role = Role.MODERATOR, subject: str = "mod-1") -> dict[str, str]:
    return {"Authorization": f"Bearer {mint(subject, role)}"}


async def decide(
    client: httpx.AsyncClient, user: str, what: str = "suspend", body: Any = None, headers: Any = None
) -> httpx.Response:
    return await client.post(f"/v1/users/{user}/{what}", json=body or BODY, headers=headers or by())


def state_of(answer: httpx.Response) -> str:
    """Return what a refusal says of the account's state."""
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/account-state")
    return str(answer.json()["detail"])


async def told(api: Api) -> list[tuple[str, str]]:
    kinds = (AccountSuspended, AccountReinstated)
    return [
        (type(one.data).__name__, one.data.user_id) for one in await events(api.store) if isinstance(one.data, kinds)
    ]


@pytest.mark.usefixtures("topics")
async def test_a_suspension_ends_sessions_and_takes_commands_until_the_account_is_reinstated(
    api: Api, client: httpx.AsyncClient
) -> None:
    alice = await registered(client)
    user = alice["user_id"]
    child = await sub_account(client, alice)
    answer = await decide(client, user)
    assert (answer.status_code, answer.json()) == (200, {"user_id": user, "status": "suspended"}), answer.text
    assert not await is_signed_in(api, client, alice)
    assert (await refresh(client, alice)).status_code == 401
    again = (await log_in(client)).json()
    assert claims(again)["suspended"] is True
    own = await client.get(f"/v1/users/{user}/portfolio", headers=bearer(again))
    assert own.status_code == 404, "the own data stay readable; there are none yet"
    assert (await client.post("/v1/trades", json=ORDER, headers=bearer(again))).status_code == 403
    answer = await decide(client, user, "reinstate", {"reason": "it was an error"})
    assert (answer.status_code, answer.json()["status"]) == (200, "active")
    old = await client.post("/v1/trades", json=ORDER, headers=bearer(again))
    assert (old.status_code, old.json()["detail"]) == (403, SUSPENDED)
    whole = (await refresh(client, again)).json()
    assert (await client.post("/v1/trades", json=ORDER, headers=bearer(whole))).status_code == 202
    changes = ["AccountSuspended", "AccountReinstated"]
    assert await told(api) == [(change, each) for change in changes for each in (user, child)]


async def test_the_audit_keeps_who_decided_and_why(api: Api, client: httpx.AsyncClient) -> None:
    user = (await registered(client))["user_id"]
    await decide(client, user)
    await decide(client, user, "reinstate", {"reason": "it was an error"})
    async with api.store.read() as connection:
        kept = [one for one in await audit.entries(connection, last=20, subject=user) if one.actor == "mod-1"]
    assert [(one.action, one.detail["reason"]) for one in kept] == [
        ("account.suspended", "wash trading"),
        ("account.reinstated", "it was an error"),
    ]


async def test_only_moderators_and_admins_decide_and_no_one_about_themselves(
    api: Api, client: httpx.AsyncClient
) -> None:
    alice = await registered(client)
    user = alice["user_id"]
    for what in ("suspend", "reinstate"):
        assert (await client.post(f"/v1/users/{user}/{what}", json=BODY)).status_code == 401
        for headers in (bearer(alice), by(Role.SERVICE), by(Role.VENUE), by(subject=user), by(Role.ADMIN, user)):
            assert (await decide(client, user, what, headers=headers)).status_code == 403
        assert (await decide(client, "nobody", what)).status_code == 404
    assert await told(api) == []


async def test_a_username_in_place_of_an_id_is_told_to_give_the_id(client: httpx.AsyncClient) -> None:
    await registered(client)
    answer = await decide(client, "alice")
    assert (answer.status_code, answer.json()["detail"]) == (
        404,
        "no account has the id 'alice'; give the user_id, as `astratrade accounts show alice` prints it",
    )


async def test_only_an_admin_decides_about_an_admin(api: Api, client: httpx.AsyncClient) -> None:
    await create(api.store, "root", account_id="admin-1", role=Role.ADMIN)
    assert (await decide(client, "admin-1")).status_code == 403
    other = by(Role.ADMIN, "admin-2")
    assert (await decide(client, "admin-1", headers=other)).status_code == 200
    assert (await decide(client, "admin-1", "reinstate")).status_code == 403
    assert (await decide(client, "admin-1", "reinstate", headers=other)).status_code == 200
    assert await told(api) == [("AccountSuspended", "admin-1"), ("AccountReinstated", "admin-1")]


@pytest.mark.parametrize(
    "body", [{"reason": "short"}, {"reason": 8}, {"reason": "x" * 201}, {**BODY, "more": 1}, {"x": 1}]
)
async def test_a_wrong_body_is_refused_and_nothing_changes(api: Api, client: httpx.AsyncClient, body: Answer) -> None:
    user = (await registered(client))["user_id"]
    answer = await decide(client, user, body=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] in {"#/reason", "#/more", "#/x"}
    assert await told(api) == []


async def test_what_an_account_is_already_is_refused(api: Api, client: httpx.AsyncClient) -> None:
    user = (await registered(client))["user_id"]
    answer = await decide(client, user, "reinstate")
    assert state_of(answer) == "the account is active"
    await decide(client, user)
    answer = await decide(client, user)
    assert state_of(answer) == "the account is suspended"
    assert await told(api) == [("AccountSuspended", user)]


async def test_a_sub_account_stays_suspended_as_long_as_its_user(api: Api, client: httpx.AsyncClient) -> None:
    alice = await registered(client)
    user, child = alice["user_id"], await sub_account(client, alice)
    await decide(client, user)
    assert state_of(await decide(client, child, "reinstate")) == "the user of this sub-account is not active"
    assert (await decide(client, user, "reinstate")).status_code == 200
    assert (await decide(client, child)).status_code == 200
    assert (await decide(client, child, "reinstate")).status_code == 200
    changes = ["AccountSuspended", "AccountReinstated"]
    both = [(change, each) for change in changes for each in (user, child)]
    assert await told(api) == [*both, *((change, child) for change in changes)]
