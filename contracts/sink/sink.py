"""Carry mints, experience and sponsored calls of users from the log to the chain, each once, whatever is killed.

A step reads events and writes what follows from them, or sends one transaction. The contracts know which requests they
have carried out, so they are asked before each transaction, and a transaction that is sent again changes nothing.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from contracts.account.account import Account, RevertsError
from contracts.account.gas_balance import GasBalance
from contracts.account.last_transaction import LastTransaction, Stage
from contracts.clients.contract import At, Call
from contracts.clients.genesis_nft import GenesisNFTClient
from contracts.clients.paymaster import PaymasterClient
from contracts.clients.reputation import ReputationClient
from contracts.connector import Connector
from contracts.indexer.addresses import padded
from contracts.indexer.chain_state import BlockRef
from contracts.indexer.errors import NodeError
from contracts.indexer.node import Header, Node
from contracts.sink.calls import Attempt, Calls
from contracts.sink.errors import SinkError
from contracts.sink.people import Contracts, People, ToRecord, request_of
from contracts.sink.reader import EventReader
from contracts.sink.sponsoring import Refusal, Sponsor, ToSend
from contracts.sink.store import Sent, SinkState, SinkStore
from contracts.sink.tracing import CALL, RECORD, SinkSpans
from streams.events import AnyEvent, Event, EventData
from streams.events.chain import NFTMintConfirmed, NFTMintFailed, SponsoredCallReported
from streams.ids import derived_id
from streams.spans import Spans
from streams.times import SECOND_US, Instant

MINTS_AT_ONCE: Final = 10
RECORDS_AT_ONCE: Final = 40
"""The most in one transaction."""

Work = Callable[[SinkState, Header], Awaitable[bool]]

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class SinkCounts:
    """Counts since the start, and what the sink knows.

    Attributes:
        open_mints: Mints that no final block has.
        without_wallet: Those of them whose user has no wallet on this chain.
        users: Users of whom the sink knows something.
        minted: Mints that it has reported as confirmed.
        failed: Mints that it has reported as failed.
        open_calls: Calls of users that no final block has.
        executed: Calls that it has reported as executed.
        refused_calls: Calls that it has reported as refused.
        sent: Transactions that were given to the node.
        reverted: Transactions that were reverted.
        refused: Writes that the log refused because another sink was first.
        worked_s: When log and node were last reached and transactions were taken, by the monotonic clock; -inf for
            never.
    """

    open_mints: int = 0
    without_wallet: int = 0
    users: int = 0
    minted: int = 0
    failed: int = 0
    open_calls: int = 0
    executed: int = 0
    refused_calls: int = 0
    sent: int = 0
    reverted: int = 0
    refused: int = 0
    worked_s: float = -math.inf


class Policy(NamedTuple):
    """The contracts, where tokens have their metadata, and when a transaction is given up.

    Attributes:
        contracts: The chain and the contracts.
        metadata_url: Begins the address of the metadata of each type; empty for tokens without metadata.
        send_again_s: How long a node may take to know a transaction, and the pause after one that was reverted.
        gas_price: Units of the settlement token that the account is paid back for a million Cairo steps.
        final_after: How many blocks later a block is final; 0 if it is when Ethereum has accepted its proof.
    """

    contracts: Contracts
    metadata_url: str
    send_again_s: float
    gas_price: int = 0
    final_after: int = 0


class Sink(Connector):
    """A sink connector from the log to the contracts of users."""

    doing, fatal = "sending", SinkError
    counts: SinkCounts

    def __init__(
        self,
        *,
        store: SinkStore,
        reader: EventReader,
        node: Node,
        account: Account,
        policy: Policy,
        now: Callable[[], Instant],
        spans: Spans | None = None,
    ) -> None:
        self.counts = SinkCounts()
        self.reader = reader
        self._store, self._node, self._account = store, node, account
        self._policy, self._now = policy, now
        self._genesis = GenesisNFTClient(policy.contracts.genesis)
        self._reputation = ReputationClient(policy.contracts.reputation)
        self._paymaster = PaymasterClient(policy.contracts.paymaster)
        self._sponsor = Sponsor(account, self._paymaster, policy.gas_price, policy.final_after)
        self._state: SinkState | None = None
        self._idle_at: BlockRef | None = None  # the newest block when nothing was left to send
        self._spans = SinkSpans(spans)
        self._last = LastTransaction(account)
        self.gas = GasBalance(padded(account.address))
        self._is_stuck = False  # no transaction was executed since one would revert, or was taken by no block
        self._turns: list[Work] = [self._calls, self._mints, self._records]

    async def open(self) -> SinkState:
        """Check that node, contracts and log belong together, and return the state in the log.

        Raises:
            SinkError: they do not.
        """
        chain_id, ours = await self._node.chain_id(), self._policy.contracts
        if chain_id != ours.chain_id:
            raise SinkError(f"the node is of the chain {chain_id}, and the settings name {ours.chain_id}")
        at = At(self._node, (await self._node.head()).ref)
        if await self._paymaster.reputation(at) != ours.reputation:
            raise SinkError(f"the paymaster {ours.paymaster} has another reputation token than {ours.reputation}")
        await self.reader.create()
        sponsor = padded(self._account.address)
        state, calls = await self._store.load(sponsor), Calls(ours.paymaster, sponsor)
        if state is None:
            state = SinkState(People(ours), calls, await self.reader.beginning(), Sent())
        state.places = await self.reader.with_new_partitions(state.places)
        self._state = state
        self._idle_at = None
        return self._state

    async def _step(self) -> bool:
        if self._state is not None and not await self._store.is_current():
            self._forget()  # another sink went on
        state = self._state or await self.open()
        busy = await self._read(state) or await self._send(state)
        self._count(state)
        return busy

    def _forget(self) -> None:
        self._state = None

    def _count(self, state: SinkState) -> None:
        counts, people = self.counts, state.people
        counts.open_mints, counts.users = len(people.mints), len(people.users)
        counts.without_wallet, counts.open_calls = people.without_wallet, len(state.calls.calls)
        if not self._is_stuck:
            counts.worked_s = time.monotonic()

    # --- the log ------------------------------------------------------------------------------------------------------

    async def _read(self, state: SinkState) -> bool:
        events, reached = await self.reader.after(state.places)
        if not reached:
            return False
        state.places |= reached
        made = [each for event in events for each in state.apply(event)]
        await self._write(state, made)
        return True

    async def _write(self, state: SinkState, events: list[AnyEvent]) -> None:
        """Write a state that was changed since the last await. If this fails, the state is read from the log again."""
        self._state, began_ns = None, self._spans.now_ns()
        await self._store.write(state, events, self._now())
        self._state, self._idle_at = state, None
        self._spans.written(events, began_ns)
        for event in events:
            self.counts.minted += isinstance(event.data, NFTMintConfirmed)
            self.counts.failed += isinstance(event.data, NFTMintFailed)
            if isinstance(event.data, SponsoredCallReported):
                self.counts.executed += event.data.outcome == "executed"
                self.counts.refused_calls += event.data.outcome == "refused"

    # --- the chain ----------------------------------------------------------------------------------------------------

    async def _send(self, state: SinkState) -> bool:
        """Send a user's calls, mints, or experience, in turn. Return whether something was sent or given up."""
        head = await self._node.head()
        await self.gas.look(At(self._node, head.ref))
        if head.ref == self._idle_at or await self._is_under_way(state, head):
            return False
        refusal = None
        for prepare in [*self._turns]:
            try:
                busy = await self._in_turn(prepare, state, head)
            except RevertsError as exc:
                refusal, self._is_stuck = exc, True
                continue
            if busy:
                return True
        if refusal:
            raise refusal
        self._idle_at, self._is_stuck = head.ref, False
        return False

    async def _in_turn(self, prepare: Work, state: SinkState, head: Header) -> bool:
        """Do one kind of work. The other kinds go first next time if it did anything, or failed."""
        busy = True
        try:
            busy = await prepare(state, head)
        finally:
            if busy:
                self._turns.remove(prepare)
                self._turns.append(prepare)
        return busy

    async def _calls(self, state: SinkState, head: Header) -> bool:
        now_s, calls = self._now() // SECOND_US, state.calls
        due = [call_id for call_id, _ in calls.to_send(head.time_s, now_s)]
        if not due:
            return False
        moment = await self._sponsor.look(self._node, head, now_s)
        for call_id in due:
            try:
                found = await self._sponsor.prepared(call_id, calls, state.people, moment)
            except NodeError:
                calls.postpone(call_id)
                raise
            if isinstance(found, Refusal):
                data = calls.refuse(call_id, found.reason)
                await self._write(state, [self._report(data, data.user_id, call_id)])
                return True
            if found:
                calls.postpone(call_id)  # if the node refuses its transaction, others go first next time
                return await self._give(state, found.calls, found)
        return False

    async def _mints(self, state: SinkState, head: Header) -> bool:
        at = At(self._node, head.ref)
        calls: list[Call] = []
        requests: list[str] = []
        refused: list[str] = []
        for mint_id, mint, wallet in state.people.to_mint():
            request = request_of(mint_id)
            if await self._genesis.token_of_request(at, request):
                continue  # its fact will come
            if await self._genesis.token_for(at, wallet, mint.type):
                refused.append(mint_id)
            else:
                calls.append(self._genesis.mint(request, wallet, mint.type, mint.rarity, self._metadata_of(mint.type)))
                requests.append(mint.traceparent)
            if max(len(calls), len(refused)) == MINTS_AT_ONCE:
                break
        if refused:
            await self._write(state, [self._failed(state, mint_id) for mint_id in refused])
        return await self._give(state, calls, requests=requests) or bool(refused)

    async def _records(self, state: SinkState, head: Header) -> bool:
        at = At(self._node, head.ref)
        records: list[ToRecord] = []
        for record in state.people.to_record():
            if await self._reputation.experience(at, record.wallet) < record.experience:
                records.append(record)
            if len(records) == RECORDS_AT_ONCE:
                break
        calls = [self._paymaster.record(record.wallet, record.experience) for record in records]
        return await self._give(state, calls, records=records)

    async def _give(
        self,
        state: SinkState,
        calls: list[Call],
        call: ToSend | None = None,
        *,
        requests: Sequence[str] = (),
        records: Sequence[ToRecord] = (),
    ) -> bool:
        """Note the transaction of some calls in the log, then send it. Return whether there were any."""
        if not calls:
            return False
        began_ns, name = self._spans.now_ns(), CALL if call else RECORD
        try:
            nonce = call.nonce if call else await self._account.nonce()
            signed = await self._account.prepare(calls, nonce, call.bounds if call else None)
            state.people.bind(records)
            if call:
                state.calls.note_attempt(call.call_id, Attempt(signed.tx_hash, nonce, call.gas, call.day))
            state.sent = Sent(signed.tx_hash, nonce, int(self._now()), bool(call))
            await self._write(state, [])
            await self._account.send(signed)
            state.calls.note_sent(nonce, signed.tx_hash)  # in the next write
        except NodeError as exc:
            self._spans.failed(requests, began_ns, exc, name)
            raise
        self._spans.sent(requests, signed.tx_hash, began_ns, name)
        self.counts.sent += 1
        logger.info("%d calls are sent as %s", len(calls), signed.tx_hash)
        return True

    async def _is_under_way(self, state: SinkState, head: Header) -> bool:
        """Return whether a transaction may still be executed, or was after the block that the next one is judged by.

        Raises:
            NodeError: no block takes it.
        """
        sent = state.sent
        if not sent.tx_hash:
            return False
        age_s = (self._now() - sent.at) / SECOND_US
        standing = await self._last.standing(sent.tx_hash, sent.nonce, age_s, self._policy.send_again_s)
        self.counts.reverted = self._last.reverted
        if standing.stage in {Stage.LATE, Stage.GAP}:
            self._is_stuck = True
            if standing.is_awaited:
                raise NodeError(f"no block takes the transaction {sent.tx_hash}")
        if standing.stage is Stage.EXECUTED or (standing.stage is Stage.REVERTED and sent.is_of_user):
            self._is_stuck = False  # what a user makes revert holds up nobody else
            return await self._node.nonce(padded(self._account.address), head.ref) <= sent.nonce
        return standing.is_awaited

    def _failed(self, state: SinkState, mint_id: str) -> AnyEvent:
        return self._report(state.people.refuse(mint_id), self._policy.contracts.genesis, mint_id)

    def _report(self, data: EventData, key: str, subject: str) -> AnyEvent:
        now = self._now()
        event_id = derived_id(now.milliseconds(), subject, data.type_name)
        return Event.first(data, event_id=event_id, time=now, key=key, rules_version=None, subject=subject)

    def _metadata_of(self, kind: str) -> str:
        return f"{self._policy.metadata_url}{kind}.json" if self._policy.metadata_url else ""
