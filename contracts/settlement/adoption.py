"""Take over batches of the contract that the log lacks, after the log was restored to an earlier state. Has no I/O.

The tokens of these batches were paid. The fees in them are either still in the log, and open, or were lost with it.
Both ways the paid amounts leave the open fees, source by source. A source may then owe: its next fees pay that first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from contracts.clients.fee_collector import BatchSettled
from contracts.settlement.batches import State, added
from contracts.settlement.errors import SettlementError
from streams.units import TOKEN_UNIT


class ChainBatch(NamedTuple):
    """A batch that the contract has settled for good, with its totals in units of the token."""

    number: int
    hash: str
    totals: Mapping[str, int]


def batches_in(events: Sequence[object]) -> list[ChainBatch]:
    """Return the batches in events of the FeeCollector, in order."""
    return [
        ChainBatch(event.batch, event.hash, {total.source: total.amount for total in event.totals})
        for event in events
        if isinstance(event, BatchSettled)
    ]


class Adopted(NamedTuple):
    """The state afterwards, the batches that were taken over, and the numbers of batches that were opened again."""

    state: State
    foreign: Sequence[ChainBatch]
    opened: Sequence[int]


def adopted(state: State, chain: Sequence[ChainBatch]) -> Adopted:
    """Return the state with all batches of the contract, and no others.

    Args:
        state: The state of the log.
        chain: All batches of the contract, in order; none of them can be replaced any more.

    Raises:
        SettlementError: the contract lacks a confirmed batch, or there is nothing to take over.
    """
    number, confirmed_hash = state.confirmed
    if number and (len(chain) < number or chain[number - 1].hash != confirmed_hash):
        raise SettlementError(f"the contract does not have the confirmed batch {number} with the hash {confirmed_hash}")
    later = dict(zip((batch.number for batch in state.batches), chain[number:], strict=False))
    kept = [batch for batch in state.batches if batch.number in later and later[batch.number].hash == batch.hash]
    foreign = chain[number + len(kept) :]
    if not foreign:
        raise SettlementError("the log has all batches of the contract")
    totals, still_open = state.confirmed_totals, state.open
    for paid in [*(batch.totals for batch in kept), *(batch.totals for batch in foreign)]:
        totals = added(totals, paid)
    opened = state.batches[len(kept) :]
    for batch in opened:
        still_open = added(still_open, {source: TOKEN_UNIT * amount for source, amount in batch.totals.items()})
    for settled in foreign:
        still_open = added(still_open, {source: -TOKEN_UNIT * amount for source, amount in settled.totals.items()})
    last = (chain[-1].number, chain[-1].hash)
    after = replace(state, open=still_open, last=last, confirmed=last, confirmed_totals=totals, batches=())
    return Adopted(after, foreign, [batch.number for batch in opened])
