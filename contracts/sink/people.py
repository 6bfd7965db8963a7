"""What the sink knows of users: their wallets, their experience and their mints, and how events change that. No I/O.

Events of different topics come in any order, so nothing here depends on it: a mint waits for a wallet, a wallet for a
mint, and a token for its request. The chain's facts say what has arrived: an accepted one adds, a retracted one takes
away.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from msgspec.structs import replace

from contracts.indexer.addresses import padded
from streams.events import AnyEvent, Event, EventData
from streams.events.chain import AchievementMinted, NFTMintConfirmed, NFTMintFailed, ReputationRaised
from streams.events.gamification import LevelUp, XPGained
from streams.events.nft import GenesisType, MintRequested, Rarity
from streams.events.user import AccountClosed, AccountReinstated, AccountSuspended, WalletLinked, WalletUnlinked
from streams.trace_context import is_sampled
from streams.wire import decoder

REQUEST_BYTES: Final = 31
"""So many bytes always fit into a number of Starknet."""
USER_PREFIX, MINT_PREFIX, WALLET_PREFIX, TOKEN_PREFIX = "user-", "mint-", "wallet-", "token-"


class Person(msgspec.Struct, frozen=True):
    """A user.

    Attributes:
        wallets: The linked wallets on this chain, in the order in which they were linked.
        experience: All XP that the user has gained.
        due: The XP when the user last reached a level; 0 before the first one.
        bound: The wallet that carries the user's reputation; empty before the first record.
        suspended: Whether the account is suspended.
    """

    wallets: tuple[str, ...] = ()
    experience: int = 0
    due: int = 0
    bound: str = ""
    suspended: bool = False


class Mint(msgspec.Struct, frozen=True):
    """A mint that is not final.

    Attributes:
        user_id: Who asked for it.
        type: The type that was asked for.
        rarity: The rarity that the request has.
        token_id: The token that the chain has made for it; 0 for none.
        traceparent: The trace context of the request, if its trace is sampled.
    """

    user_id: str
    type: GenesisType
    rarity: Rarity
    token_id: int = 0
    traceparent: str = ""


class Token(msgspec.Struct, frozen=True):
    """A token whose request was not read yet. `tx_hash` is empty until its block is final."""

    token_id: int
    tx_hash: str = ""


class ToMint(NamedTuple):
    """A mint that can be sent, and the wallet that it is for."""

    mint_id: str
    mint: Mint
    wallet: str


class ToRecord(NamedTuple):
    """Experience that can be recorded for a wallet."""

    user_id: str
    wallet: str
    experience: int


class Contracts(NamedTuple):
    """The chain and the contracts whose facts count."""

    chain_id: str
    genesis: str
    reputation: str
    paymaster: str


def request_of(request_id: str) -> str:
    """Return the number by which the contracts know a request, as `0x` and 64 digits."""
    return padded(int.from_bytes(hashlib.sha256(request_id.encode()).digest()[:REQUEST_BYTES], "big"))


class People:
    """All users and open mints of one log. `changed` has the keys of the rows that the next write has to have."""

    def __init__(self, contracts: Contracts, rows: Mapping[str, bytes] | None = None) -> None:
        """Create them from the rows of the log.

        `recorded` has the totals of XP that the chain has for a wallet, `tokens` those of requests that were not read.
        """
        self.users: dict[str, Person] = {}
        self.mints: dict[str, Mint] = {}
        self.recorded: dict[str, tuple[int, ...]] = {}
        self.tokens: dict[str, Token] = {}
        self.changed: set[str] = set()
        self._contracts = contracts
        for key, value in sorted((rows or {}).items()):  # ids of mints begin with their time
            self._read(key, value)
        self._requests = {request_of(mint_id): mint_id for mint_id in self.mints}
        self._bound = {user.bound: user_id for user_id, user in self.users.items() if user.bound}
        self._rules: Mapping[type[EventData], Callable[[Any], list[AnyEvent] | None]] = {
            MintRequested: self._requested,
            WalletLinked: self._linked,
            WalletUnlinked: self._unlinked,
            AccountClosed: self._closed,
            AccountSuspended: self._suspended,
            AccountReinstated: self._suspended,
            XPGained: self._gained,
            LevelUp: self._risen,
            AchievementMinted: self._minted,
            ReputationRaised: self._raised,
        }

    def _read(self, key: str, value: bytes) -> None:
        if key.startswith(USER_PREFIX):
            self.users[key.removeprefix(USER_PREFIX)] = _people.decode(value)
        elif key.startswith(WALLET_PREFIX):
            self.recorded[key.removeprefix(WALLET_PREFIX)] = _totals.decode(value)
        elif key.startswith(TOKEN_PREFIX):
            self.tokens[key.removeprefix(TOKEN_PREFIX)] = _tokens.decode(value)
        else:
            self.mints[key.removeprefix(MINT_PREFIX)] = _mints.decode(value)

    def apply(self, event: AnyEvent) -> list[AnyEvent]:
        """Update the state by an event, and return the events that follow from it."""
        rule = self._rules.get(type(event.data))
        return (rule(event) if rule else None) or []

    # --- what is to be done -------------------------------------------------------------------------------------------

    def to_mint(self) -> Iterator[ToMint]:
        """Yield the mints that the chain lacks and whose users have a wallet, the oldest request first."""
        for mint_id, mint in self.mints.items():
            wallets = self._user(mint.user_id).wallets
            if not mint.token_id and wallets:
                yield ToMint(mint_id, mint, wallets[0])

    def to_record(self) -> Iterator[ToRecord]:
        """Yield the experience that the chain lacks, once for each wallet.

        Two users have one wallet while its unlinking, in another partition, was not read yet.
        """
        taken: set[str] = set()
        for user_id in self.users:
            record = self.record_of(user_id)
            if record and record.wallet not in taken:
                taken.add(record.wallet)
                yield record

    def record_of(self, user_id: str) -> ToRecord | None:
        """Return the experience of a user that the chain lacks; None when it lacks none, or there is no wallet."""
        user = self._user(user_id)
        wallet = self._reputation_wallet(user_id, user)
        if wallet and user.due > max(self.recorded.get(wallet, ()), default=0):
            return ToRecord(user_id, wallet, user.due)
        return None

    def why_not_sponsored(self, user_id: str, account: str) -> str:
        """Return why calls of an account may not be sent for a user; empty if they may."""
        user = self._user(user_id)
        if user.suspended:
            return "account_suspended"
        if account not in user.wallets:
            return "wallet_not_linked"
        return "" if self._bound.get(account, user_id) == user_id else "no_allowance"  # it carries another's reputation

    @property
    def without_wallet(self) -> int:
        """Return the number of mints that wait until their user links a wallet."""
        return sum(not self._user(mint.user_id).wallets for mint in self.mints.values())

    def bind(self, records: Sequence[ToRecord]) -> None:
        """Note which wallets carry the reputation of their users from now on."""
        for record in records:
            if not self._user(record.user_id).bound:
                self._bound[record.wallet] = record.user_id
                self._put_user(record.user_id, bound=record.wallet)

    def refuse(self, mint_id: str) -> NFTMintFailed:
        """Give up a mint whose wallet has a token of this type already. Return the report for the user."""
        mint = self.mints[mint_id]
        self._end(mint_id)
        return NFTMintFailed(mint_id=mint_id, user_id=mint.user_id, reason="already_minted")

    def row(self, key: str) -> bytes | None:
        """Return the row of a key; None when it is to be removed."""
        if key.startswith(USER_PREFIX):
            return msgspec.json.encode(self.users[key.removeprefix(USER_PREFIX)])
        if key.startswith(WALLET_PREFIX):
            return msgspec.json.encode(self.recorded[key.removeprefix(WALLET_PREFIX)])
        if key.startswith(TOKEN_PREFIX):
            row: Token | Mint | None = self.tokens.get(key.removeprefix(TOKEN_PREFIX))
        else:
            row = self.mints.get(key.removeprefix(MINT_PREFIX))
        return None if row is None else msgspec.json.encode(row)

    # --- users --------------------------------------------------------------------------------------------------------

    def _linked(self, event: Event[WalletLinked]) -> None:
        data = event.data
        wallets = self._user(data.user_id).wallets
        if data.chain_id == self._contracts.chain_id and data.address not in wallets:
            self._put_user(data.user_id, wallets=(*wallets, data.address))

    def _unlinked(self, event: Event[WalletUnlinked]) -> None:
        data = event.data
        wallets = self._user(data.user_id).wallets
        if data.chain_id == self._contracts.chain_id and data.address in wallets:
            self._put_user(data.user_id, wallets=tuple(each for each in wallets if each != data.address))

    def _closed(self, event: Event[AccountClosed]) -> None:
        if event.partitionkey in self.users:
            self._put_user(event.partitionkey, wallets=())

    def _suspended(self, event: Event[AccountSuspended] | Event[AccountReinstated]) -> None:
        self._put_user(event.partitionkey, suspended=isinstance(event.data, AccountSuspended))

    def _gained(self, event: Event[XPGained]) -> None:
        user = self._user(event.partitionkey)
        if event.data.total_xp > user.experience:
            self._put_user(event.partitionkey, experience=event.data.total_xp)

    def _risen(self, event: Event[LevelUp]) -> None:
        self._put_user(event.partitionkey, due=self._user(event.partitionkey).experience)

    def _reputation_wallet(self, user_id: str, user: Person) -> str:
        """Return the wallet that carries a user's reputation: the first one, for good, that is nobody else's."""
        if user.bound:
            return user.bound if user.bound in user.wallets else ""
        return next((each for each in user.wallets if self._bound.get(each, user_id) == user_id), "")

    def _raised(self, event: Event[ReputationRaised]) -> None:
        """Note a total of a wallet. Totals below a final one can no longer matter."""
        data = event.data
        if data.contract != self._contracts.reputation:
            return
        totals = {*self.recorded.get(data.account, ())} - {data.experience}
        if data.finality == "final":
            totals = {total for total in totals if total > data.experience}
        if data.finality != "retracted":
            totals.add(data.experience)
        self.recorded[data.account] = tuple(sorted(totals))
        self.changed.add(f"{WALLET_PREFIX}{data.account}")

    # --- mints --------------------------------------------------------------------------------------------------------

    def _requested(self, event: Event[MintRequested]) -> list[AnyEvent]:
        data = event.data
        if data.mint_id in self.mints:
            return []
        request = request_of(data.mint_id)
        token = self.tokens.get(request, NO_TOKEN)
        self._requests[request] = data.mint_id
        traceparent = (event.traceparent or "") if is_sampled(event.traceparent) else ""
        self._put_mint(data.mint_id, Mint(event.partitionkey, data.type, data.rarity, token.token_id, traceparent))
        self._put_token(request, NO_TOKEN)
        return [self._confirmed(event, data.mint_id, token)] if token.tx_hash else []

    def _minted(self, event: Event[AchievementMinted]) -> list[AnyEvent]:
        data = event.data
        if data.contract != self._contracts.genesis:
            return []
        token = Token(data.token_id, data.tx_hash if data.finality == "final" else "")
        token = NO_TOKEN if data.finality == "retracted" else token
        mint_id = self._requests.get(data.request)
        if mint_id is None:
            self._put_token(data.request, token)
            return []
        self._put_mint(mint_id, replace(self.mints[mint_id], token_id=token.token_id))
        return [self._confirmed(event, mint_id, token)] if token.tx_hash else []

    def _confirmed(self, event: AnyEvent, mint_id: str, token: Token) -> AnyEvent:
        """End a mint whose token is final. Return the report, which follows the later one of request and fact."""
        confirmed = NFTMintConfirmed(
            mint_id=mint_id,
            user_id=self.mints[mint_id].user_id,
            token_id=str(token.token_id),
            tx_hash=token.tx_hash,
            finality="final",
        )
        self._end(mint_id)
        return event.then(confirmed, subject=mint_id, key=self._contracts.genesis)

    def _end(self, mint_id: str) -> None:
        del self.mints[mint_id]
        del self._requests[request_of(mint_id)]
        self.changed.add(f"{MINT_PREFIX}{mint_id}")

    # --- rows ---------------------------------------------------------------------------------------------------------

    def _user(self, user_id: str) -> Person:
        return self.users.get(user_id) or NOBODY

    def _put_user(self, user_id: str, **changes: Any) -> None:
        self.users[user_id] = replace(self._user(user_id), **changes)
        self.changed.add(f"{USER_PREFIX}{user_id}")

    def _put_mint(self, mint_id: str, mint: Mint) -> None:
        self.mints[mint_id] = mint
        self.changed.add(f"{MINT_PREFIX}{mint_id}")

    def _put_token(self, request: str, token: Token) -> None:
        """Keep the token of a request that was not read yet; NO_TOKEN to keep none."""
        if self.tokens.get(request, NO_TOKEN) == token:
            return
        self.tokens[request] = token
        if token == NO_TOKEN:
            del self.tokens[request]
        self.changed.add(f"{TOKEN_PREFIX}{request}")


NOBODY: Final = Person()
NO_TOKEN: Final = Token(0)
_people = decoder(Person)
_mints = decoder(Mint)
_tokens = decoder(Token)
_totals: msgspec.json.Decoder[tuple[int, ...]] = msgspec.json.Decoder(tuple[int, ...])
