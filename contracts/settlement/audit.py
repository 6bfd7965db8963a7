"""Prove from the ledger to the chain that no unit is missing: accrued = swept + held, swept = distributed + held."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from contracts.indexer.chain_state import BlockRef
from contracts.indexer.store import StateStore
from contracts.settlement.batches import State
from contracts.settlement.fee_contracts import FeeContracts
from contracts.settlement.reader import LogReader
from contracts.settlement.reconciliation import (
    Collector,
    Difference,
    LedgerFees,
    Splitter,
    facts_and_contracts,
    held,
    in_the_ledger,
    in_the_log,
    on_the_chain,
)
from streams.units import TOKEN_UNIT

TRIES: Final = 50
"""How often a moment is looked for in which log and ledger do not change while they are read."""

Accrued = Callable[[], Awaitable[LedgerFees]]
"""Returns the fees of the ledger's table at one moment."""


class UnsettledMomentError(Exception):
    """Log or chain changed while they were read. Try again."""


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit found. Amounts by source are in 1e-8 USD, those of contracts in units of the token.

    `sent` are the settled units that the collector sent to this splitter.
    """

    block: BlockRef
    fees: LedgerFees
    held: Mapping[str, int]
    collector: Collector
    splitter: Splitter
    sent: int
    differences: tuple[Difference, ...]

    def lines(self) -> Iterator[str]:
        """Yield the report."""
        collector, splitter = self.collector, self.splitter
        yield f"at block {self.block.number} ({self.block.hash}), in 1e-8 USD"
        unswept = collector.settled - collector.swept
        for name, amount in (
            ("accrued", sum(self.fees.by_source.values())),
            ("  swept to splitters", TOKEN_UNIT * collector.swept),
            ("  held by the collector", TOKEN_UNIT * unswept),
            ("  held in the ledger", sum(self.held.values())),
            ("received by the splitter", TOKEN_UNIT * splitter.received),
            ("  distributed", TOKEN_UNIT * splitter.released),
            ("  held by the splitter", TOKEN_UNIT * splitter.balance),
            ("  not from settled fees", TOKEN_UNIT * (splitter.received - self.sent)),
        ):
            yield f"  {name:<28} {amount:>28}"
        for name, amount in sorted(self.fees.by_beneficiary.items()):
            yield f"  accrued for {name:<16} {amount:>28}"
        for address, found in splitter.beneficiaries.items():
            yield f"  {address}: distributed {TOKEN_UNIT * found.released}, due {TOKEN_UNIT * found.due}"
        for asset, by_source in sorted(self.fees.others.items()):
            accrued = sum(by_source.values())
            yield f"in 1e-8 {asset}: accrued {accrued}, swept 0, held in the ledger {accrued}"
        yield f"{len(self.differences)} differences"


class Auditor:
    """Audits one log and its contracts."""

    def __init__(self, reader: LogReader, contracts: FeeContracts, indexer: StateStore, accrued: Accrued) -> None:
        """Create the auditor.

        Args:
            reader: Reads fees and facts.
            contracts: The contracts.
            indexer: The indexer's state, which says up to which block the log has facts.
            accrued: Reads the ledger.
        """
        self._reader, self._contracts, self._indexer, self._accrued = reader, contracts, indexer, accrued

    async def audit(self, state: State) -> Audited:
        """Compare ledger, log and contracts as of the indexer's cursor.

        Raises:
            UnsettledMomentError: fees came in meanwhile, or the log or the state lacks facts.
            BlockGoneError: the chain replaced the block meanwhile.
            NodeError: the node gives no answer.
            LogError: the log is away.
        """
        fees, unread = await self._ledger(state)
        accrued = fees.by_source
        block = await self._cursor(state)
        _, splitter_address = self._contracts.addresses
        # a fact may be older than a batch that was closed in the meantime; batches only grow
        collector, splitter = await asyncio.gather(
            self._contracts.collector_at(block, sorted({*accrued, *state.confirmed_totals})),
            self._contracts.splitter_at(block, state.distributed.get(splitter_address, {})),
        )
        expected = {source: accrued.get(source, 0) - unread.get(source, 0) for source in {*accrued, *unread}}
        differences = (
            *in_the_ledger(fees),
            *in_the_log(state, {source: amount for source, amount in expected.items() if amount}),
            *on_the_chain(state, collector, splitter),
            *facts_and_contracts(state, collector, splitter),
        )
        kept = held(state, collector.last[0])
        for source, amount in unread.items():
            kept[source] = kept.get(source, 0) + amount
        sent = state.swept.get(splitter.address, 0)
        return Audited(block, fees, kept, collector, splitter, sent, differences)

    async def _ledger(self, state: State) -> tuple[LedgerFees, Mapping[str, int]]:
        """Return the fees of the ledger, and those of them that the state has not read, at one moment."""
        for _ in range(TRIES):
            ends = await self._reader.fee_ends()
            accrued = await self._accrued()
            if ends == await self._reader.fee_ends():  # fees and their totals are written together
                return accrued, await self._reader.fees_until(state.reached, ends)
        raise UnsettledMomentError("fees came in all the time")

    async def _cursor(self, state: State) -> BlockRef:
        """Return the block up to which the state has all facts. The contracts are then asked as of this block."""
        chain = await self._indexer.load()
        if chain is None:
            raise UnsettledMomentError("the indexer has read no block yet")
        if any(each in chain.joining or each not in chain.sequences for each in self._contracts.addresses):
            raise UnsettledMomentError("the indexer has not read all events of the fee contracts yet")
        if not await self._reader.facts_are_read(state):
            raise UnsettledMomentError("there are facts that settlement has not read")
        return chain.cursor
