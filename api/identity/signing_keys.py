"""The signing keys in the store: made, sealed, replaced with an overlap, and loaded into the key ring of a process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Row, delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from api.auth import CLOCK_SKEW_S
from api.identity import audit
from api.identity.errors import KeyChangeError
from api.identity.key_ring import KeyRing, SigningKey
from api.identity.limits import ACCESS_TTL_S_MAX
from api.identity.secret import Seal
from api.identity.store.database import IdentityStore
from api.identity.store.tables import SIGNING_KEYS
from streams.connect.outbox.unit_of_work import UnitOfWork
from streams.times import HOUR_US, SECOND_US, Instant

PUBLISHED_AHEAD_S: Final = 10
"""A new key is published so long before it signs, so that every process and every reader of the JWKS knows it."""
OVERLAP_S: Final = ACCESS_TTL_S_MAX + CLOCK_SKEW_S
"""A replaced key verifies for so long: until the last token that it signed has expired."""

KEPT_US: Final = HOUR_US
"""An expired key is kept for so long, since the clocks of processes differ."""


async def load_keys(connection: AsyncConnection, seal: Seal) -> list[SigningKey]:
    """Return all keys of the store.

    Raises:
        WrongSecretError: another secret sealed them.
    """
    return open_keys(await sealed_keys(connection), seal)


async def sealed_keys(connection: AsyncConnection) -> Sequence[Row[Any]]:
    """Return the rows of all keys, sealed. Equal rows open to equal keys."""
    return (await connection.execute(select(SIGNING_KEYS).order_by(SIGNING_KEYS.c.created_us))).all()


def open_keys(rows: Sequence[Row[Any]], seal: Seal) -> list[SigningKey]:
    """Return the keys of rows.

    Raises:
        WrongSecretError: another secret sealed them.
    """
    return [
        SigningKey.of(
            Ed25519PrivateKey.from_private_bytes(seal.open(row.sealed_key, _name(row.kid))),
            Instant(row.created_us),
            Instant(row.signs_from_us),
            None if row.verifies_until_us is None else Instant(row.verifies_until_us),
        )
        for row in rows
    ]


async def ensure_key(store: IdentityStore, seal: Seal, now: Instant) -> None:
    """Make the first key when the store has none."""
    count = select(func.count()).select_from(SIGNING_KEYS)
    async with store.read() as connection:
        if (await connection.execute(count)).scalar_one():
            return
    async with store.work(now) as work:
        await _lock(work)
        if not (await work.connection.execute(count)).scalar_one():
            await _add(work, seal, signs_from=now)


async def rotate(work: UnitOfWork, seal: Seal, *, at_once: bool = False) -> SigningKey:
    """Add a key that soon replaces all others. They verify until their last tokens have expired."""
    await _lock(work)
    signs_from = work.now if at_once else Instant(work.now + PUBLISHED_AHEAD_S * SECOND_US)
    replaced = (
        update(SIGNING_KEYS)
        .where(SIGNING_KEYS.c.verifies_until_us.is_(None))
        .values(verifies_until_us=signs_from + OVERLAP_S * SECOND_US)
    )
    await work.connection.execute(replaced)
    return await _add(work, seal, signs_from=signs_from)


async def retire(work: UnitOfWork, seal: Seal, kid: str) -> None:
    """Refuse all tokens of a replaced key from now on.

    Raises:
        KeyChangeError: there is no such key, or it still signs.
    """
    await _lock(work)
    ring = KeyRing(await load_keys(work.connection, seal))
    key = ring.verifying(kid, work.now)
    if key is None:
        known = ", ".join(each.kid for each in ring.published(work.now))
        raise KeyChangeError(f"no key {kid!r} verifies tokens; these do: {known}")
    if ring.signing(work.now).kid == kid or key.verifies_until is None:
        raise KeyChangeError(f"the key {kid} signs; run `astratrade keys rotate --at-once` first")
    retired = update(SIGNING_KEYS).where(SIGNING_KEYS.c.kid == kid).values(verifies_until_us=int(work.now))
    await work.connection.execute(retired)
    await audit.record(work, actor=audit.SYSTEM, action="signing-key.retired", subject=kid, detail={})


async def purge_signing_keys(work: UnitOfWork) -> None:
    """Delete the keys that verify nothing any more."""
    expired = SIGNING_KEYS.c.verifies_until_us < work.now - KEPT_US
    await work.connection.execute(delete(SIGNING_KEYS).where(expired))


async def _add(work: UnitOfWork, seal: Seal, *, signs_from: Instant) -> SigningKey:
    key = SigningKey.of(Ed25519PrivateKey.generate(), work.now, signs_from)
    await work.connection.execute(insert(SIGNING_KEYS).values(key_row(key, seal)))
    await audit.record(
        work, actor=audit.SYSTEM, action="signing-key.added", subject=key.kid, detail={"signs_from": signs_from.text()}
    )
    return key


def key_row(key: SigningKey, seal: Seal) -> dict[str, Any]:
    """Return the row of a key, with the private key sealed."""
    return {
        "kid": key.kid,
        "public_key": key.public.public_bytes_raw(),
        "sealed_key": seal.seal(key.private.private_bytes_raw(), _name(key.kid)),
        "created_us": int(key.created),
        "signs_from_us": int(key.signs_from),
        "verifies_until_us": None if key.verifies_until is None else int(key.verifies_until),
    }


async def _lock(work: UnitOfWork) -> None:
    """Let one transaction at a time change the keys. On SQLite there is one writer anyway."""
    if work.connection.dialect.name == "postgresql":
        await work.connection.execute(text("LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE"))


def _name(kid: str) -> str:
    return f"the signing key {kid}"
