"""Operators' changes of accounts. The audit log names the user of the operating system who made them."""

from __future__ import annotations

import getpass
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from api.auth import Role
from api.identity import accounts
from api.identity.accounts import Account, UnknownAccountError
from api.identity.audit import OPERATOR
from api.identity.password_rules import WeakPasswordError, check_new_password
from api.identity.passwords import hash_password
from api.identity.store.database import IdentityStore
from api.kit.clock import now
from deploy.admin.database import on_store
from deploy.errors import DeployError
from deploy.settings import Settings
from streams.connect.outbox.unit_of_work import UnitOfWork

ACTOR_CHARS_MAX = 64

Change = Callable[[UnitOfWork, Account], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What `astratrade accounts create` was given."""

    username: str
    account_id: str | None
    email: str | None
    role: Role


def operator() -> str:
    """Return the actor of this process's commands: the name of its user, or the number where the user has no name."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a user of a container is a number, without an entry in the system's list
        name = f"uid-{os.getuid()}"
    return f"{OPERATOR}{name}"[:ACTOR_CHARS_MAX]


def create(settings: Settings, new: NewAccount, password: str | None) -> Account:
    """Create an account. Without a password it signs in by wallet or key only.

    Raises:
        IdentityError: a name is taken or not accepted.
        DeployError: the password is refused.
    """

    async def run(store: IdentityStore) -> Account:
        password_hash = None if password is None else await hash_password(password)
        async with store.work(now()) as work:
            return await accounts.create_account(
                work,
                username=new.username,
                email=new.email,
                password_hash=password_hash,
                role=new.role,
                account_id=new.account_id,
                actor=operator(),
            )

    if password is not None:
        _check(password, new)
    return on_store(settings, run)


def change(settings: Settings, name: str, step: Change) -> Account:
    """Change the account with this id, username or e-mail address. Return it as it is afterwards.

    Raises:
        IdentityError: there is no such account, or the change is refused.
    """

    async def run(store: IdentityStore) -> Account:
        async with store.work(now()) as work:
            account = await named(work.connection, name)
            await step(work, account)
            return await accounts.get(work.connection, account.id)

    return on_store(settings, run)


def show(settings: Settings, name: str) -> tuple[Account, list[Account]]:
    """Return the account with this id, username or e-mail address, and its sub-accounts.

    Raises:
        UnknownAccountError: there is none.
    """

    async def run(store: IdentityStore) -> tuple[Account, list[Account]]:
        async with store.read() as connection:
            account = await named(connection, name)
            return account, list(await accounts.sub_accounts(connection, account.id, with_closed=True))

    return on_store(settings, run)


def listed(settings: Settings, *, after: str, limit: int, role: Role | None) -> list[Account]:
    """Return accounts in the order of their ids, at most `limit`, beginning behind an id."""

    async def run(store: IdentityStore) -> list[Account]:
        async with store.read() as connection:
            return await accounts.page(connection, after=after, limit=limit, role=role)

    return on_store(settings, run)


async def named(connection: AsyncConnection, name: str) -> Account:
    """Return the account with this id, username or e-mail address.

    Raises:
        UnknownAccountError: there is none.
    """
    found = await accounts.find(connection, name) or await accounts.find_by_login(connection, name)
    if found is None:
        raise UnknownAccountError(f"there is no account {name[:80]!r}")
    return found


def _check(password: str, new: NewAccount) -> None:
    try:
        check_new_password(password, new.username, new.email)
    except WeakPasswordError as exc:
        raise DeployError(f"the password is refused: {exc}") from exc
