"""Challenges: data that a wallet signs once to prove itself, for one purpose, wallet and account, in five minutes.

A challenge is issued for any address, whether an account has that wallet or not. Only its nonce is random. The API
builds the signed text again from the stored row, so that a client cannot change a part of it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from api.identity.store.tables import CHALLENGES
from streams.connect.outbox.unit_of_work import UnitOfWork
from streams.times import MINUTE_US, SECOND_US, Instant

LIFE_US: Final = 5 * MINUTE_US
NONCE_BYTES: Final = 31
"""The longest nonce that is a field element for certain."""
NONCE: Final = r"^0x[0-9a-f]{62}$"
DOMAIN: Final = "AstraTrade"
VERSION: Final = "1"
PRIMARY_TYPE: Final = "WalletChallenge"


class Purpose(StrEnum):
    """The purpose of a signature."""

    SIGN_IN = "sign-in"
    LINK = "link"
    UNLINK = "unlink"


class Wallet(NamedTuple):
    """An account contract: the chain, and the address in the form of `felts.address`."""

    chain_id: str
    address: str


@dataclass(frozen=True, slots=True)
class Challenge:
    """A challenge as it was issued. The times are whole seconds.

    A challenge to link or unlink a wallet names the account. A challenge to sign in names none.
    """

    nonce: str
    purpose: Purpose
    wallet: Wallet
    account_id: str | None
    issued: Instant
    expires: Instant

    def is_for(self, purpose: Purpose, wallet: Wallet, account_id: str | None) -> bool:
        """Return whether the challenge was issued for exactly this."""
        return (self.purpose, self.wallet, self.account_id) == (purpose, wallet, account_id)


async def issue(work: UnitOfWork, purpose: Purpose, wallet: Wallet, account_id: str | None = None) -> Challenge:
    """Issue a challenge and store it."""
    issued = Instant(work.now // SECOND_US * SECOND_US)
    nonce = f"0x{secrets.token_hex(NONCE_BYTES)}"
    challenge = Challenge(nonce, purpose, wallet, account_id, issued, Instant(issued + LIFE_US))
    row = {
        "nonce": nonce,
        "purpose": purpose.value,
        "chain_id": wallet.chain_id,
        "address": wallet.address,
        "account_id": account_id,
        "issued_us": int(challenge.issued),
        "expires_us": int(challenge.expires),
    }
    await work.connection.execute(insert(CHALLENGES).values(row))
    return challenge


async def find(connection: AsyncConnection, nonce: str, now: Instant) -> Challenge | None:
    """Return the challenge with this nonce if it was not used and has not expired."""
    table = CHALLENGES.c
    usable = (table.nonce == nonce) & table.used_us.is_(None) & (table.expires_us > int(now))
    row = (await connection.execute(select(CHALLENGES).where(usable))).one_or_none()
    if row is None:
        return None
    wallet = Wallet(row.chain_id, row.address)
    issued, expires = Instant(row.issued_us), Instant(row.expires_us)
    return Challenge(row.nonce, Purpose(row.purpose), wallet, row.account_id, issued, expires)


async def use(work: UnitOfWork, challenge: Challenge) -> bool:
    """Use up a challenge, in the transaction of its effect. Return False when it was used or has expired."""
    table = CHALLENGES.c
    usable = (table.nonce == challenge.nonce) & table.used_us.is_(None) & (table.expires_us > int(work.now))
    used = await work.connection.execute(update(CHALLENGES).where(usable).values(used_us=int(work.now)))
    return used.rowcount == 1


async def purge_challenges(work: UnitOfWork) -> None:
    """Delete challenges that have expired."""
    await work.connection.execute(delete(CHALLENGES).where(CHALLENGES.c.expires_us <= int(work.now)))


def typed_data(challenge: Challenge, origin: str) -> dict[str, Any]:
    """Return the data that the wallet signs: SNIP-12, revision 1. Its hash also covers the wallet's address."""
    short = "shortstring"
    types = {
        "StarknetDomain": {"name": short, "version": short, "chainId": short, "revision": short},
        PRIMARY_TYPE: {
            "origin": "string",
            "purpose": short,
            "account": "string",
            "nonce": "felt",
            "issued_at": "timestamp",
            "expires_at": "timestamp",
        },
    }
    return {
        "types": {
            name: [{"name": member, "type": kind} for member, kind in members.items()]
            for name, members in types.items()
        },
        "primaryType": PRIMARY_TYPE,
        "domain": {"name": DOMAIN, "version": VERSION, "chainId": challenge.wallet.chain_id, "revision": "1"},
        "message": {
            "origin": origin,
            "purpose": challenge.purpose.value,
            "account": challenge.account_id or "",
            "nonce": challenge.nonce,
            "issued_at": challenge.issued // SECOND_US,
            "expires_at": challenge.expires // SECOND_US,
        },
    }
