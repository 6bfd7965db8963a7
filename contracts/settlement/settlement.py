"""Settle the fees of a log on a chain: read facts and fees, close batches, send them, sweep, distribute, and audit.

Each step is at most one write and one transaction. A killed process resumes after its last write; what it may have sent
is found again by the contract's last batch.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from contracts.account.account import Account
from contracts.account.gas_balance import GasBalance
from contracts.account.last_transaction import LastTransaction, Stage
from contracts.clients.contract import At, Call
from contracts.connector import Connector
from contracts.indexer.addresses import padded
from contracts.indexer.chain_state import BlockRef
from contracts.indexer.errors import BlockGoneError, NodeError
from contracts.settlement.audit import Auditor, UnsettledMomentError
from contracts.settlement.batches import Batch, State, next_to_send, sent, step
from contracts.settlement.errors import SettlementError, UnreconciledError
from contracts.settlement.fee_contracts import FeeContracts
from contracts.settlement.reader import LogReader
from contracts.settlement.store import SettlementStore
from contracts.settlement.tracing import BatchSpans
from contracts.settlement.waits import Wait, wait_of
from streams.spans import Spans
from streams.times import Instant

WAITS: Final = {
    Stage.UNKNOWN: Wait.TRANSACTION, Stage.LATE: Wait.TRANSACTION, Stage.GAP: Wait.NONCE, Stage.REVERTED: Wait.REFUSAL,
}  # fmt: skip
"""What settlement waits for while its transaction is not executed."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class SettlementCounts:
    """Counts since the start, and what settlement knows.

    Attributes:
        closed: Number of the last closed batch.
        confirmed: Number of the last confirmed batch.
        open_usd: Fees that are in no batch, in 1e-8 USD.
        unconfirmed: Units of the token in batches that are not confirmed.
        batches_sent: Transactions of batches that were given to the node.
        sweeps_sent: Transactions of sweeps.
        reverted: Transactions that reverted.
        refused: Writes that the log refused because another process was first.
        audits: Audits that found no difference.
        waits: What settlement waits for.
        worked_s: When log and node were last reached, by the monotonic clock; -inf for never.
    """

    closed: int = 0
    confirmed: int = 0
    open_usd: int = 0
    unconfirmed: int = 0
    batches_sent: int = 0
    sweeps_sent: int = 0
    reverted: int = 0
    refused: int = 0
    audits: int = 0
    waits: Wait = Wait.NODE
    worked_s: float = -math.inf


@dataclass(frozen=True, slots=True)
class Policy:
    """When a batch is closed and sent again, and how often log and contracts are compared.

    Attributes:
        chain_id: The id of the chain, such as SN_MAIN.
        amount_max: Units of the token that close a batch; 0 to close it by the day alone.
        audit_every_s: Seconds between audits, which also precede each batch.
        send_again_s: How long a node may take to know a transaction, and the pause after one that was reverted.
    """

    chain_id: str
    amount_max: int
    audit_every_s: float
    send_again_s: float


class Settlement(Connector):
    """A sink connector from the log to the fee contracts."""

    doing, fatal = "settling", SettlementError
    counts: SettlementCounts

    def __init__(
        self,
        *,
        store: SettlementStore,
        reader: LogReader,
        contracts: FeeContracts,
        account: Account,
        auditor: Auditor,
        policy: Policy,
        now: Callable[[], Instant],
        spans: Spans | None = None,
    ) -> None:
        self.counts = SettlementCounts()
        self._store, self._reader, self._contracts = store, reader, contracts
        self._node = contracts.node
        self._account, self._auditor = account, auditor
        self._policy, self._now = policy, now
        self._spans = BatchSpans(spans)
        self._state: State | None = None
        self._sent_s = -math.inf
        self._last = LastTransaction(account)
        self.gas = GasBalance(padded(account.address))
        self._sweep, self._sweep_nonce = "", -1  # the last sweep's transaction
        self._swept_before = 0  # what had been swept before it
        self._wait = Wait.NOTHING
        self._audited_s = -math.inf

    async def open(self) -> State:
        """Check that node, contracts and log belong together, and return the state in the log.

        Raises:
            SettlementError: they do not.
        """
        chain_id = await self._node.chain_id()
        if chain_id != self._policy.chain_id:
            raise SettlementError(f"the node is of the chain {chain_id}, and the settings name {self._policy.chain_id}")
        await self._contracts.check((await self._node.head()).ref)
        await self._reader.create()
        state = await self._store.load()
        self._reach(state)
        return state

    async def _step(self) -> bool:
        state = await self._newest()
        try:
            return await self._advance(state)
        except SettlementError:
            if await self._store.is_current():
                raise
            return True  # another process went on meanwhile, and its state is judged instead

    def _forget(self) -> None:
        self._state = None

    def failed(self, error: Exception) -> None:
        """Note what settlement waits for."""
        self.counts.waits = wait_of(error)

    async def _newest(self) -> State:
        """Return the state in the log, which another process may have written."""
        state = self._state
        if state is None:
            return await self.open()
        if not await self._store.is_current():
            state = await self._store.load()
            self._reach(state)
        return state

    async def _advance(self, state: State) -> bool:
        self._wait = Wait.NOTHING
        busy = await self._read(state) or await self._send(state)
        self.counts.worked_s, self.counts.waits = time.monotonic(), self._wait
        if not busy and time.monotonic() - self._audited_s >= self._policy.audit_every_s:
            await self._agrees(state)
        return busy

    # --- the log ------------------------------------------------------------------------------------------------------

    async def _read(self, state: State) -> bool:
        after = await self._reader.with_facts(state)
        if after == state:
            fees = await self._reader.fees(state.reached)
            after = step(state, fees, await self._reader.today(), self._policy.amount_max, int(self._now()))
        if after == state:
            return False
        await self._write(state, after)
        return True

    async def _write(self, before: State, after: State) -> None:
        began_ns = self._spans.now_ns()
        await self._store.write(before, after, self._now())
        self._spans.written(before, after, began_ns)
        if after.last != before.last:
            batch = after.batches[-1]
            logger.info("batch %d of %d units is closed by its %s", batch.number, batch.amount, batch.reason)
        if after.confirmed != before.confirmed:
            logger.info("batch %d is confirmed", after.confirmed[0])
        self._reach(after)

    def _reach(self, state: State) -> None:
        self._state = state
        counts = self.counts
        counts.closed, counts.confirmed = state.last[0], state.confirmed[0]
        counts.open_usd = sum(state.open.values())
        counts.unconfirmed = sum(batch.amount for batch in state.batches)

    # --- the chain ----------------------------------------------------------------------------------------------------

    async def _send(self, state: State) -> bool:
        """Send the next batch; without one, sweep. Return whether something was sent."""
        head = (await self._node.head()).ref
        await self.gas.look(At(self._node, head))
        batch = next_to_send(state, *await self._contracts.last_batch(head))
        if batch is None:
            return await self._send_sweep(state, head)
        if await self._is_under_way(batch.tx_hash, batch.nonce) or not await self._agrees(state):
            return False
        await self._send_batch(state, batch)
        return True

    async def _is_under_way(self, tx_hash: str, nonce: int) -> bool:
        """Return whether a transaction may still be executed, or was and is not in the block that was read."""
        if not tx_hash:
            return False
        age_s = time.monotonic() - self._sent_s
        standing = await self._last.standing(tx_hash, nonce, age_s, self._policy.send_again_s)
        self.counts.reverted = self._last.reverted
        self._wait = WAITS.get(standing.stage, self._wait)
        return standing.is_awaited

    async def _send_batch(self, state: State, batch: Batch) -> None:
        """Note the transaction in the log, then send it. Nobody else can use its number in between, but to fail."""
        began_ns = self._spans.now_ns()
        try:
            signed = await self._account.prepare(self._contracts.settle(batch), await self._account.nonce())
            await self._write(state, sent(state, batch.number, signed.tx_hash, signed.nonce))
            await self._account.send(signed)
        except NodeError as exc:
            self._spans.failed(batch, began_ns, exc)
            raise
        self._spans.sent(batch, signed.tx_hash, began_ns)
        self._sent_s = time.monotonic()
        self.counts.batches_sent += 1
        logger.info("batch %d is sent as %s", batch.number, signed.tx_hash)

    async def _send_sweep(self, state: State, head: BlockRef) -> bool:
        """Sweep and distribute once confirmed batches have brought more than was swept."""
        if sum(state.confirmed_totals.values()) <= sum(state.swept.values()):
            return False
        collector = await self._contracts.collector_at(head, ())
        if collector.swept >= collector.settled:
            return False
        if collector.swept == self._swept_before and await self._is_under_way(self._sweep, self._sweep_nonce):
            return False
        calls: list[Call] = [self._contracts.sweep(), self._contracts.distribute()]
        signed = await self._account.prepare(calls, await self._account.nonce())
        self._sweep, self._sweep_nonce, self._swept_before = signed.tx_hash, signed.nonce, collector.swept
        await self._account.send(signed)
        self._sent_s = time.monotonic()
        self.counts.sweeps_sent += 1
        logger.info("fees up to batch %d are swept and distributed by %s", collector.last[0], signed.tx_hash)
        return True

    # --- comparing ----------------------------------------------------------------------------------------------------

    async def _agrees(self, state: State) -> bool:
        """Return whether ledger, log and contracts agree; False while they change too often to be compared.

        Raises:
            UnreconciledError: they differ.
        """
        try:
            audited = await self._auditor.audit(state)
        except (UnsettledMomentError, BlockGoneError) as exc:
            logger.debug("the audit waits: %s", exc)
            return False
        if audited.differences:
            raise UnreconciledError(
                "ledger, log and contracts differ, and nothing more is settled: "
                + "; ".join(map(str, audited.differences))
            )
        self._audited_s = time.monotonic()
        self.counts.audits += 1
        return True
