"""The signing keys of an installation: list, rotate and retire them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from api.identity import signing_keys
from api.identity.key_ring import KeyRing, SigningKey
from api.identity.signing_keys import load_keys
from api.kit.clock import now
from deploy.admin.identity import opened_identity
from deploy.settings import Settings
from streams.times import Instant


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A signing key and what it does now: published, signing, verifying, or expired."""

    kid: str
    state: str
    created: Instant
    signs_from: Instant
    verifies_until: Instant | None


async def list_keys(settings: Settings) -> Sequence[ListedKey]:
    """Return all keys, the oldest first."""
    async with opened_identity(settings) as (store, seal), store.read() as connection:
        keys = await load_keys(connection, seal)
    signing = KeyRing(keys).signing(now()).kid
    return [
        ListedKey(key.kid, _state(key, signing, now()), key.created, key.signs_from, key.verifies_until) for key in keys
    ]


async def rotate(settings: Settings, *, at_once: bool) -> SigningKey:
    """Add a key that replaces the others, at once or after it was published for a while."""
    async with opened_identity(settings) as (store, seal), store.work(now()) as work:
        return await signing_keys.rotate(work, seal, at_once=at_once)


async def retire(settings: Settings, kid: str) -> None:
    """Refuse all tokens of a replaced key from now on.

    Raises:
        KeyChangeError: there is no such key, or it still signs.
    """
    async with opened_identity(settings) as (store, seal), store.work(now()) as work:
        await signing_keys.retire(work, seal, kid)


def _state(key: SigningKey, signing: str, at: Instant) -> str:
    if not key.verifies(at):
        return "expired"
    if key.kid == signing:
        return "signing"
    return "published" if key.signs_from > at else "verifying"
