"""What an attacker tries with challenges and signatures, on both databases."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import delete, event, update

from api.identity import accounts
from api.identity.accounts import Account
from api.identity.store.tables import CHALLENGES, SIGN_IN_FAILURES, WALLETS
from api.identity.wallets.challenges import LIFE_US
from api.kit.clock import now
from api.kit.context import Api
from streams.times import SECOND_US
from tests.identity.signing_in import (
    OF_POLLS,
    OF_SIGNING_IN,
    PASSWORD,
    Answer,
    bearer,
    client_at,
    registered,
)
from tests.identity.wallets.requests import (
    ANN,
    BOB,
    EVE,
    OWN,
    challenged,
    link,
    log_in,
    named,
    proof,
    sign_in,
    wallets,
)
from tests.support.starknet import CHAIN, Chain


def changed(challenge: Answer, part: str, **members: Any) -> Answer:
    """Return a challenge of which a wallet signs something else."""
    typed = challenge["typed_data"]
    return {**challenge, "typed_data": {**typed, part: {**typed[part], **members}}}


def refused(answer: httpx.Response) -> bool:
    return (answer.status_code, answer.json().get("type")) == (401, "/problems/sign-in-failed")


async def forget_failures(api: Api) -> None:
    async with api.store.work(now()) as work:
        await work.connection.execute(delete(SIGN_IN_FAILURES))


async def test_a_challenge_proves_nothing_but_what_it_was_issued_for(api: Api, client: httpx.AsyncClient) -> None:
    issued = await challenged(client, ANN.address)
    domain, message = issued["typed_data"]["domain"], issued["typed_data"]["message"]
    assert domain == {"name": "AstraTrade", "version": "1", "chainId": CHAIN, "revision": "1"}
    assert (message["origin"], message["purpose"], message["account"]) == ("https://app.example.com", "sign-in", "")
    assert (message["nonce"], message["expires_at"] - message["issued_at"]) == (issued["nonce"], 300)
    forged = [
        changed(issued, "domain", chainId="SN_MAIN"),
        changed(issued, "domain", name="OtherTrade"),
        changed(issued, "domain", version="2"),
        changed(issued, "message", origin="https://evil.example"),
        changed(issued, "message", purpose="link"),
        changed(issued, "message", account="somebody"),
        changed(issued, "message", nonce=f"0x{'1' * 62}"),
        changed(issued, "message", expires_at=message["expires_at"] + 1),
    ]
    for other in forged:
        assert refused(await log_in(client, ANN.address, proof(ANN, other))), other
        await forget_failures(api)
    bob = proof(ANN, issued, address=BOB.address)  # the hash covers the address
    assert refused(await log_in(client, ANN.address, bob))
    assert refused(await log_in(client, ANN.address, {**proof(EVE, issued), "public_key": hex(ANN.public_key)}))
    assert (await log_in(client, ANN.address, proof(ANN, issued))).status_code == 201, "the challenge was not used up"


async def test_a_challenge_is_used_once_by_its_wallet_and_account_and_purpose(
    api: Api, client: httpx.AsyncClient
) -> None:
    issued = await challenged(client, ANN.address)
    signed = proof(ANN, issued)
    assert refused(await log_in(client, BOB.address, {**signed, "public_key": hex(BOB.public_key)}))
    assert (await log_in(client, ANN.address, signed)).status_code == 201
    assert refused(await log_in(client, ANN.address, signed)), "replayed"
    alice, mallory = await registered(client), await registered(client, "mallory")
    stolen = proof(BOB, await challenged(client, BOB.address, "link", alice))
    body = named(BOB.address) | {"proof": stolen, "current_password": PASSWORD}
    assert refused(await client.post(OWN, json=body, headers=bearer(mallory)))
    assert refused(await log_in(client, BOB.address, stolen))
    path = f"{OWN}/{CHAIN}/{BOB.address}/unlink"
    assert refused(await client.post(path, json={"proof": stolen}, headers=bearer(alice)))
    assert (await client.post(OWN, json=body, headers=bearer(alice))).status_code == 201
    assert await wallets(client, mallory) == []


async def test_a_challenge_expires(api: Api, client: httpx.AsyncClient) -> None:
    table = CHALLENGES.c
    for over_us, status in ((LIFE_US, 401), (LIFE_US - 20 * SECOND_US, 201)):
        issued = await challenged(client, ANN.address)
        async with api.store.work(now()) as work:
            times = {"issued_us": table.issued_us - over_us, "expires_us": table.expires_us - over_us}
            await work.connection.execute(update(CHALLENGES).where(table.nonce == issued["nonce"]).values(times))
        message, over_s = issued["typed_data"]["message"], over_us // SECOND_US
        earlier = {name: message[name] - over_s for name in ("issued_at", "expires_at")}
        answer = await log_in(client, ANN.address, proof(ANN, changed(issued, "message", **earlier)))
        assert answer.status_code == status, answer.text


async def test_of_two_uses_of_a_challenge_at_once_one_wins(app: FastAPI, api: Api, client: httpx.AsyncClient) -> None:
    assert (await sign_in(client, ANN)).status_code == 201
    for signer in (ANN, BOB):  # an account that exists, and one that the sign-in creates
        signed = proof(signer, await challenged(client, signer.address))
        answers = await asyncio.gather(*(log_in(client, signer.address, signed) for _ in range(3)))
        assert [refused(answer) for answer in answers].count(True) == 2, [answer.text for answer in answers]
        assert [answer.status_code in {200, 201} for answer in answers].count(True) == 1


async def test_two_first_sign_ins_of_a_wallet_at_once_give_one_account(client: httpx.AsyncClient) -> None:
    signed = [proof(ANN, await challenged(client, ANN.address)) for _ in range(3)]
    answers = await asyncio.gather(*(log_in(client, ANN.address, each) for each in signed))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 201], [answer.text for answer in answers]
    assert len({answer.json()["user_id"] for answer in answers}) == 1


async def test_a_foreign_key_for_an_address_is_refused(sqlite_client: httpx.AsyncClient) -> None:
    signed = proof(EVE, await challenged(sqlite_client, ANN.address), address=ANN.address)
    answer = await log_in(sqlite_client, ANN.address, signed)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/proof/public_key")


async def test_an_unknown_and_a_known_wallet_look_alike(
    app: FastAPI, api: Api, chain: Chain, client: httpx.AsyncClient
) -> None:
    """The same text and the same statements for a challenge and for a wrong signature, and the same calls."""
    chain.deploy(ANN)
    chain.deploy(BOB)
    assert (await sign_in(client, ANN)).status_code == 201
    statements: list[str] = []
    event.listen(api.store.engine.sync_engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    seen = []
    for number, (signer, with_key) in enumerate(((ANN, True), (BOB, True), (ANN, False), (BOB, False))):
        statements.clear()
        chain.calls.clear()
        async with client_at(app, f"198.51.100.{number}") as attacker:
            issued = await challenged(attacker, signer.address)
            signed = proof(EVE, issued, with_key=False, address=signer.address)
            answer = await log_in(
                attacker, signer.address, signed | ({"public_key": hex(signer.public_key)} if with_key else {})
            )
        assert refused(answer)
        document = {name: value for name, value in answer.json().items() if name != "request_id"}
        ran = [
            text
            for text in statements
            if ("wallets" in text or "challenges" in text or OF_SIGNING_IN.search(text)) and OF_POLLS not in text
        ]
        assert len(ran) >= 6
        seen.append((document, [*answer.headers], sorted(issued), ran, list(chain.calls)))
    assert seen[0] == seen[1]
    assert seen[2] == seen[3]


async def test_guesses_at_a_wallet_have_to_wait_and_its_user_does_not(app: FastAPI, client: httpx.AsyncClient) -> None:
    assert (await sign_in(client, ANN)).status_code == 201
    wrong = {"nonce": f"0x{'1' * 62}", "signature": ["0x1", "0x2"]}
    async with client_at(app, "198.51.100.7") as attacker:
        answers = [await log_in(attacker, ANN.address, wrong) for _ in range(5)]
        assert all(refused(answer) for answer in answers)
        while refused(answer := await log_in(attacker, ANN.address, wrong)):  # a slow machine outlasts a short wait
            assert len(answers := [*answers, answer]) < 10
        assert (answer.status_code, answer.json()["type"]) == (429, "/problems/too-many-attempts")
        assert int(answer.headers["Retry-After"]) >= 1
    assert (await sign_in(client, ANN)).status_code == 200


async def test_guesses_at_a_wallet_do_not_tell_whose_it_is(
    sqlite_app: FastAPI, sqlite_client: httpx.AsyncClient
) -> None:
    """A wait of the wallet's account for its password would."""
    tokens = await registered(sqlite_client)
    assert (await link(sqlite_client, tokens, ANN, current_password=PASSWORD)).status_code == 201
    wrong = {"nonce": f"0x{'1' * 62}", "signature": ["0x1", "0x2"]}
    async with client_at(sqlite_app, "198.51.100.7") as attacker:
        for _ in range(5):
            assert refused(await log_in(attacker, ANN.address, wrong))
        body = {"login": "alice", "password": "wrong-password-here"}
        assert refused(await attacker.post("/v1/auth/login", json=body))


async def test_a_wallet_that_is_unlinked_while_its_proof_is_checked_opens_nothing(
    api: Api, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await sign_in(client, ANN)).status_code == 201
    signed = proof(ANN, await challenged(client, ANN.address))
    check = type(api.wallets.prover).check

    async def unlinked_meanwhile(*args: Any) -> str | None:
        key = await check(*args)
        async with api.store.work(now()) as work:
            await work.connection.execute(delete(WALLETS))
        return key

    monkeypatch.setattr(type(api.wallets.prover), "check", unlinked_meanwhile)
    assert refused(await log_in(client, ANN.address, signed))


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite runs one writer at a time
async def test_a_wallet_that_is_unlinked_while_a_sign_in_waits_for_its_account_opens_nothing(
    api: Api, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id = (await sign_in(client, ANN)).json()["user_id"]
    signed = proof(ANN, await challenged(client, ANN.address))
    get, waits = accounts.get, asyncio.Event()

    async def announced(*args: Any, **options: Any) -> Account:
        waits.set()
        return await get(*args, **options)

    monkeypatch.setattr(accounts, "get", announced)
    async with api.store.work(now()) as work:
        await get(work.connection, account_id, lock=True)
        await work.connection.execute(delete(WALLETS))
        answer = asyncio.ensure_future(log_in(client, ANN.address, signed))
        async with asyncio.timeout(10):
            await waits.wait()
    assert refused(await answer)


MALFORMED: list[tuple[dict[str, Any], str]] = [
    ({"address": "0x0"}, "#/address"),
    ({"address": "0x1"}, "#/address"),
    ({"address": f"0x{2**251 - 256:x}"}, "#/address"),
    ({"address": "5731d1"}, "#/address"),
    ({"address": "0x" + "1" * 65}, "#/address"),
    ({"chain_id": "SN_MAIN"}, "#/chain_id"),
    ({"chain_id": "0x534e"}, "#/chain_id"),
    ({"proof": {"nonce": "0x1"}}, "#/proof/nonce"),
    ({"proof": {"signature": []}}, "#/proof/signature"),
    ({"proof": {"signature": ["0x1"] * 65}}, "#/proof/signature"),
    ({"proof": {"signature": ["12", "0x1"]}}, "#/proof/signature/0"),
    ({"proof": {"signature": ["0x1", f"0x{2**251 + 17 * 2**192 + 1:x}"]}}, "#/proof/signature/1"),
    ({"proof": {"public_key": "0x0"}}, "#/proof/public_key"),
    ({"account_id": "alice"}, "#/account_id"),
]


async def test_a_malformed_sign_in_is_refused_by_its_field(sqlite_client: httpx.AsyncClient) -> None:
    good: Answer = named(ANN.address) | {"proof": {"nonce": f"0x{'1' * 62}", "signature": ["0x1", "0x2"]}}
    for body, pointer in MALFORMED:
        sent = good | body | ({"proof": good["proof"] | body["proof"]} if "proof" in body else {})
        answer = await sqlite_client.post("/v1/auth/wallet/login", json=sent)
        assert answer.status_code == 422, answer.text
        assert pointer in [fault["pointer"] for fault in answer.json()["errors"]], body


async def test_a_wallet_has_one_spelling(sqlite_client: httpx.AsyncClient) -> None:
    first = await sign_in(sqlite_client, ANN)
    shouted = ANN.address.upper().replace("0X", "0x")
    answer = await sign_in(sqlite_client, ANN, address=shouted)
    assert (answer.status_code, answer.json()["user_id"]) == (200, first.json()["user_id"])
