"""Verification tiers by the API, and the events of signing in and out, on both databases."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from api.auth import Role
from api.kit.context import Api
from streams.events.user import LoggedIn, LoggedOut, VerificationChanged
from tests.identity.signing_in import Answer, actions, bearer, log_in, registered
from tests.identity.test_accounts import events
from tests.identity.test_sub_accounts import sub_account
from tests.support.tokens import mint

BODY = {"tier": "identity", "reason": "passport checked"}


def sent(subject: str = "mod-1", role: Role = Role.MODERATOR) -> dict[str, str]:
    return {"Authorization": f"Bearer {mint(subject, role)}"}


async def put(client: httpx.AsyncClient, user: str, body: Any = None, **more: Any) -> httpx.Response:
    return await client.put(f"/v1/users/{user}/verification", json=body or BODY, headers=more.get("headers") or sent())


async def tiers(api: Api) -> list[tuple[str, str, str]]:
    found = [event.data for event in await events(api.store)]
    return [(each.user_id, each.before, each.tier) for each in found if isinstance(each, VerificationChanged)]


async def test_a_moderator_confirms_a_tier_and_new_sub_accounts_have_it(api: Api, client: httpx.AsyncClient) -> None:
    alice = await registered(client)
    user = alice["user_id"]
    answer = await put(client, user)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["user_id"], answer.json()["tier"]) == (user, "identity")
    child = await sub_account(client, alice)
    assert await tiers(api) == [(user, "unverified", "identity"), (child, "unverified", "identity")]
    assert "account.verification-changed" in await actions(api, user)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"tier": "gold", "reason": "passport checked"}, "#/tier"),
        ({"tier": "identity", "reason": "short"}, "#/reason"),
        ({"tier": "identity"}, "#/reason"),
        ({**BODY, "more": 1}, "#/more"),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_changes(
    api: Api, client: httpx.AsyncClient, body: Answer, pointer: str
) -> None:
    alice = await registered(client)
    answer = await put(client, alice["user_id"], body)
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
    assert await tiers(api) == []


async def test_users_and_services_confirm_nothing_and_a_moderator_not_their_own_tier(
    api: Api, client: httpx.AsyncClient
) -> None:
    alice = await registered(client)
    refused = [bearer(alice), sent("s-1", Role.SERVICE), sent("v-1", Role.VENUE), sent(alice["user_id"])]
    for headers in refused:
        assert (await put(client, alice["user_id"], headers=headers)).status_code == 403
    assert (await put(client, "nobody")).status_code == 404
    assert await tiers(api) == []


async def test_signing_in_and_out_is_published_and_a_token_that_is_void_ends_nothing_again(
    api: Api, client: httpx.AsyncClient
) -> None:
    alice = await registered(client)
    second, third = [(await log_in(client)).json() for _ in range(2)]
    assert (await client.post("/v1/auth/logout", headers=bearer(alice))).status_code == 204
    path = f"/v1/account/sessions/{second['session_id']}"
    assert (await client.delete(path, headers=bearer(third))).status_code == 204
    assert (await client.delete(path, headers=bearer(third))).status_code == 404
    assert (await client.post("/v1/auth/logout-everywhere", headers=bearer(third))).status_code == 204
    found = [event.data for event in await events(api.store)]
    user = alice["user_id"]
    assert [each for each in found if isinstance(each, LoggedIn)] == [LoggedIn(user_id=user)] * 3
    assert [each for each in found if isinstance(each, LoggedOut)] == [LoggedOut(user_id=user)] * 3
