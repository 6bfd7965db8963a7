"""Sign in with wallets, link and unlink them: by a registered key, and by the chain."""

from __future__ import annotations

import httpx
from sqlalchemy import select, update

from api.identity.accounts import Status
from api.identity.store.tables import ACCOUNTS, CHALLENGES, OUTBOX
from api.identity.wallets.challenges import LIFE_US
from api.identity.wallets.linked import PER_ACCOUNT_MAX
from api.kit.clock import now
from api.kit.context import Api
from streams.events import decode
from streams.events.user import WalletLinked, WalletUnlinked
from tests.identity.api_keys import made
from tests.identity.signing_in import PASSWORD, actions, bearer, claims, is_signed_in, refresh, registered, sessions
from tests.identity.wallets.requests import ANN, BOB, EVE, challenged, link, sign_in, unlink, wallets
from tests.support.starknet import CHAIN, Chain, Signer


async def events(api: Api) -> list[tuple[str, str]]:
    """Return the types and wallets of the events of wallets, in their order."""
    table = OUTBOX.events.c
    async with api.store.read() as connection:
        values = (await connection.execute(select(table.value).order_by(table.number))).scalars().all()
    found = [decode(value).data for value in values]
    return [(type(data).__name__, data.address) for data in found if isinstance(data, WalletLinked | WalletUnlinked)]


async def test_a_new_wallet_gets_an_account_and_signs_in_to_it_again(api: Api, client: httpx.AsyncClient) -> None:
    first = await sign_in(client, ANN)
    assert first.status_code == 201, first.text
    assert first.headers["cache-control"] == "no-store"
    tokens = first.json()
    assert (claims(tokens)["sub"], claims(tokens)["role"]) == (tokens["user_id"], "user")
    again = await sign_in(client, ANN)
    assert (again.status_code, again.json()["user_id"]) == (200, tokens["user_id"])
    assert {each["method"] for each in await sessions(client, tokens)} == {"wallet"}
    assert (await refresh(client, tokens)).status_code == 200
    assert await actions(api, tokens["user_id"]) == [
        "account.created", "wallet.linked", "session.opened", "session.opened",
    ]  # fmt: skip
    assert [(each["chain_id"], each["address"]) for each in await wallets(client, tokens)] == [(CHAIN, ANN.address)]


async def test_a_deployed_account_signs_in_by_the_chain(chain: Chain, client: httpx.AsyncClient) -> None:
    """An account whose key was changed has the address of another key; any contract can be an account."""
    contract = "0x" + "7" * 63
    chain.deploy(EVE, contract)
    first = await sign_in(client, EVE, with_key=False, address=contract)
    assert first.status_code == 201, first.text
    again = await sign_in(client, EVE, with_key=False, address=contract)
    assert (again.status_code, again.json()["user_id"]) == (200, first.json()["user_id"])
    [wallet] = await wallets(client, first.json())
    assert (wallet["address"], wallet["public_key"]) == ("0x0" + "7" * 63, None)
    chain.deploy(BOB, contract)  # the owner changes the key
    assert (await sign_in(client, EVE, with_key=False, address=contract)).status_code == 401
    assert (await sign_in(client, BOB, with_key=False, address=contract)).status_code == 200


async def test_a_registered_key_needs_no_chain(chain: Chain, client: httpx.AsyncClient) -> None:
    chain.deploy(ANN)
    assert (await sign_in(client, ANN)).status_code == 201
    assert "starknet_call" in chain.calls, "the chain was asked before the key was registered"
    chain.calls.clear()
    assert (await sign_in(client, ANN)).status_code == 200
    assert not chain.calls


async def test_a_key_that_no_longer_owns_the_account_cannot_be_registered(
    chain: Chain, client: httpx.AsyncClient
) -> None:
    chain.deploy(BOB, ANN.address)
    assert (await sign_in(client, ANN)).status_code == 401
    assert (await sign_in(client, BOB, with_key=False, address=ANN.address)).status_code == 201
    assert (await sign_in(client, ANN)).status_code == 401, "the chain's word stays the only one for this wallet"


async def test_a_user_links_a_wallet_and_signs_in_with_it(api: Api, client: httpx.AsyncClient) -> None:
    tokens = await registered(client)
    answer = await link(client, tokens, ANN, current_password=PASSWORD)
    assert answer.status_code == 201, answer.text
    assert answer.json() in await wallets(client, tokens)
    assert answer.json()["public_key"] == f"0x{ANN.public_key:064x}"
    signed_in = await sign_in(client, ANN)
    assert (signed_in.status_code, signed_in.json()["user_id"]) == (200, tokens["user_id"])
    assert (await unlink(client, tokens, ANN)).status_code == 204
    assert await wallets(client, tokens) == []
    other = await sign_in(client, ANN)
    assert (other.status_code, other.json()["user_id"] == tokens["user_id"]) == (201, False)
    assert await events(api) == [
        ("WalletLinked", ANN.address), ("WalletUnlinked", ANN.address), ("WalletLinked", ANN.address),
    ]  # fmt: skip
    assert [each for each in await actions(api, tokens["user_id"]) if each.startswith("wallet")] == [
        "wallet.linked", "wallet.unlinked",
    ]  # fmt: skip


async def test_a_stolen_token_alone_links_no_wallet(client: httpx.AsyncClient) -> None:
    tokens = await registered(client)
    missing = await link(client, tokens, EVE)
    assert (missing.status_code, missing.json()["errors"][0]["pointer"]) == (422, "#/current_password")
    assert (await link(client, tokens, EVE, current_password="wrong-password-here")).status_code == 401
    assert await wallets(client, tokens) == []


async def test_a_lost_wallet_is_unlinked_by_the_password(client: httpx.AsyncClient) -> None:
    tokens = await registered(client)
    assert (await link(client, tokens, ANN, current_password=PASSWORD)).status_code == 201
    assert (await unlink(client, tokens, ANN, current_password="wrong-password-here")).status_code == 401
    assert (await unlink(client, tokens, BOB, current_password=PASSWORD)).status_code == 404
    assert (await unlink(client, tokens, ANN, current_password=PASSWORD)).status_code == 204
    assert await wallets(client, tokens) == []


async def test_unlinking_a_wallet_ends_the_sessions_of_its_thief(api: Api, client: httpx.AsyncClient) -> None:
    tokens = await registered(client)
    for by_password in (True, False):
        assert (await link(client, tokens, ANN, current_password=PASSWORD)).status_code == 201
        thief = (await sign_in(client, ANN)).json()
        answer = await unlink(client, tokens, ANN, **({"current_password": PASSWORD} if by_password else {}))
        assert answer.status_code == 204, answer.text
        assert not await is_signed_in(api, client, thief)
        assert (await refresh(client, thief)).status_code == 401
        assert await is_signed_in(api, client, tokens)


async def test_the_last_way_to_sign_in_stays(api: Api, client: httpx.AsyncClient) -> None:
    tokens = (await sign_in(client, ANN)).json()
    answer = await unlink(client, tokens, ANN)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/last-credential")
    assert len(await wallets(client, tokens)) == 1
    assert (await link(client, tokens, BOB)).status_code == 201
    assert (await unlink(client, tokens, ANN)).status_code == 204
    assert (await unlink(client, tokens, BOB)).status_code == 409


async def test_a_wallet_belongs_to_one_account(client: httpx.AsyncClient) -> None:
    tokens, other = (await sign_in(client, ANN)).json(), await registered(client)
    for answer in (await link(client, other, ANN, current_password=PASSWORD), await link(client, tokens, ANN)):
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/wallet-taken")
    assert (await unlink(client, other, ANN)).status_code == 404
    assert len(await wallets(client, tokens)) == 1


async def test_an_account_has_a_bounded_number_of_wallets(client: httpx.AsyncClient) -> None:
    tokens = (await sign_in(client, ANN)).json()
    answers = [await link(client, tokens, Signer(1_000 + number)) for number in range(PER_ACCOUNT_MAX)]
    assert [answer.status_code for answer in answers] == [201] * (PER_ACCOUNT_MAX - 1) + [409]
    assert answers[-1].json()["type"] == "/problems/too-many-wallets"


async def test_a_suspended_account_signs_in_with_its_wallet_to_read(api: Api, client: httpx.AsyncClient) -> None:
    tokens = (await sign_in(client, ANN)).json()
    async with api.store.work(now()) as work:
        await work.connection.execute(update(ACCOUNTS).values(status=Status.SUSPENDED.value))
    answer = await sign_in(client, ANN)
    assert answer.status_code == 200
    assert await is_signed_in(api, client, answer.json())
    assert (await link(client, tokens, BOB)).status_code == 403
    refused = await client.post("/v1/account/wallets/challenge", json={}, headers=bearer(answer.json()))
    assert "from the time of a suspension" in refused.json()["detail"]


async def test_a_closed_account_does_not_sign_in_with_its_wallet(api: Api, client: httpx.AsyncClient) -> None:
    await sign_in(client, ANN)
    async with api.store.work(now()) as work:
        await work.connection.execute(update(ACCOUNTS).values(status=Status.CLOSED.value))
    answer = await sign_in(client, ANN)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden")


async def test_expired_challenges_are_deleted(api: Api, client: httpx.AsyncClient) -> None:
    await challenged(client, ANN.address)
    async with api.store.work(now()) as work:
        expired = {"expires_us": CHALLENGES.c.expires_us - LIFE_US}
        await work.connection.execute(update(CHALLENGES).values(expired))
    await challenged(client, ANN.address)
    await api.identity.purge()
    async with api.store.read() as connection:
        assert len((await connection.execute(select(CHALLENGES))).all()) == 1


async def test_an_account_without_a_password_makes_keys_with_its_session(client: httpx.AsyncClient) -> None:
    tokens = (await sign_in(client, ANN)).json()
    assert (await made(client, tokens, password=None))["scopes"] == ["account"]
