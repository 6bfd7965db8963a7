"""Access tokens of tests: signed by a key that the tests know, which `plant_key` puts into a store."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import insert

from api import auth
from api.auth import Role
from api.identity.key_ring import KeyRing, SigningKey
from api.identity.secret import Seal
from api.identity.signing_keys import key_row
from api.identity.store.database import IdentityStore
from api.identity.store.tables import SIGNING_KEYS
from api.kit.clock import now
from streams.times import SECOND_US, Instant

SECRET: Final = "s" * 32
DAY_S: Final = 86_400
LONG_AGO: Final = Instant(0)


def key(seed: int = 1, signs_from: Instant = LONG_AGO, verifies_until: Instant | None = None) -> SigningKey:
    """Return a signing key; the same seed gives the same key."""
    private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    return SigningKey.of(private, LONG_AGO, signs_from, verifies_until)


KEY: Final = key()
KEYS: Final = KeyRing([KEY])


def mint(
    subject: str,
    role: Role = Role.USER,
    *,
    ttl_s: int = DAY_S,
    age_s: int = 0,
    by: SigningKey = KEY,
    suspended: bool = False,
) -> str:
    """Return a token that was issued `age_s` seconds ago. Some tests make it at collection, long before they run."""
    issued = Instant(now() - age_s * SECOND_US)
    return auth.mint(by, subject, role, now=issued, ttl_s=ttl_s, suspended=suspended)


async def plant_key(database_url: str, secret: str = SECRET) -> None:
    """Put the tests' key into a store, so that an API on it accepts the tests' tokens."""
    store = IdentityStore(database_url)
    async with store.work(now()) as work:
        await work.connection.execute(insert(SIGNING_KEYS).values(key_row(KEY, Seal(secret))))
    await store.close()
