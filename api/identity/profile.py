"""The public profile of an account: whether its owner is private."""

from __future__ import annotations

from sqlalchemy import update

from api.identity import accounts, audit
from api.identity.accounts import Account
from api.identity.store.tables import ACCOUNTS
from streams.connect.outbox.unit_of_work import UnitOfWork
from streams.events.user import ProfileChanged


async def set_private(work: UnitOfWork, account_id: str, *, private: bool, actor: str) -> Account:
    """Take a user off the names of public boards and feeds, or put the user back. Nothing happens without a change.

    Raises:
        UnknownAccountError: there is no such account.
    """
    account = await accounts.get(work.connection, account_id)
    if account.is_private == private:
        return account
    changed = update(ACCOUNTS).where(ACCOUNTS.c.id == account_id)
    await work.connection.execute(changed.values(is_private=private, changed_us=int(work.now)))
    accounts.emit(work, account_id, ProfileChanged(user_id=account_id, private=private, username=account.username))
    detail = {"private": private}
    await audit.record(work, actor=actor, action="profile.privacy", subject=account_id, detail=detail)
    return await accounts.get(work.connection, account_id)
