"""Sign in with a wallet, and link and unlink wallets. No proof is checked inside of a transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from api.identity import accounts
from api.identity.accounts import Account
from api.identity.back_off import Attempt, count_wallet_attempt, forgive
from api.identity.sessions import Client, SignedIn, end_other_sessions
from api.identity.sign_in import NO_ACCOUNT, SignIn, check_active, check_open, require_confirmed
from api.identity.store.database import IdentityStore
from api.identity.threads import BusyError
from api.identity.wallets import challenges, linked
from api.identity.wallets.challenges import Challenge, Purpose, Wallet
from api.identity.wallets.linked import LinkedWallet, WalletTakenError
from api.identity.wallets.node import NodeUnavailableError
from api.identity.wallets.prover import NotProvenError, Proof, Prover
from streams.connect.outbox.unit_of_work import UnitOfWork
from streams.times import Instant

WALLET: Final = "wallet"
UNLINKED: Final = "wallet-unlinked"


@dataclass(frozen=True, slots=True)
class Proven:
    """A challenge whose proof was right. Use it up with its effect."""

    challenge: Challenge
    attempt: Attempt
    public_key: str | None
    """The key that proved the wallet; None when the chain did."""
    linked: LinkedWallet | None
    """The wallet as it was linked when the proof was checked."""

    def holds_for(self, found: LinkedWallet | None) -> bool:
        """Return whether the proof is as good for the wallet as it is linked now."""
        if found is None:
            return self.linked is None
        return self.public_key is None or self.public_key == found.public_key


@dataclass(frozen=True, slots=True)
class WalletSignIn:
    """Signing in with wallets, and the wallets of accounts."""

    sign_in: SignIn
    prover: Prover
    clock: Callable[[], Instant]

    @property
    def store(self) -> IdentityStore:
        """Return the store of accounts."""
        return self.sign_in.store

    async def challenge(self, purpose: Purpose, wallet: Wallet, account_id: str | None = None) -> Challenge:
        """Issue a challenge. Whether an account has the wallet makes no difference."""
        async with self.store.work(self.clock()) as work:
            return await challenges.issue(work, purpose, wallet, account_id)

    async def login(self, wallet: Wallet, proof: Proof, client: Client) -> tuple[SignedIn, bool]:
        """Open a session of the account that has a wallet. Without one, create an account that has only this wallet.

        Returns:
            The tokens, and whether the account is new.

        Raises:
            NotProvenError: the wallet was not proven.
            ForeignKeyError: the public key is not that of the address.
            NotActiveError: the account may not sign in.
            TooManyAttemptsError: the wallet or the client's address has to wait.
            NodeUnavailableError: the chain cannot be asked.
            BusyError: too many proofs wait.
        """
        proven = await self._prove(Purpose.SIGN_IN, wallet, None, proof, client)
        try:
            return await self._open(proven, client)
        except WalletTakenError:  # another sign-in has just created the account of this wallet
            return await self._open(proven, client)

    async def link(
        self, account_id: str, wallet: Wallet, proof: Proof, password: str | None, client: Client
    ) -> LinkedWallet:
        """Link a wallet to an account. `password` is the account's, if it has one.

        Raises:
            PasswordNeededError: the account has a password, and none was given.
            WrongCredentialsError: the password is wrong.
            UnknownAccountError: there is no such account.
            WalletTakenError: this or another account has the wallet.
            TooManyWalletsError: the account has too many.
            NotProvenError: and the other errors of `login`.
        """
        confirmed = None
        if password is not None:
            confirmed = await self.sign_in.confirm_password(account_id, password, client)
        proven = await self._prove(Purpose.LINK, wallet, account_id, proof, client)
        async with self.store.work(self.clock()) as work:
            await _use(work, proven)
            await _active(work, account_id)
            await require_confirmed(work.connection, account_id, confirmed)
            await forgive(work, proven.attempt)
            return await linked.link(work, account_id, wallet, proven.public_key)

    async def unlink(
        self, account_id: str, wallet: Wallet, proof: Proof, session_id: str | None, client: Client
    ) -> None:
        """Unlink a wallet that proves itself from an account. End all sessions of the account but the one that asks.

        Raises:
            UnknownAccountError: there is no such account.
            UnknownWalletError: the account does not have the wallet.
            LastCredentialError: the account would have no way to sign in.
            NotProvenError: and the other errors of `login`.
        """
        proven = await self._prove(Purpose.UNLINK, wallet, account_id, proof, client)
        async with self.store.work(self.clock()) as work:
            await _use(work, proven)
            await _active(work, account_id)
            await forgive(work, proven.attempt)
            await linked.unlink(work, account_id, wallet)
            await end_other_sessions(work, account_id, session_id, UNLINKED)

    async def unlink_by_password(
        self, account_id: str, wallet: Wallet, password: str, session_id: str | None, client: Client
    ) -> None:
        """Unlink a wallet that its user has lost, or that a thief has. End all sessions but the one that asks.

        Raises:
            WrongCredentialsError: the password is wrong, or the account has none.
            TooManyAttemptsError: the account or the client's address has to wait.
            BusyError: too many passwords wait to be checked.
            UnknownWalletError: the account does not have the wallet.
        """
        async with self.sign_in.confirmed_work(account_id, password, client) as work:
            await linked.unlink(work, account_id, wallet)
            await end_other_sessions(work, account_id, session_id, UNLINKED)

    async def close(self) -> None:
        """Close the connections to the node."""
        await self.prover.close()

    async def _prove(
        self, purpose: Purpose, wallet: Wallet, account_id: str | None, proof: Proof, client: Client
    ) -> Proven:
        async with self.store.work(self.clock()) as work:
            found = await linked.find(work.connection, wallet)
            owner = NO_ACCOUNT if found is None else found.account_id
            attempt = await count_wallet_attempt(work, ":".join(wallet), client.address, account_id=owner)
            challenge = await challenges.find(work.connection, proof.nonce, work.now)
        if challenge is None or not challenge.is_for(purpose, wallet, account_id):
            raise NotProvenError
        try:
            public_key = await self.prover.check(challenge, proof, found)
        except (NodeUnavailableError, BusyError):
            async with self.store.work(self.clock()) as work:
                await forgive(work, attempt)  # it was no guess that failed
            raise
        return Proven(challenge, attempt, public_key, found)

    async def _open(self, proven: Proven, client: Client) -> tuple[SignedIn, bool]:
        wallet = proven.challenge.wallet
        async with self.store.work(self.clock()) as work:
            found = await _use(work, proven)
            if found is None:
                account = await accounts.create_account(work, username=None)
                await linked.link(work, account.id, wallet, proven.public_key)
            else:
                # The lock lets a suspension wait for this session, and then end it.
                account = await accounts.get(work.connection, found.account_id, lock=True)
                check_open(account)
                if await linked.find(work.connection, wallet) != found:
                    raise NotProvenError  # it was unlinked meanwhile
            await forgive(work, proven.attempt)
            return await self.sign_in.sessions.open_session(work, account, WALLET, client), found is None


async def _use(work: UnitOfWork, proven: Proven) -> LinkedWallet | None:
    """Use up the challenge, and return the wallet as it is linked now.

    Of two requests that use a challenge at once, the second one waits here and is refused.
    """
    found = await linked.find(work.connection, proven.challenge.wallet)
    if not await challenges.use(work, proven.challenge) or not proven.holds_for(found):
        raise NotProvenError
    return found


async def _active(work: UnitOfWork, account_id: str) -> Account:
    account = await accounts.get(work.connection, account_id, lock=True)
    check_active(account)
    return account
