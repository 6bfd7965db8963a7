"""Sub-accounts: accounts that belong to a user, and act only through API keys that the user makes.

A sub-account has no password and no wallet, so that it cannot sign in. Its keys may trade and read, and nothing else.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from api.auth import Role
from api.identity import account_changes as changes
from api.identity import accounts
from api.identity.accounts import Account, AccountError, Status, StatusError, UnknownAccountError
from api.identity.limits import LATE_COMMIT_US
from api.identity.store.tables import ACCOUNTS
from streams.connect.outbox.unit_of_work import UnitOfWork
from streams.times import Instant

SUB_ACCOUNTS_MAX: Final = 20
"""Sub-accounts of one user that are not closed."""
SUB_ACCOUNTS_EVER_MAX: Final = 100
"""Sub-accounts of one user, closed ones included. The store and each API process keep a closed one for good."""


class TooManySubAccountsError(AccountError):
    """The user has, or has ever had, as many sub-accounts as allowed."""


async def create_sub_account(work: UnitOfWork, parent_id: str, label: str) -> Account:
    """Create a sub-account of a user. It has the user's privacy setting and verification.

    Raises:
        UnknownAccountError: there is no such user.
        StatusError: the user is suspended or closed, or may have no sub-accounts.
        TooManySubAccountsError: the user has, or has ever had, as many as allowed.
    """
    parent = await accounts.get(work.connection, parent_id, lock=True)
    if not parent.active:
        raise StatusError(f"the account is {parent.status}")
    if parent.parent_id is not None or parent.role is not Role.USER:
        raise StatusError("only a user has sub-accounts")
    await _check_number(work.connection, parent_id)
    made = await accounts.create_account(work, username=None, parent_id=parent_id, label=label, actor=parent_id)
    if parent.is_private:
        await changes.set_private(work, made.id, True, actor=parent_id)
    await changes.inherit_verification(work, made, parent)
    return made


async def _check_number(connection: AsyncConnection, parent_id: str) -> None:
    is_open = case((ACCOUNTS.c.status != Status.CLOSED.value, 1))
    counted = select(func.count(), func.count(is_open)).where(ACCOUNTS.c.parent_id == parent_id)
    ever, still_open = (await connection.execute(counted)).one()
    if still_open >= SUB_ACCOUNTS_MAX:
        raise TooManySubAccountsError(f"a user may have {SUB_ACCOUNTS_MAX} sub-accounts; close one that is not used")
    if ever >= SUB_ACCOUNTS_EVER_MAX:
        raise TooManySubAccountsError(
            f"a user may create {SUB_ACCOUNTS_EVER_MAX} sub-accounts in all; closed ones count, too"
        )


async def sub_account_of(connection: AsyncConnection, parent_id: str, account_id: str) -> Account:
    """Return a sub-account of a user.

    Raises:
        UnknownAccountError: the user has no such sub-account.
    """
    found = await accounts.find(connection, account_id)
    if found is None or found.parent_id != parent_id:
        raise UnknownAccountError("you have no such sub-account")
    return found


class Parents:
    """Keep the parents of all sub-accounts in the process's memory. The store is read twice a second.

    So the process knows without a call whether a user may read a sub-account's positions. A parent never changes.
    Memory: two ids for each sub-account.
    """

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}
        self._read_at: Instant | None = None

    def of(self, account_id: str) -> str | None:
        """Return the parent of a sub-account; None for any other account."""
        return self._parents.get(account_id)

    async def read(self, connection: AsyncConnection, now: Instant) -> None:
        """Read the sub-accounts that are new, at first all."""
        query = select(ACCOUNTS.c.id, ACCOUNTS.c.parent_id).where(ACCOUNTS.c.parent_id.is_not(None))
        if self._read_at is not None:
            query = query.where(ACCOUNTS.c.changed_us > self._read_at - LATE_COMMIT_US)
        for account_id, parent_id in (await connection.execute(query)).all():
            self.note(account_id, parent_id)
        self._read_at = now

    def note(self, account_id: str, parent_id: str) -> None:
        """Note a new sub-account."""
        self._parents[account_id] = parent_id
