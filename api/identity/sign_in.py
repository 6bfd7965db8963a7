"""Sign in with a password: register, log in, refresh, change the password."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from api.identity import accounts, audit, names
from api.identity.accounts import Account
from api.identity.api_keys.store import revoke_all_keys
from api.identity.back_off import count_address, count_attempt, forgive
from api.identity.password_rules import check_new_password
from api.identity.passwords import Passwords
from api.identity.sessions import Client, Sessions, SignedIn, end_other_sessions
from api.identity.store.database import IdentityStore
from api.identity.store.tables import CREDENTIALS
from streams.connect.outbox.unit_of_work import UnitOfWork
from streams.times import Instant

PASSWORD: Final = "password"  # noqa: S105 - the name of a method
NO_ACCOUNT: Final = ""
ROUNDS_MAX: Final = 3
"""How often a sign-in checks the password again, because its hash was replaced meanwhile."""
WRONG: Final = "the user name or the password is wrong"


class WrongCredentialsError(Exception):
    """The name or the password is wrong; which one is not told. Or a refresh token is not valid."""


class NotActiveError(Exception):
    """The password was right, but the account is suspended or closed."""


class PasswordNeededError(Exception):
    """The account has a password, which the user has to give: a stolen token alone shall not make the change."""

    def __init__(self) -> None:
        super().__init__("this account has a password, which this request must send, too")


@dataclass(frozen=True, slots=True)
class SignIn:
    """What signing in needs. No password is hashed inside of a transaction."""

    store: IdentityStore
    passwords: Passwords
    sessions: Sessions
    clock: Callable[[], Instant]

    async def register(self, username: str, email: str | None, password: str, client: Client) -> SignedIn:
        """Create an account and open its first session.

        Raises:
            WeakPasswordError: the password is refused.
            TooManyAttemptsError: the address has to wait.
            InvalidNameError: the user name or the e-mail address is not accepted.
            TakenError: the user name or the e-mail address is taken.
            BusyError: too many passwords wait to be hashed.
        """
        check_new_password(password, username, email)
        async with self.store.work(self.clock()) as work:
            attempt = await count_address(work, client.address)
        password_hash = await self.passwords.hash(password)
        async with self.store.work(self.clock()) as work:
            account = await accounts.create_account(work, username=username, email=email, password_hash=password_hash)
            await forgive(work, attempt)
            return await self.sessions.open_session(work, account, PASSWORD, client)

    async def login(self, login: str, password: str, client: Client) -> SignedIn:
        """Open a session of the account with this user name or e-mail address.

        Raises:
            WrongCredentialsError: there is no such account, or the password is wrong.
            NotActiveError: the account is closed.
            TooManyAttemptsError: the account or the address has to wait.
            BusyError: too many passwords wait to be checked.
        """
        async with self.store.work(self.clock()) as work:
            account = await accounts.find_by_login(work.connection, login)
            account_id = NO_ACCOUNT if account is None else account.id  # the same statements for an unknown name
            stored = await password_hash_of(work.connection, account_id)
            attempt = await count_attempt(work, names.key(login), client.address, account_id=account_id)
        for _ in range(ROUNDS_MAX):
            replaced = await self._verify(password, stored)
            async with self.store.work(self.clock()) as work:
                # The lock lets a suspension wait for this session, and then end it.
                account = await accounts.find_by_login(work.connection, login, lock=True)
                present = None if account is None else await password_hash_of(work.connection, account.id)
                if account is not None and present == stored:
                    check_open(account)
                    await forgive(work, attempt)
                    if replaced is not None:
                        await set_password_hash(work, account.id, replaced)
                    return await self.sessions.open_session(work, account, PASSWORD, client)
            stored = present  # a parallel sign-in hashed the password again, or it was changed: check it once more
        raise WrongCredentialsError(WRONG)

    async def refresh(self, refresh_token: str, client: Client) -> SignedIn:
        """Use a refresh token.

        Raises:
            WrongCredentialsError: it is not valid, or was used before.
        """
        async with self.store.work(self.clock()) as work:
            signed_in = await self.sessions.refresh(work, refresh_token, client)
        if signed_in is None:
            raise WrongCredentialsError("the refresh token is not valid; sign in again")
        return signed_in

    async def change_password(
        self,
        account_id: str,
        session_id: str | None,
        current: str,
        new: str,
        client: Client,
        *,
        revoke_api_keys: bool = False,
    ) -> None:
        """Change an account's password. End all its sessions but the one that asks.

        `revoke_api_keys` also revokes the API keys of the account and of its sub-accounts.

        Raises:
            WrongCredentialsError: the current password is wrong.
            NotActiveError: the account was suspended or closed.
            WeakPasswordError: the new password is refused.
            TooManyAttemptsError: the account or the address has to wait.
            BusyError: too many passwords wait to be checked.
        """
        async with self.store.work(self.clock()) as work:
            account = await accounts.find(work.connection, account_id)
            stored = await password_hash_of(work.connection, account_id)
            if account is not None:
                check_new_password(new, account.username, account.email)
            attempt = await count_attempt(work, NO_ACCOUNT, client.address, account_id=account_id)
        await self._verify(current, stored)
        password_hash = await self.passwords.hash(new)
        async with self.store.work(self.clock()) as work:
            # The lock lets a sign-in with the old password wait, and then fail.
            account = await accounts.find(work.connection, account_id, lock=True)
            if account is None or await password_hash_of(work.connection, account_id) != stored:
                raise WrongCredentialsError("the password was changed meanwhile")
            check_active(account)
            await set_password_hash(work, account_id, password_hash)
            ended = await end_other_sessions(work, account_id, session_id, "password-change")
            revoked = await _revoke_keys(work, account_id) if revoke_api_keys else 0
            detail = {"sessions_ended": ended, "api_keys_revoked": revoked, "address": client.address}
            await audit.record(work, actor=account_id, action="password.changed", subject=account_id, detail=detail)
            await forgive(work, attempt)

    async def confirm_password(self, account_id: str, password: str, client: Client) -> str:
        """Check the password of a signed-in user before a change for which a token alone is not enough.

        Returns:
            The hash of the password. Compare it in the transaction of the change.

        Raises:
            WrongCredentialsError: the password is wrong, or the account has none.
            TooManyAttemptsError: the account or the address has to wait.
            BusyError: too many passwords wait to be checked.
        """
        async with self.store.work(self.clock()) as work:
            stored = await password_hash_of(work.connection, account_id)
            attempt = await count_attempt(work, NO_ACCOUNT, client.address, account_id=account_id)
        if not (await self.passwords.verify(password, stored)).right or stored is None:
            raise WrongCredentialsError("the password is wrong")
        async with self.store.work(self.clock()) as work:
            await forgive(work, attempt)
        return stored

    @asynccontextmanager
    async def confirmed_work(self, account_id: str, password: str | None, client: Client) -> AsyncIterator[UnitOfWork]:
        """Begin the transaction of a change for which a token alone is not enough. The transaction locks the account.

        Args:
            account_id: The account of the caller.
            password: The account's password; None when the user gave none.
            client: The client, whose wrong passwords are counted.

        Raises:
            PasswordNeededError: the account has a password, and none was given.
            UnknownAccountError: there is no such account.
            NotActiveError: the account is suspended or closed.
            WrongCredentialsError: and the other errors of `confirm_password`.
        """
        confirmed = None if password is None else await self.confirm_password(account_id, password, client)
        async with self.store.work(self.clock()) as work:
            check_active(await accounts.get(work.connection, account_id, lock=True))
            await require_confirmed(work.connection, account_id, confirmed)
            yield work

    async def _verify(self, password: str, stored: str | None) -> str | None:
        """Check a password. Return a hash that shall replace an outdated one, or None."""
        verdict = await self.passwords.verify(password, stored)
        if not verdict.right:
            raise WrongCredentialsError(WRONG)
        return await self.passwords.hash(password) if verdict.outdated else None


def check_open(account: Account) -> None:
    """Refuse an account that may not sign in. A suspended one may: it keeps its reads.

    Raises:
        NotActiveError: it is closed.
    """
    if account.status is accounts.Status.CLOSED:
        raise NotActiveError("this account is closed")


def check_active(account: Account) -> None:
    """Refuse an account that may not act.

    Raises:
        NotActiveError: it is suspended or closed.
    """
    if not account.active:
        raise NotActiveError("this account is suspended or closed")


async def require_confirmed(connection: AsyncConnection, account_id: str, confirmed: str | None) -> None:
    """Refuse a change unless the account's password is the one that was confirmed by its hash.

    Raises:
        PasswordNeededError: the account has a password, and none was confirmed.
        WrongCredentialsError: the password was changed after it was confirmed.
    """
    present = await password_hash_of(connection, account_id)
    if present is not None and confirmed is None:
        raise PasswordNeededError
    if present != confirmed:
        raise WrongCredentialsError("the password was changed meanwhile")


async def _revoke_keys(work: UnitOfWork, account_id: str) -> int:
    """Revoke the keys of a user and of the user's sub-accounts. Return how many there were."""
    children = await accounts.sub_accounts(work.connection, account_id, lock=True)
    ids = [account_id, *(child.id for child in children)]
    return sum([await revoke_all_keys(work, each, "password-change") for each in ids])


async def password_hash_of(connection: AsyncConnection, account_id: str) -> str | None:
    """Return the hash of an account's password; None for an account without one."""
    found = select(CREDENTIALS.c.password_hash).where(CREDENTIALS.c.account_id == account_id)
    return (await connection.execute(found)).scalar_one_or_none()


async def set_password_hash(work: UnitOfWork, account_id: str, password_hash: str) -> None:
    """Replace the hash of an account's password."""
    changed = {"password_hash": password_hash, "changed_us": int(work.now)}
    mine = CREDENTIALS.c.account_id == account_id
    if not (await work.connection.execute(update(CREDENTIALS).where(mine).values(changed))).rowcount:
        await work.connection.execute(insert(CREDENTIALS).values(account_id=account_id, **changed))
