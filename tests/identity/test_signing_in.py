"""Signing in by the API, on both databases: tokens, sessions, passwords, and what a thief of tokens tries."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from api.auth import Role
from api.identity import account_changes, accounts
from api.identity.sessions import REFRESH_TTL_US, SESSION_TTL_US
from api.identity.sign_in import password_hash_of
from api.identity.store.tables import ACCOUNTS, REFRESH_TOKENS, SESSIONS
from api.kit.clock import now
from api.kit.context import Api
from tests.identity.signing_in import (
    OTHER_PASSWORD,
    PASSWORD,
    Answer,
    actions,
    bearer,
    claims,
    is_signed_in,
    log_in,
    refresh,
    registered,
    sessions,
)
from tests.support.tokens import KEY, mint


async def test_a_user_registers_and_signs_in_by_name_or_address_in_any_case(client: httpx.AsyncClient) -> None:
    tokens = await registered(client, email="Alice@Example.org")
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 600)
    assert claims(tokens)["exp"] - claims(tokens)["iat"] == 600
    assert (claims(tokens)["sub"], claims(tokens)["role"]) == (tokens["user_id"], "user")
    for login in ("alice", "ALICE", "alice@example.org"):
        answer = await log_in(client, login)
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        assert answer.json()["user_id"] == tokens["user_id"]
    found = await sessions(client, tokens)
    assert [each["current"] for each in found].count(True) == 1
    assert {(each["method"], each["address"], each["user_agent"]) for each in found} == {
        ("password", "192.0.2.1", "a test")
    }


async def test_neither_password_nor_refresh_token_is_in_the_store(api: Api, client: httpx.AsyncClient) -> None:
    tokens = await registered(client)
    async with api.store.read() as connection:
        stored = await password_hash_of(connection, tokens["user_id"])
        digests = (await connection.execute(select(REFRESH_TOKENS.c.digest))).scalars().all()
    assert stored is not None
    assert stored.startswith("$argon2id$")
    assert len(base64.urlsafe_b64decode(tokens["refresh_token"] + "=")) == 32
    assert tokens["refresh_token"].encode() not in b"".join(digests)


async def test_the_api_publishes_the_key_of_its_tokens_and_no_private_part(client: httpx.AsyncClient) -> None:
    answer = await client.get("/.well-known/jwks.json")
    assert answer.json() == {"keys": [KEY.jwk()]}
    assert answer.headers["cache-control"] == "public, max-age=5"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"username": "alice", "password": "short"}, "#/password"),
        ({"username": "alice", "password": "x1" * 65}, "#/password"),
        ({"username": "alice", "password": "Password1234!"}, "#/password"),
        ({"username": "alice", "password": "my-name-is-ALICE"}, "#/password"),
        ({"username": "a b", "password": PASSWORD}, "#/username"),
        ({"username": "alice", "password": PASSWORD, "email": "alice"}, "#/email"),
        ({"username": "alice", "password": PASSWORD, "role": "admin"}, "#/role"),
    ],
)
async def test_a_bad_registration_is_refused_by_its_field(
    client: httpx.AsyncClient, body: Answer, pointer: str
) -> None:
    answer = await client.post("/v1/auth/register", json=body)
    assert answer.status_code == 422, answer.text
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
    assert body["password"] not in answer.text


async def test_a_taken_name_is_a_conflict(client: httpx.AsyncClient) -> None:
    await registered(client)
    answer = await client.post("/v1/auth/register", json={"username": "ALICE", "password": PASSWORD})
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/taken")


# --- refresh tokens ---------------------------------------------------------------------------------------------------


async def test_a_refresh_token_rotates_and_works_once(api: Api, client: httpx.AsyncClient) -> None:
    first = await registered(client)
    second = (await refresh(client, first)).json()
    assert second["session_id"] == first["session_id"]
    assert second["refresh_token"] != first["refresh_token"]
    third = await refresh(client, second)
    assert third.status_code == 200
    assert await is_signed_in(api, client, third.json())


@pytest.mark.parametrize("thief_is_first", [True, False])
async def test_a_stolen_refresh_token_ends_the_whole_family(
    api: Api, client: httpx.AsyncClient, thief_is_first: bool
) -> None:
    tokens = await registered(client)
    other_session = (await log_in(client)).json()
    winner = (await refresh(client, tokens)).json()
    loser = await refresh(client, tokens)
    assert (loser.status_code, loser.json()["type"]) == (401, "/problems/sign-in-failed")
    if thief_is_first:
        assert (await refresh(client, winner)).status_code == 401
    assert not await is_signed_in(api, client, winner)
    assert not await is_signed_in(api, client, tokens)
    assert await is_signed_in(api, client, other_session)
    assert (await actions(api, tokens["user_id"]))[-1] == "session.refresh-token-reused"


async def test_of_two_refreshes_at_once_one_wins_and_the_family_ends(api: Api, client: httpx.AsyncClient) -> None:
    tokens = await registered(client)
    answers = await asyncio.gather(*(refresh(client, tokens) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401, 401]
    [winner] = [answer.json() for answer in answers if answer.status_code == 200]
    assert not await is_signed_in(api, client, winner)
    assert (await actions(api, tokens["user_id"])).count("session.refresh-token-reused") == 1


@pytest.mark.parametrize(
    ("column", "by_us"), [(REFRESH_TOKENS.c.expires_us, REFRESH_TTL_US), (SESSIONS.c.expires_us, SESSION_TTL_US)]
)
async def test_an_expired_refresh_token_is_refused(
    api: Api, client: httpx.AsyncClient, column: Any, by_us: int
) -> None:
    tokens = await registered(client)
    async with api.store.work(now()) as work:
        await work.connection.execute(update(column.table).values({column.name: column - by_us}))
    assert (await refresh(client, tokens)).status_code == 401


@pytest.mark.parametrize("token", ["x" * 43, "", "x" * 44, "é" * 43, None, 7])
async def test_a_guessed_refresh_token_is_refused(client: httpx.AsyncClient, token: Any) -> None:
    answer = await client.post("/v1/auth/refresh", json={"refresh_token": token})
    assert answer.status_code in {401, 422}


async def test_an_access_token_is_no_refresh_token_and_a_refresh_token_no_access_token(
    client: httpx.AsyncClient,
) -> None:
    tokens = await registered(client)
    swapped = {"access_token": tokens["refresh_token"], "refresh_token": tokens["access_token"]}
    assert (await refresh(client, swapped)).status_code == 422
    assert (await client.get("/v1/account/sessions", headers=bearer(swapped))).status_code == 401


# --- ending sessions --------------------------------------------------------------------------------------------------


async def test_a_logout_ends_its_session_alone(api: Api, client: httpx.AsyncClient) -> None:
    one, other = await registered(client), (await log_in(client)).json()
    assert (await client.post("/v1/auth/logout", headers=bearer(one))).status_code == 204
    assert not await is_signed_in(api, client, one)
    assert (await refresh(client, one)).status_code == 401
    assert await is_signed_in(api, client, other)


async def test_a_logout_everywhere_ends_all_sessions_and_a_new_one_begins(api: Api, client: httpx.AsyncClient) -> None:
    one, other = await registered(client), (await log_in(client)).json()
    assert (await client.post("/v1/auth/logout-everywhere", headers=bearer(one))).status_code == 204
    new = (await log_in(client)).json()
    for tokens in (one, other):
        assert not await is_signed_in(api, client, tokens)
        assert (await refresh(client, tokens)).status_code == 401
    assert await is_signed_in(api, client, new), "although it was issued in the same second"


async def test_a_user_ends_a_session_of_their_own_and_no_other(api: Api, client: httpx.AsyncClient) -> None:
    mine, also_mine = await registered(client), (await log_in(client)).json()
    foreign = await registered(client, "mallory")
    path = f"/v1/account/sessions/{also_mine['session_id']}"
    assert (await client.delete(path, headers=bearer(foreign))).status_code == 404
    assert await is_signed_in(api, client, also_mine)
    assert (await client.delete(path, headers=bearer(mine))).status_code == 204
    assert not await is_signed_in(api, client, also_mine)
    assert (await client.delete(path, headers=bearer(mine))).status_code == 404
    assert [each["id"] for each in await sessions(client, mine)] == [mine["session_id"]]


async def test_a_new_password_ends_all_other_sessions(api: Api, client: httpx.AsyncClient) -> None:
    mine, thief = await registered(client), (await log_in(client)).json()
    body = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}
    answer = await client.put("/v1/account/password", json=body, headers=bearer(mine))
    assert answer.status_code == 204, answer.text
    assert not await is_signed_in(api, client, thief)
    assert (await refresh(client, thief)).status_code == 401
    assert await is_signed_in(api, client, mine)
    assert (await refresh(client, mine)).status_code == 200
    assert (await log_in(client)).status_code == 401
    assert (await log_in(client, password=OTHER_PASSWORD)).status_code == 200
    assert "password.changed" in await actions(api, mine["user_id"])


@pytest.mark.parametrize(
    ("current", "new", "status", "pointer"),
    [
        ("wrong-password-here", OTHER_PASSWORD, 401, None),
        (PASSWORD, "alice-in-the-sky", 422, "#/new_password"),
        (PASSWORD, "Password1234!", 422, "#/new_password"),
    ],
)
async def test_a_bad_change_of_the_password_changes_nothing(
    client: httpx.AsyncClient, current: str, new: str, status: int, pointer: str | None
) -> None:
    tokens = await registered(client)
    body = {"current_password": current, "new_password": new}
    answer = await client.put("/v1/account/password", json=body, headers=bearer(tokens))
    assert answer.status_code == status, answer.text
    assert [fault["pointer"] for fault in answer.json().get("errors", [])] == ([pointer] if pointer else [])
    assert (await log_in(client)).status_code == 200


async def test_a_closed_account_neither_signs_in_nor_refreshes(api: Api, client: httpx.AsyncClient) -> None:
    tokens = await registered(client)
    async with api.store.work(now()) as work:
        await work.connection.execute(update(ACCOUNTS).values(status=accounts.Status.CLOSED.value))
    assert (await refresh(client, tokens)).status_code == 401
    answer = await log_in(client)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden")
    assert (await log_in(client, password="wrong-password-here")).status_code == 401


async def test_a_suspended_account_signs_in_to_read_until_it_is_reinstated(api: Api, client: httpx.AsyncClient) -> None:
    user = (await registered(client))["user_id"]
    async with api.store.work(now()) as work:
        await account_changes.suspend(work, user, actor="moderator-1", reason="spam")
    tokens = (await log_in(client)).json()
    assert (await client.get("/v1/account/sessions", headers=bearer(tokens))).status_code == 200
    refused = await client.put("/v1/account/privacy", json={"private": True}, headers=bearer(tokens))
    assert refused.status_code == 403
    assert "from the time of a suspension" in refused.json()["detail"]
    tokens = (await refresh(client, tokens)).json()
    assert claims(tokens)["suspended"]
    async with api.store.work(now()) as work:
        await account_changes.reinstate(work, user, actor="moderator-1", reason="appeal")
    tokens = (await refresh(client, tokens)).json()
    assert "suspended" not in claims(tokens)
    accepted = await client.put("/v1/account/privacy", json={"private": True}, headers=bearer(tokens))
    assert accepted.status_code == 200, accepted.text


async def test_a_refreshed_token_has_the_accounts_present_role(api: Api, client: httpx.AsyncClient) -> None:
    tokens = await registered(client)
    async with api.store.work(now()) as work:
        await work.connection.execute(update(ACCOUNTS).values(role=Role.VENUE.value))
    assert claims((await refresh(client, tokens)).json())["role"] == "venue"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/auth/logout"),
        ("POST", "/v1/auth/logout-everywhere"),
        ("PUT", "/v1/account/password"),
        ("GET", "/v1/account/sessions"),
        ("DELETE", "/v1/account/sessions/s-1"),
    ],
)
async def test_the_routes_of_an_account_need_a_token(client: httpx.AsyncClient, method: str, path: str) -> None:
    assert (await client.request(method, path)).status_code == 401
    expired = {"access_token": mint("alice", ttl_s=60, age_s=3_600)}
    assert (await client.request(method, path, headers=bearer(expired))).status_code == 401
