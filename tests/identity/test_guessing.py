"""Guessing passwords and names by the API, on both databases: it is slow, and tells nothing."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import event

from api.identity.passwords import Argon2Parameters, Passwords
from api.identity.sign_in import password_hash_of
from api.kit.context import Api
from tests.identity.signing_in import (
    OF_POLLS,
    OF_SIGNING_IN,
    PASSWORD,
    client_at,
    log_in,
    registered,
)


@pytest.fixture
def stopped_clock(api: Api) -> None:
    """Stop the clock of sign-ins: on a busy machine a wait of a second is over before the next guess."""
    moment = api.sign_in.clock()
    object.__setattr__(api.sign_in, "clock", lambda: moment)


async def test_an_unknown_name_and_a_wrong_password_look_alike(
    app: FastAPI, api: Api, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same text, the same number of hashes and the same statements: so the same time."""
    await registered(client, email="alice@example.org")
    verified: list[str] = []
    statements: list[str] = []
    fits = Passwords._fits

    def count(self: Passwords, password: str, stored: str) -> bool:
        verified.append(stored)
        return fits(self, password, stored)

    monkeypatch.setattr(Passwords, "_fits", count)
    event.listen(api.store.engine.sync_engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    seen = []
    for number, login in enumerate(("alice", "nobody", "alice@example.org", "nobody@example.org")):
        async with client_at(app, f"198.51.100.{number}") as attacker:
            answer = await log_in(attacker, login, "wrong-password-here")
        document = {name: value for name, value in answer.json().items() if name != "request_id"}
        assert answer.headers["www-authenticate"] == 'Bearer realm="astratrade"', "no token was refused"
        ran = [
            text.replace("email_key", "username_key")
            for text in statements
            if OF_SIGNING_IN.search(text) and OF_POLLS not in text
        ]
        costs = [stored.rpartition("$")[0].rpartition("$")[0] for stored in verified]
        seen.append((answer.status_code, document, [*answer.headers], costs, ran))
        verified.clear()
        statements.clear()
    status, _, _, costs, ran = seen[0]
    assert (status, costs) == (401, ["$argon2id$v=19$m=64,t=1,p=1"])
    assert len(ran) >= 7
    for other in seen[1:]:
        assert other == seen[0]


@pytest.mark.usefixtures("stopped_clock")
async def test_brute_force_has_to_wait_and_the_user_elsewhere_does_not(app: FastAPI, client: httpx.AsyncClient) -> None:
    await registered(client)
    async with client_at(app, "203.0.113.5") as attacker:
        for _ in range(5):
            assert (await log_in(attacker, password="wrong-password-here")).status_code == 401
        refused = await log_in(attacker, password=PASSWORD)
    assert (refused.status_code, refused.json()["type"]) == (429, "/problems/too-many-attempts")
    assert int(refused.headers["retry-after"]) >= 1
    async with client_at(app, "203.0.113.6") as also_attacker:
        assert (await log_in(also_attacker)).status_code == 429
    assert (await log_in(client)).status_code == 200


@pytest.mark.usefixtures("stopped_clock")
async def test_guessing_an_unknown_account_is_slowed_down_alike(app: FastAPI) -> None:
    async with client_at(app, "203.0.113.5") as attacker:
        found = [(await log_in(attacker, "nobody")).status_code for _ in range(6)]
    assert found == [401] * 5 + [429]


@pytest.mark.usefixtures("stopped_clock")
async def test_one_password_at_many_accounts_is_slowed_down(app: FastAPI) -> None:
    async with client_at(app, "203.0.113.5") as attacker:
        found = [(await log_in(attacker, f"user-{number}")).status_code for number in range(22)]
    assert found == [401] * 20 + [429] * 2


@pytest.mark.usefixtures("stopped_clock")
async def test_parallel_guesses_are_all_counted(app: FastAPI, client: httpx.AsyncClient) -> None:
    await registered(client)
    async with client_at(app, "203.0.113.5") as attacker:
        answers = await asyncio.gather(*(log_in(attacker, password="wrong-password-here") for _ in range(15)))
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 10


async def test_a_password_is_hashed_again_when_the_cost_has_risen(
    app: FastAPI, api: Api, client: httpx.AsyncClient
) -> None:
    tokens = await registered(client)

    async def stored() -> str:
        async with api.store.read() as connection:
            return await password_hash_of(connection, tokens["user_id"]) or ""

    before = await stored()
    assert (await log_in(client)).status_code == 200
    assert await stored() == before
    costlier = Passwords(Argon2Parameters(memory_kib=128, passes=2, lanes=1))
    object.__setattr__(api.sign_in, "passwords", costlier)
    assert (await log_in(client)).status_code == 200
    assert "m=128,t=2" in await stored()
    assert (await log_in(client)).status_code == 200
