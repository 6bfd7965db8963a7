"""Sub-accounts by the API, on both databases: they act through keys of their parent, and belong to the parent alone."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from api.auth import Role
from api.identity import account_changes as changes
from api.identity import sub_accounts
from api.identity.accounts import StatusError
from api.identity.sub_accounts import Parents, create_sub_account
from api.kit.clock import now
from api.kit.context import Api
from api.permissions import SUB_ACCOUNT_SCOPES, Scope
from tests.identity.api_keys import PRIVATE, detail_of, made, sent
from tests.identity.signing_in import PASSWORD, Answer, actions, bearer, registered

PATH = "/v1/account/sub-accounts"
REFUSED = {401, 403}


async def sub_account(client: httpx.AsyncClient, owner: Answer, label: str = "grid bot") -> str:
    answer = await client.post(PATH, json={"label": label}, headers=bearer(owner))
    assert answer.status_code == 201, answer.text
    made: str = answer.json()["user_id"]
    return made


async def key_of(client: httpx.AsyncClient, owner: Answer, child: str, *scopes: str) -> str:
    key: str = (await made(client, owner, f"{PATH}/{child}/api-keys", scopes=scopes or ["trade", "read:private"]))[
        "key"
    ]
    return key


async def listed(client: httpx.AsyncClient, owner: Answer) -> list[Any]:
    found: list[Any] = (await client.get(PATH, headers=bearer(owner))).json()["sub_accounts"]
    return found


async def test_a_sub_account_is_read_by_its_own_key_and_by_its_parent_alone(
    api: Api, client: httpx.AsyncClient
) -> None:
    alice, bob = await registered(client), await registered(client, "bob")
    child, sibling = [await sub_account(client, alice, label) for label in ("one", "two")]
    of_child = await key_of(client, alice, child)
    of_alice = (await made(client, alice, scopes=["read:private"]))["key"]
    not_reading = (await made(client, alice, scopes=["trade"]))["key"]
    parents = Parents()
    async with api.store.read() as connection:
        await parents.read(connection, now())
    assert [parents.of(each) for each in (child, sibling, alice["user_id"])] == [alice["user_id"]] * 2 + [None]
    for what in ("positions", "portfolio", "trades"):
        path = f"/v1/users/{child}/{what}"
        for headers in (sent(of_child), sent(of_alice), bearer(alice)):
            assert (await client.get(path, headers=headers)).status_code not in REFUSED
        for headers in (bearer(bob), sent(not_reading)):
            assert (await client.get(path, headers=headers)).status_code == 403
        for other in (alice["user_id"], sibling, bob["user_id"]):
            assert (await client.get(f"/v1/users/{other}/{what}", headers=sent(of_child))).status_code == 403


async def test_a_key_of_a_sub_account_can_trade_and_read_and_nothing_else(client: httpx.AsyncClient) -> None:
    alice = await registered(client)
    child = await sub_account(client, alice)
    for scope in Scope:
        body = {"name": "bot", "scopes": [scope], "password": PASSWORD}
        answer = await client.post(f"{PATH}/{child}/api-keys", json=body, headers=bearer(alice))
        assert answer.status_code == (201 if scope in {"trade", "read:private"} else 422), scope
    assert {"trade", "read:private"} == SUB_ACCOUNT_SCOPES


async def test_a_sub_account_cannot_sign_in_or_make_anything(client: httpx.AsyncClient) -> None:
    alice = await registered(client)
    child = await sub_account(client, alice)
    key = await key_of(client, alice, child)
    for method, path in (("POST", PATH), ("GET", PATH), ("POST", "/v1/account/api-keys"), ("PUT", PRIVATE)):
        assert (await client.request(method, path, json={}, headers=sent(key))).status_code == 403
    login = await client.post("/v1/auth/login", json={"login": child, "password": "zephyr-quilt-mattress"})
    assert login.status_code == 401


@pytest.mark.usefixtures("topics")
async def test_the_sub_accounts_of_another_user_do_not_exist_for_a_stranger(client: httpx.AsyncClient) -> None:
    alice, bob = await registered(client), await registered(client, "bob")
    child = await sub_account(client, alice)
    key = await made(client, alice, f"{PATH}/{child}/api-keys", scopes=["trade"])
    body = {"name": "bot", "scopes": ["trade"], "password": PASSWORD}
    assert await listed(client, bob) == []
    for each in (child, "nobody", alice["user_id"]):
        for method, path in (
            ("GET", f"{PATH}/{each}/api-keys"),
            ("POST", f"{PATH}/{each}/api-keys"),
            ("DELETE", f"{PATH}/{each}/api-keys/{key['id']}"),
            ("DELETE", f"{PATH}/{each}"),
        ):
            answer = await client.request(method, path, json=body, headers=bearer(bob))
            assert (answer.status_code, answer.json()["detail"]) == (404, "you have no such sub-account")
    assert (await detail_of(client, key["key"], "/v1/fees"))[0] == 200
    assert (await client.delete(f"/v1/account/api-keys/{key['id']}", headers=bearer(alice))).status_code == 404


@pytest.mark.usefixtures("topics")
async def test_a_closed_sub_account_is_gone_with_its_keys_and_makes_room(
    api: Api, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sub_accounts, "SUB_ACCOUNTS_MAX", 1)
    alice = await registered(client)
    child = await sub_account(client, alice)
    key = await key_of(client, alice, child)
    assert (await detail_of(client, key, "/v1/fees"))[0] == 200
    second = await client.post(PATH, json={"label": "two"}, headers=bearer(alice))
    assert (second.status_code, second.json()["type"]) == (409, "/problems/limit-reached")
    assert (await client.delete(f"{PATH}/{child}", headers=bearer(alice))).status_code == 204
    assert (await client.delete(f"{PATH}/{child}", headers=bearer(alice))).status_code == 404
    await api.identity.refresh()
    assert (await detail_of(client, key, "/v1/fees"))[0] == 401
    body = {"name": "bot", "scopes": ["trade"], "password": PASSWORD}
    made = await client.post(f"{PATH}/{child}/api-keys", json=body, headers=bearer(alice))
    assert (made.status_code, made.json()["type"]) == (409, "/problems/account-state")
    assert await listed(client, alice) == []
    await sub_account(client, alice)


async def test_closed_sub_accounts_count_towards_a_limit_of_their_own(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their rows stay for good, and each process keeps their ids."""
    monkeypatch.setattr(sub_accounts, "SUB_ACCOUNTS_EVER_MAX", 2)
    alice, bob = await registered(client), await registered(client, "bob")
    for label in ("one", "two"):
        child = await sub_account(client, alice, label)
        assert (await client.delete(f"{PATH}/{child}", headers=bearer(alice))).status_code == 204
    third = await client.post(PATH, json={"label": "three"}, headers=bearer(alice))
    assert (third.status_code, third.json()["type"]) == (409, "/problems/limit-reached")
    assert "closed ones count" in third.json()["detail"]
    await sub_account(client, bob)


async def test_a_closed_sub_account_is_neither_changed_nor_reported_with_the_privacy_of_its_parent(
    api: Api, client: httpx.AsyncClient
) -> None:
    alice = await registered(client)
    closed, is_open = [await sub_account(client, alice, label) for label in ("one", "two")]
    assert (await client.delete(f"{PATH}/{closed}", headers=bearer(alice))).status_code == 204
    await client.put(PRIVATE, json={"private": True}, headers=bearer(alice))
    await api.private_users.refresh()
    assert [each in api.private_users for each in (closed, is_open, alice["user_id"])] == [False, True, True]
    assert "account.privacy-changed" not in await actions(api, closed)


@pytest.mark.usefixtures("topics")
async def test_a_suspension_of_the_parent_stops_the_keys_of_its_sub_accounts(
    api: Api, client: httpx.AsyncClient
) -> None:
    alice = await registered(client)
    child = await sub_account(client, alice)
    key = await key_of(client, alice, child)
    assert (await detail_of(client, key, "/v1/fees"))[0] == 200
    async with api.store.work(now()) as work:
        await changes.suspend(work, alice["user_id"], actor="moderator-1", reason="spam")
    await api.identity.refresh()
    assert (await detail_of(client, key, "/v1/fees"))[0] == 401
    assert "account.suspended" in await actions(api, child)
    async with api.store.work(now()) as work:
        with pytest.raises(StatusError):
            await create_sub_account(work, alice["user_id"], "late")


async def test_a_sub_account_has_the_privacy_of_its_parent(api: Api, client: httpx.AsyncClient) -> None:
    alice, bob = await registered(client), await registered(client, "bob")
    older, of_bob = await sub_account(client, alice), await sub_account(client, bob)
    for private in (True, False, True):
        await client.put(PRIVATE, json={"private": private}, headers=bearer(alice))
        newer = await sub_account(client, alice)
        await api.private_users.refresh()
        assert [each in api.private_users for each in (older, newer, of_bob)] == [private, private, False]
    async with api.store.work(now()) as work:
        with pytest.raises(StatusError, match="only a user has sub-accounts"):
            await create_sub_account(work, older, "of a sub-account")
        with pytest.raises(StatusError, match="they have to be closed first"):
            await changes.set_role(work, alice["user_id"], Role.VENUE, actor="admin-1")
