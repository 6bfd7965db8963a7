"""The wallets of accounts: find, link and unlink them. A wallet belongs to one account at most.

Each change emits its event and writes an audit entry in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, delete, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from api.identity import audit
from api.identity.accounts import emit
from api.identity.errors import IdentityError
from api.identity.store.tables import CREDENTIALS, WALLETS
from api.identity.wallets.challenges import Wallet
from streams.connect.outbox.unit_of_work import UnitOfWork
from streams.events.user import WalletLinked, WalletUnlinked
from streams.times import Instant

PER_ACCOUNT_MAX: Final = 10


@dataclass(frozen=True, slots=True)
class LinkedWallet:
    """A wallet of an account. With a registered key, the key alone proves it; otherwise the chain is asked."""

    wallet: Wallet
    account_id: str
    public_key: str | None
    linked: Instant


class WalletTakenError(IdentityError):
    """An account has this wallet already."""


class TooManyWalletsError(IdentityError):
    """The account has as many wallets as it may have."""


class UnknownWalletError(IdentityError):
    """The account does not have this wallet."""


class LastCredentialError(IdentityError):
    """The account would have no way to sign in."""


async def find(connection: AsyncConnection, wallet: Wallet) -> LinkedWallet | None:
    """Return a wallet and its account; None when no account has it."""
    row = (await connection.execute(select(WALLETS).where(_is(wallet)))).one_or_none()
    return None if row is None else _linked(row)


async def of_account(connection: AsyncConnection, account_id: str) -> Sequence[LinkedWallet]:
    """Return the wallets of an account, in the order in which they were linked."""
    mine = select(WALLETS).where(WALLETS.c.account_id == account_id)
    rows = await connection.execute(mine.order_by(WALLETS.c.linked_us, WALLETS.c.chain_id, WALLETS.c.address))
    return [_linked(row) for row in rows]


async def link(work: UnitOfWork, account_id: str, wallet: Wallet, public_key: str | None) -> LinkedWallet:
    """Link a wallet that was proven to an account whose row this transaction has locked.

    Raises:
        WalletTakenError: this or another account has it. The transaction must end.
        TooManyWalletsError: the account has too many.
    """
    mine = select(func.count()).select_from(WALLETS).where(WALLETS.c.account_id == account_id)
    if (await work.connection.execute(mine)).scalar_one() >= PER_ACCOUNT_MAX:
        raise TooManyWalletsError(f"an account has at most {PER_ACCOUNT_MAX} wallets; unlink one first")
    row = {**wallet._asdict(), "account_id": account_id, "public_key": public_key, "linked_us": int(work.now)}
    try:
        await work.connection.execute(insert(WALLETS).values(row))
    except IntegrityError as exc:
        raise WalletTakenError("this wallet is linked to an account already") from exc
    emit(work, account_id, WalletLinked(user_id=account_id, **wallet._asdict()))
    detail = {**wallet._asdict(), "public_key": public_key}
    await audit.record(work, actor=account_id, action="wallet.linked", subject=account_id, detail=detail)
    return LinkedWallet(wallet, account_id, public_key, work.now)


async def unlink(work: UnitOfWork, account_id: str, wallet: Wallet) -> None:
    """Unlink a wallet from an account whose row this transaction has locked.

    Raises:
        UnknownWalletError: the account does not have it.
        LastCredentialError: the account has neither a password nor another wallet.
    """
    mine = WALLETS.c.account_id == account_id
    removed = await work.connection.execute(delete(WALLETS).where(mine, _is(wallet)))
    if removed.rowcount != 1:
        raise UnknownWalletError("you have no such wallet")
    others = (
        select(WALLETS.c.address)
        .where(mine)
        .union_all(select(CREDENTIALS.c.account_id).where(CREDENTIALS.c.account_id == account_id))
    )
    if (await work.connection.execute(others.limit(1))).first() is None:
        raise LastCredentialError("this wallet is the only way to sign in to the account; link another wallet first")
    emit(work, account_id, WalletUnlinked(user_id=account_id, **wallet._asdict()))
    detail = wallet._asdict()
    await audit.record(work, actor=account_id, action="wallet.unlinked", subject=account_id, detail=detail)


def _is(wallet: Wallet) -> Any:
    return (WALLETS.c.chain_id == wallet.chain_id) & (WALLETS.c.address == wallet.address)


def _linked(row: Row[Any]) -> LinkedWallet:
    return LinkedWallet(Wallet(row.chain_id, row.address), row.account_id, row.public_key, Instant(row.linked_us))
