"""API keys that operators make, list and revoke: for venues, services and bots."""

from __future__ import annotations

from api.identity.api_keys.networks import network
from api.identity.api_keys.store import ApiKey, CreatedKey, NewKey, create_key, keys_of, revoke_key
from api.identity.store.database import IdentityStore
from api.kit.clock import now
from api.permissions import Scope
from deploy.admin.accounts import named, operator
from deploy.admin.database import on_store
from deploy.errors import DeployError
from deploy.settings import Settings


def create(
    settings: Settings, account: str, *, name: str, scopes: tuple[str, ...], days: int, addresses: tuple[str, ...]
) -> CreatedKey:
    """Create a key of the account with this id, username or e-mail address.

    Raises:
        IdentityError: there is no such account, or the key is refused.
        DeployError: a scope or an address is none.
    """
    try:
        asked_for = frozenset(Scope(scope) for scope in scopes)
        allowed_from = tuple(network(address) for address in addresses)
    except ValueError as exc:
        raise DeployError(str(exc)) from exc
    new = NewKey(name=name, scopes=asked_for, days=days, addresses=allowed_from)

    async def run(store: IdentityStore) -> CreatedKey:
        async with store.work(now()) as work:
            owner = await named(work.connection, account)
            return await create_key(work, owner.id, new, actor=operator())

    return on_store(settings, run)


def listed(settings: Settings, account: str) -> list[ApiKey]:
    """Return the keys of an account that were not revoked.

    Raises:
        UnknownAccountError: there is no such account.
    """

    async def run(store: IdentityStore) -> list[ApiKey]:
        async with store.read() as connection:
            return await keys_of(connection, (await named(connection, account)).id)

    return on_store(settings, run)


def revoke(settings: Settings, account: str, key_id: str) -> None:
    """Revoke a key of an account.

    Raises:
        UnknownAccountError: there is no such account.
        DeployError: it has no such key.
    """

    async def run(store: IdentityStore) -> bool:
        async with store.work(now()) as work:
            owner = await named(work.connection, account)
            return await revoke_key(work, owner.id, key_id, actor=operator())

    if not on_store(settings, run):
        raise DeployError(f"the account {account!r} has no API key {key_id[:64]!r} that is not revoked")
