"""API keys by the API, on both databases: made, shown once, limited, revoked; and what an attacker gets with them."""

from __future__ import annotations

import asyncio
import hashlib

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import event, select, update

from api.app import create_app
from api.auth import Role
from api.identity import account_changes as changes
from api.identity import audit
from api.identity.accounts import create_account
from api.identity.api_keys import known, store
from api.identity.api_keys.store import NewKey, create_key
from api.identity.store.errors import StoreUnavailableError
from api.identity.store.tables import API_KEYS
from api.kit.clock import now
from api.kit.context import Api
from api.limits import callers
from api.limits.policies import LOOK_UP_UNITS, Policy
from api.permissions import Scope
from streams import topics
from tests.identity.api_keys import PRIVATE, detail_of, forged, made, sent, with_checksum
from tests.identity.signing_in import OTHER_PASSWORD, PASSWORD, actions, bearer, client_at, registered
from tests.integration.api.support import config_of, fill
from tests.integration.api.test_ingress import written

NO_SUCH_ID = "0192aaaa-0000-7000-8000-00000000000"


async def test_a_key_is_shown_once_and_only_its_digest_is_stored(api: Api, client: httpx.AsyncClient) -> None:
    alice = await registered(client)
    created = await made(client, alice, addresses=["192.0.2.1", "2001:db8::/32"], expires_in_days=7)
    text = created.pop("key")
    assert created["addresses"] == ["192.0.2.1/32", "2001:db8::/32"]
    listed = await client.get("/v1/account/api-keys", headers=bearer(alice))
    assert listed.json() == {"api_keys": [created]}
    async with api.store.read() as connection:
        row = (await connection.execute(select(API_KEYS))).one()
    assert row.digest == hashlib.sha256(text.encode()).digest()
    assert text.rpartition("_")[2] not in repr(row)
    assert "api-key.created" in await actions(api, alice["user_id"])


async def test_a_key_does_what_its_scopes_and_its_role_allow(api: Api, client: httpx.AsyncClient) -> None:
    alice = await registered(client)
    key = (await made(client, alice, scopes=["account"]))["key"]
    assert (await client.put(PRIVATE, json={"private": True}, headers=sent(key))).status_code == 200
    assert await detail_of(client, key, f"/v1/users/{alice['user_id']}/portfolio") == (
        403,
        "this needs an API key with the scope read:private",
    )
    for method, path in (("POST", "/v1/account/api-keys"), ("PUT", "/v1/account/password")):
        answer = await client.request(method, path, json={}, headers=sent(key))
        assert (answer.status_code, answer.json()["detail"]) == (403, "this needs a session; no API key may do this")
    for refused in ("fills:write", "prices:write"):
        body = {"name": "bot", "scopes": [refused], "password": PASSWORD}
        answer = await client.post("/v1/account/api-keys", json=body, headers=bearer(alice))
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/scopes")


async def test_stolen_forged_and_ended_keys_open_nothing(app: FastAPI, api: Api, client: httpx.AsyncClient) -> None:
    """Each text gets 401, from a process that knows the keys and from one that does not."""
    alice, not_valid = await registered(client), (401, known.NOT_VALID)
    keys = {name: await made(client, alice) for name in ("good", "expired", "revoked")}
    keys["here only"] = await made(client, alice, addresses=["192.0.2.0/30"])
    async with api.store.work(now()) as work:
        old = update(API_KEYS).where(API_KEYS.c.id == keys["expired"]["id"]).values(expires_us=int(work.now) - 1)
        await work.connection.execute(old)
    gone = await client.delete(f"/v1/account/api-keys/{keys['revoked']['id']}", headers=bearer(alice))
    assert gone.status_code == 204
    await api.identity.refresh()
    texts = {name: key["key"] for name, key in keys.items()}
    for _ in range(2):
        for good in ("good", "here only"):
            assert (await detail_of(client, texts[good]))[0] == 200
        assert await detail_of(client, texts["expired"]) == (401, known.KEY_EXPIRED)
        assert await detail_of(client, texts["revoked"]) == (401, known.KEY_REVOKED)
        for name in keys:
            assert await detail_of(client, forged(texts[name])) == not_valid, name
        for text in (
            texts["good"][:-1],
            texts["good"][:-1] + ("0" if texts["good"][-1] != "0" else "1"),
            texts["good"].upper().replace("AK_", "ak_"),
            texts["good"] + "0",
            with_checksum(f"ak_{NO_SUCH_ID}1_{'0' * 64}"),
            "ak_",
        ):
            assert await detail_of(client, text) == not_valid, text
        async with client_at(app, "198.51.100.9") as thief:
            assert await detail_of(thief, texts["here only"]) == (401, known.ELSEWHERE)
            thief.headers["X-Forwarded-For"] = "192.0.2.1"
            assert await detail_of(thief, texts["here only"]) == (401, known.ELSEWHERE)
            assert await detail_of(thief, forged(texts["here only"])) == not_valid


async def test_an_unknown_id_and_a_wrong_secret_look_alike(api: Api, client: httpx.AsyncClient) -> None:
    """The same text and the same statements, so the same time; at the second attempt no statement at all."""
    key = (await made(client, await registered(client)))["key"]
    statements: list[str] = []
    event.listen(api.store.engine.sync_engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    seen = []
    for text in (forged(key), with_checksum(f"ak_{NO_SUCH_ID}1_{'0' * 64}")):
        for _ in range(2):
            statements.clear()
            answer = await client.get(PRIVATE, headers=sent(text))
            document = {name: value for name, value in answer.json().items() if name != "request_id"}
            seen.append((answer.status_code, document, [one for one in statements if "FROM api_keys" in one]))
    assert seen[0] == seen[2]
    assert seen[1] == seen[3]
    assert [len(ran) for _, _, ran in seen] == [1, 0, 1, 0]


@pytest.mark.usefixtures("topics")
async def test_a_known_key_costs_no_statement_and_its_use_is_noted_later(api: Api, client: httpx.AsyncClient) -> None:
    alice = await registered(client)
    key = (await made(client, alice, scopes=["read:private"]))["key"]
    statements: list[str] = []
    event.listen(api.store.engine.sync_engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    for _ in range(3):
        assert (await detail_of(client, key, "/v1/fees"))[0] == 200
    assert len([text for text in statements if "api_keys" in text]) == 1
    before = now()
    await api.identity.api_keys.note_uses()
    (listed,) = (await client.get("/v1/account/api-keys", headers=bearer(alice))).json()["api_keys"]
    assert listed["last_used_at"] <= before.text()
    statements.clear()
    await api.identity.api_keys.note_uses()
    assert not [text for text in statements if "UPDATE api_keys" in text], "nothing was used since"


async def until_refused(client: httpx.AsyncClient, key: str, refusal: tuple[int, str]) -> None:
    while True:
        if await detail_of(client, key) == refusal:
            return
        await asyncio.sleep(0.05)


async def test_a_revocation_or_a_suspension_reaches_another_process_within_two_seconds(
    api: Api, client: httpx.AsyncClient, broker_url: str, namespace: str, database_url: str
) -> None:
    alice, bob = await registered(client), await registered(client, "bob")
    keys = [await made(client, owner) for owner in (alice, bob)]
    other = create_app(config_of(broker_url, namespace, database_url))
    async with other.router.lifespan_context(other), client_at(other, "192.0.2.1") as there:
        for key in keys:
            assert (await detail_of(there, key["key"]))[0] == 200
        await client.delete(f"/v1/account/api-keys/{keys[0]['id']}", headers=bearer(alice))
        async with api.store.work(now()) as work:
            await changes.suspend(work, bob["user_id"], actor="moderator-1", reason="spam")
        async with asyncio.timeout(2):
            refusals = ((401, known.KEY_REVOKED), (401, known.INACTIVE))
            for key, refusal in zip(keys, refusals, strict=True):
                await until_refused(there, key["key"], refusal)


async def test_signing_out_everywhere_leaves_keys_and_another_role_ends_them(
    api: Api, client: httpx.AsyncClient
) -> None:
    """A key that was made for a user must not read what a moderator may read."""
    alice = await registered(client)
    key = (await made(client, alice, scopes=["account", "trade"]))["key"]
    assert (await detail_of(client, key))[0] == 200
    await client.post("/v1/auth/logout-everywhere", headers=bearer(alice))
    await api.identity.refresh()
    assert (await detail_of(client, key))[0] == 200
    async with api.store.work(now()) as work:
        await changes.set_role(work, alice["user_id"], Role.MODERATOR, actor="admin-1")
    await api.identity.refresh()
    assert await detail_of(client, key) == (401, known.KEY_REVOKED)


@pytest.mark.usefixtures("topics")
async def test_while_the_store_is_away_known_keys_go_on_and_unknown_ones_wait(
    api: Api, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await registered(client)
    keys = [(await made(client, alice, scopes=["trade"]))["key"] for _ in range(2)]
    assert (await detail_of(client, keys[0], "/v1/fees"))[0] == 200

    def away() -> None:
        raise StoreUnavailableError("away")

    monkeypatch.setattr(api.store, "read", away)
    assert (await detail_of(client, keys[0], "/v1/fees"))[0] == 200
    for path in ("/v1/fees", "/v1/account/privacy"):
        answer = await client.get(path, headers=sent(keys[1]))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert (await client.get("/.well-known/jwks.json", headers=sent(keys[1]))).status_code == 200


async def test_an_account_has_so_many_keys_and_no_more(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "KEYS_MAX", 2)
    alice = await registered(client)
    first, _ = [await made(client, alice) for _ in range(2)]
    body = {"name": "bot", "scopes": ["account"], "password": PASSWORD}
    refused = await client.post("/v1/account/api-keys", json=body, headers=bearer(alice))
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/limit-reached")
    assert (await client.delete(f"/v1/account/api-keys/{first['id']}", headers=bearer(alice))).status_code == 204
    assert (await client.delete(f"/v1/account/api-keys/{first['id']}", headers=bearer(alice))).status_code == 404
    await made(client, alice)


async def test_a_stranger_can_neither_see_nor_revoke_a_key(client: httpx.AsyncClient) -> None:
    alice, bob = await registered(client), await registered(client, "bob")
    key = await made(client, alice)
    assert (await client.get("/v1/account/api-keys", headers=bearer(bob))).json() == {"api_keys": []}
    assert (await client.delete(f"/v1/account/api-keys/{key['id']}", headers=bearer(bob))).status_code == 404
    assert (await detail_of(client, key["key"]))[0] == 200


async def test_guesses_of_keys_are_charged_to_the_address(
    api: Api, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[str] = []

    async def read(_connection: object, key_id: str) -> None:
        reads.append(key_id)

    monkeypatch.setattr(known, "find_with_account", read)
    monkeypatch.setattr(callers, "ANONYMOUS", Policy("anonymous", 12, 4_000))
    for number in range(10):
        answer = await client.get(PRIVATE, headers=sent(with_checksum(f"ak_{NO_SUCH_ID}{number:x}_{'0' * 64}")))
    assert answer.status_code == 429
    assert len(reads) == 12 // (LOOK_UP_UNITS + 1) == 2


@pytest.mark.usefixtures("topics")
async def test_a_venue_reports_fills_with_a_key_of_an_operator(api: Api, client: httpx.AsyncClient) -> None:
    async with api.store.work(now()) as work:
        await create_account(work, username="venue-9", account_id="venue-9", role=Role.VENUE, actor="system")
        key = await create_key(
            work, "venue-9", NewKey(name="fills", scopes=frozenset({Scope.FILLS_WRITE})), actor="operator:ops"
        )
    answer = await client.post("/v1/fills", json={"fills": [fill()]}, headers=sent(key.text))
    assert answer.status_code == 202, answer.text
    [reported] = await written(api.log, topics.TRADING_COMMANDS)
    assert reported.id == answer.json()["events"][0]["event_id"]
    assert (await client.post("/v1/prices", json={}, headers=sent(key.text))).status_code == 403


async def test_a_stolen_token_alone_makes_no_key(api: Api, client: httpx.AsyncClient) -> None:
    """Neither of the account nor of its sub-account, for which the account's password is asked."""
    alice = await registered(client)
    answer = await client.post("/v1/account/sub-accounts", json={"label": "bot"}, headers=bearer(alice))
    of_child = f"/v1/account/sub-accounts/{answer.json()['user_id']}/api-keys"
    for path in ("/v1/account/api-keys", of_child):
        body = {"name": "bot", "scopes": ["trade"]}
        missing = await client.post(path, json=body, headers=bearer(alice))
        assert (missing.status_code, missing.json()["errors"][0]["pointer"]) == (422, "#/password")
        wrong = await client.post(path, json={**body, "password": "wrong-password-here"}, headers=bearer(alice))
        assert (wrong.status_code, wrong.json()["type"]) == (401, "/problems/sign-in-failed")
        assert (await client.get(path, headers=bearer(alice))).json() == {"api_keys": []}
    for _ in range(5):
        wrong = await client.post(path, json={**body, "password": "wrong-password-here"}, headers=bearer(alice))
    assert wrong.status_code == 429, "guesses have to wait"


@pytest.mark.parametrize("revoke", [False, True])
async def test_a_new_password_revokes_keys_when_the_user_asks_for_it(
    api: Api, client: httpx.AsyncClient, revoke: bool
) -> None:
    alice, bob = await registered(client), await registered(client, "bob")
    answer = await client.post("/v1/account/sub-accounts", json={"label": "bot"}, headers=bearer(alice))
    of_child = f"/v1/account/sub-accounts/{answer.json()['user_id']}/api-keys"
    mine = [(await made(client, alice))["key"], (await made(client, alice, of_child, scopes=["trade"]))["key"]]
    of_bob = (await made(client, bob))["key"]
    body = {
        "current_password": PASSWORD,
        "new_password": OTHER_PASSWORD,
        **({"revoke_api_keys": True} if revoke else {}),
    }
    answer = await client.put("/v1/account/password", json=body, headers=bearer(alice))
    assert answer.status_code == 204, answer.text
    await api.identity.refresh()
    for key in mine:
        assert ((await detail_of(client, key, "/v1/fees"))[1] == known.KEY_REVOKED) is revoke
    assert (await detail_of(client, of_bob))[0] == 200
    async with api.store.read() as connection:
        (entry,) = await audit.entries(connection, last=1, subject=alice["user_id"])
    assert (entry.action, entry.detail["api_keys_revoked"]) == ("password.changed", 2 if revoke else 0)
