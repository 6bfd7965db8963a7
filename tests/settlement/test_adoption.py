"""Batches of the contract that a restored log lacks are taken over, to the unit."""

from __future__ import annotations

import pytest

from contracts.settlement.adoption import ChainBatch, adopted
from contracts.settlement.batches import Batch, State, next_to_send, settled
from contracts.settlement.errors import SettlementError
from streams.units import TOKEN_UNIT
from tests.settlement.test_batches import fact, three_batches

FOREIGN = ChainBatch(2, "0x" + "f" * 64, {"a": 5, "new": 7})


def of_chain(batch: Batch) -> ChainBatch:
    return ChainBatch(batch.number, batch.hash, batch.totals)


def owned(state: State) -> dict[str, int]:
    """Return all fees of a state by source, in 1e-8 USD: confirmed, in batches, and open."""
    sums: dict[str, int] = {}
    for amounts in ({k: TOKEN_UNIT * v for k, v in state.confirmed_totals.items()}, state.open):
        for source, amount in amounts.items():
            sums[source] = sums.get(source, 0) + amount
    for batch in state.batches:
        for source, amount in batch.totals.items():
            sums[source] = sums.get(source, 0) + TOKEN_UNIT * amount
    return {source: amount for source, amount in sums.items() if amount}


def test_batches_of_the_contract_replace_those_of_the_log_to_the_unit() -> None:
    state = three_batches()
    found = adopted(state, [of_chain(state.batches[0]), FOREIGN])
    assert owned(found.state) == owned(state), "accrued = settled + held still holds"
    assert (found.state.last, found.state.confirmed) == ((2, FOREIGN.hash), (2, FOREIGN.hash))
    assert (found.foreign, found.opened) == ([FOREIGN], [2, 3])
    assert found.state.open["new"] == -7 * TOKEN_UNIT, "it owes what the log has lost"
    assert next_to_send(found.state, *found.state.last) is None


def test_facts_of_adopted_batches_change_nothing() -> None:
    state = three_batches()
    first, second = state.batches[:2]
    after = adopted(State(), [of_chain(first), of_chain(second)]).state
    for batch in (first, second):
        for finality in ("accepted", "retracted", "accepted", "final"):  # its block was replaced while nothing settled
            assert settled(after, fact(batch, finality)) == after


def test_what_the_log_has_is_not_taken_over() -> None:
    state = three_batches()
    with pytest.raises(SettlementError, match="has all batches"):
        adopted(state, [of_chain(state.batches[0])])
    first = settled(settled(state, fact(state.batches[0], "accepted")), fact(state.batches[0], "final"))
    for chain in ([], [ChainBatch(1, FOREIGN.hash, {"a": 1}), FOREIGN]):
        with pytest.raises(SettlementError, match="does not have the confirmed batch 1"):
            adopted(first, chain)
