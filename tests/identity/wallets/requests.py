"""Helpers for tests of wallets: an API with a chain, and the requests of a wallet."""

from __future__ import annotations

from typing import Any

import httpx

from tests.identity.signing_in import Answer, bearer
from tests.support.starknet import CHAIN, Signer

ANN, BOB, EVE = Signer(0xA11CE), Signer(0xB0B), Signer(0xE7E)
SIGN_IN, OWN = "/v1/auth/wallet", "/v1/account/wallets"


def named(address: str) -> dict[str, str]:
    """Return the members of a body that name a wallet."""
    return {"chain_id": CHAIN, "address": address}


async def challenged(
    client: httpx.AsyncClient, address: str, purpose: str | None = None, tokens: Answer | None = None
) -> Answer:
    """Ask for a challenge to sign in, or to link or unlink."""
    place, more = (SIGN_IN, {}) if purpose is None else (OWN, {"purpose": purpose})
    headers = {} if tokens is None else bearer(tokens)
    answer = await client.post(f"{place}/challenge", json=named(address) | more, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    body: Answer = answer.json()
    return body


def proof(signer: Signer, challenge: Answer, *, with_key: bool = True, address: str | None = None) -> Answer:
    """Sign a challenge."""
    signed: Answer = {"nonce": challenge["nonce"], "signature": signer.sign(challenge["typed_data"], address)}
    return signed | ({"public_key": hex(signer.public_key)} if with_key else {})


async def sign_in(
    client: httpx.AsyncClient, signer: Signer, *, with_key: bool = True, address: str | None = None
) -> httpx.Response:
    """Sign in with a wallet from the challenge on."""
    at = address or signer.address
    signed = proof(signer, await challenged(client, at), with_key=with_key, address=address)
    return await log_in(client, at, signed)


async def log_in(client: httpx.AsyncClient, address: str, signed: Answer) -> httpx.Response:
    return await client.post(f"{SIGN_IN}/login", json=named(address) | {"proof": signed})


async def link(
    client: httpx.AsyncClient, tokens: Answer, signer: Signer, *, with_key: bool = True, **more: Any
) -> httpx.Response:
    """Link a signer's wallet from the challenge on."""
    signed = proof(signer, await challenged(client, signer.address, "link", tokens), with_key=with_key)
    body = named(signer.address) | {"proof": signed} | more
    return await client.post(OWN, json=body, headers=bearer(tokens))


async def unlink(client: httpx.AsyncClient, tokens: Answer, signer: Signer, **body: Any) -> httpx.Response:
    """Unlink a signer's wallet by its proof, or by what the body says."""
    if not body:
        body = {"proof": proof(signer, await challenged(client, signer.address, "unlink", tokens))}
    path = f"{OWN}/{CHAIN}/{signer.address}/unlink"
    return await client.post(path, json=body, headers=bearer(tokens))


async def wallets(client: httpx.AsyncClient, tokens: Answer) -> list[Answer]:
    answer = await client.get(OWN, headers=bearer(tokens))
    assert answer.status_code == 200, answer.text
    found: list[Answer] = answer.json()["wallets"]
    return found
