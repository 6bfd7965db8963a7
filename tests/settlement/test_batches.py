"""Fees become batches: each fee once, whole units, remainders carried, linked by hash."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from contracts.indexer.addresses import padded
from contracts.settlement.batches import (
    NO_HASH,
    SOURCES_MAX,
    Batch,
    Fee,
    State,
    next_to_send,
    sent,
    settled,
    step,
)
from contracts.settlement.errors import ForeignBatchError, GapError, UnnamableSourceError
from contracts.settlement.hashing import batch_hash, source_felt
from contracts.settlement.reconciliation import held, in_the_log
from streams.events.chain import BatchSettled, FactFinality, SourceTotal
from streams.units import TOKEN_UNIT, TokenUnits

STEPS_MAX = 500
SOURCES = ("trading", "nft_marketplace", "a")
FEES = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 3), st.sampled_from(SOURCES), st.integers(-150, 5_000)), max_size=40
)


def fees_of(drawn: list[tuple[int, int, str, int]]) -> list[Fee]:
    """Number the records of each partition."""
    ends: Counter[int] = Counter()
    found: list[Fee] = []
    for partition, day, source, amount in drawn:
        found.append(Fee(partition, ends[partition], day, source, amount, f"{len(found)}".encode()))
        ends[partition] += 1
    return found


def unread(state: State, fees: list[Fee]) -> list[Fee]:
    """Return what the next fetch finds."""
    return [
        fee for fee in fees if fee.partition not in state.reached or fee.offset >= state.reached[fee.partition].offset
    ]


def one_by_one(fees: list[Fee], today: int, amount_max: int = 0, sizes: list[int] | None = None) -> State:
    """Take all fees, portion by portion."""
    state = State()
    for turn in range(STEPS_MAX):
        size = sizes[turn % len(sizes)] if sizes else 3
        after = step(state, unread(state, fees)[:size], today, amount_max, now_us=turn)
        if after == state:
            return state
        state = after
    raise AssertionError("the fold does not come to an end")


def sums(fees: list[Fee]) -> dict[str, int]:
    found: defaultdict[str, int] = defaultdict(int)
    for fee in fees:
        found[fee.source] += fee.amount
    return dict(found)


@given(FEES, st.integers(0, 9), st.sampled_from([0, 30, 100]), st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_each_fee_is_in_one_batch(
    drawn: list[tuple[int, int, str, int]], today: int, amount_max: int, sizes: list[int]
) -> None:
    fees = fees_of(drawn)
    state = one_by_one(fees, today, amount_max, sizes)
    assert not unread(state, fees), "all fees are taken"
    batched: defaultdict[str, int] = defaultdict(int)
    for batch in state.batches:
        for source, amount in batch.totals.items():
            assert amount > 0
            batched[source] += amount * TOKEN_UNIT
    for source, amount in sums(fees).items():
        assert batched[source] + state.open.get(source, 0) == amount
    assert list(in_the_log(state, sums(fees))) == []


@given(FEES, st.integers(0, 9), st.sampled_from([0, 30]))
def test_batches_are_numbered_and_linked(drawn: list[tuple[int, int, str, int]], today: int, amount_max: int) -> None:
    state = one_by_one(fees_of(drawn), today, amount_max)
    assert [batch.number for batch in state.batches] == list(range(1, len(state.batches) + 1))
    assert all(after.previous_hash == before.hash for before, after in pairwise(state.batches))
    for batch in state.batches:
        assert batch.hash == batch_hash(batch.number, batch.previous_hash, batch.details, batch.totals)
        assert [*batch.totals] == sorted(batch.totals, key=source_felt), "the contract wants this order"
    if state.batches:
        assert state.batches[0].previous_hash == NO_HASH
        assert state.last == (state.batches[-1].number, state.batches[-1].hash)


@given(FEES, st.integers(4, 9))
def test_once_all_days_are_over_only_remainders_are_open(drawn: list[tuple[int, int, str, int]], today: int) -> None:
    state = one_by_one(fees_of(drawn), today)
    assert all(amount < TOKEN_UNIT for amount in state.open.values())


def test_a_batch_has_the_fees_of_its_day() -> None:
    fees = fees_of([(0, 5, "a", 250), (0, 6, "a", 1_000), (1, 5, "a", 1), (1, 6, "a", 0)])
    state = step(State(), fees, 5, 0, 0)
    assert (state.open, state.batches) == ({"a": 251}, ())
    state = step(state, unread(state, fees), 5, 0, 7)
    [batch] = state.batches
    assert (batch.totals, batch.reason, batch.closed_us) == ({"a": 2}, "day", 7)
    assert state.open == {"a": 51}
    state = step(state, unread(state, fees), 6, 0, 8)
    assert state.open == {"a": 1_051}, "the remainder is carried"
    state = step(state, [], 7, 0, 9)
    assert state.batches[1].totals == {"a": 10}
    assert state.open == {"a": 51}


def test_an_amount_closes_a_batch_before_its_day_is_over() -> None:
    fees = fees_of([(0, 5, "a", 250), (0, 5, "a", 250)])
    state = step(State(), fees[:1], 5, 5, 0)
    assert not state.batches
    state = step(state, fees[1:], 5, 5, 0)
    assert [(batch.totals, batch.reason) for batch in state.batches] == [({"a": 5}, "amount")]


def test_a_late_fee_is_in_the_next_batch() -> None:
    state = step(step(State(), fees_of([(0, 5, "a", 100)]), 5, 0, 0), [], 6, 0, 0)
    assert len(state.batches) == 1
    state = step(state, [Fee(0, 1, 4, "a", 300, b"")], 6, 0, 0)
    assert step(state, [], 6, 0, 0).batches[1].totals == {"a": 3}


def test_a_day_without_a_whole_unit_makes_no_batch() -> None:
    state = step(step(State(), fees_of([(0, 5, "a", 99)]), 5, 0, 0), [], 6, 0, 0)
    assert (state.batches, state.open) == ((), {"a": 99})
    assert step(state, [], 9, 0, 0) == state


def test_more_sources_than_a_batch_takes_are_in_two() -> None:
    state = step(State(), fees_of([(0, 5, f"s{i:02}", 100 + 100 * i) for i in range(40)]), 5, 0, 0)
    state = step(step(state, [], 6, 0, 0), [], 6, 0, 0)
    assert [len(batch.totals) for batch in state.batches] == [SOURCES_MAX, 8]
    assert "s39" in state.batches[0].totals, "the largest go first"


def test_a_lost_fee_stops_settlement() -> None:
    with pytest.raises(GapError, match="offset 2, and 1 was"):
        step(State(), [Fee(0, 0, 5, "a", 1, b""), Fee(0, 2, 5, "a", 1, b"")], 5, 0, 0)


def test_a_batch_names_its_fees() -> None:
    one, other = ([Fee(0, 0, 5, "a", 100, content)] for content in (b"one", b"other"))
    first, second = (step(step(State(), fees, 5, 0, 0), [], 6, 0, 0).batches[0] for fees in (one, other))
    assert first.totals == second.totals
    assert first.hash != second.hash


def test_a_source_that_is_no_short_string_is_refused() -> None:
    state = step(State(), [Fee(0, 0, 5, "x" * 32, 100, b"")], 5, 0, 0)
    with pytest.raises(UnnamableSourceError):
        step(state, [], 6, 0, 0)


# --- what happens to a batch ------------------------------------------------------------------------------------------


def fact(batch: Batch, finality: FactFinality) -> BatchSettled:
    totals = tuple(SourceTotal(source=source, amount=TokenUnits(amount)) for source, amount in batch.totals.items())
    return BatchSettled(
        fact_id="f", finality=finality, chain_id="SN_MAIN", contract=padded(2), block_number=1, block_hash=padded(1),
        tx_hash=padded(1), event_index=0, sequence=1, batch=batch.number, previous_hash=batch.previous_hash,
        hash=batch.hash, details=batch.details, amount=TokenUnits(batch.amount), totals=totals,
    )  # fmt: skip


def three_batches() -> State:
    state = one_by_one(fees_of([(0, day, "a", 1_000 + day) for day in range(3)]), 9)
    assert len(state.batches) == 3
    return state


def test_the_next_batch_of_the_contract_is_sent() -> None:
    state = three_batches()
    first, second, third = state.batches
    assert next_to_send(state, 0, NO_HASH) is first
    assert next_to_send(state, 1, first.hash) is second
    assert next_to_send(state, 3, third.hash) is None


def test_a_batch_of_the_contract_that_the_log_lacks_stops_settlement() -> None:
    state = three_batches()
    for last, last_hash in ((1, padded(7)), (4, padded(7)), (0, padded(7))):
        with pytest.raises(ForeignBatchError):
            next_to_send(state, last, last_hash)
    with pytest.raises(ForeignBatchError):
        settled(State(), fact(state.batches[0], "accepted"))


def test_a_node_that_is_behind_is_sent_nothing() -> None:
    state = three_batches()
    state = settled(settled(state, fact(state.batches[0], "accepted")), fact(state.batches[0], "final"))
    assert next_to_send(state, 0, NO_HASH) is None
    assert next_to_send(state, 1, state.confirmed[1]) is state.batches[0]


def test_a_batch_is_confirmed_by_a_final_fact_alone() -> None:
    state = three_batches()
    first = state.batches[0]
    state = sent(state, 1, padded(9), 4)
    assert (state.batches[0].status, state.batches[0].nonce) == ("sent", 4)
    state = settled(state, fact(first, "accepted"))
    assert state.batches[0].status == "settled"
    state = settled(state, fact(first, "retracted"))
    assert state.batches[0].status == "closed"
    state = settled(state, fact(first, "accepted"))
    state = settled(state, fact(first, "final"))
    assert (state.confirmed, [batch.number for batch in state.batches]) == ((1, first.hash), [2, 3])
    assert state.confirmed_totals == first.totals


def test_a_batch_that_was_sent_again_before_its_retraction_stays_sent() -> None:
    state = three_batches()
    first = state.batches[0]
    state = sent(settled(state, fact(first, "accepted")), 1, padded(9), 5)
    assert settled(state, fact(first, "retracted")).batches[0].status == "sent"


@given(st.lists(st.sampled_from(["accepted", "retracted", "final"]), max_size=12))
def test_what_is_held_and_what_is_confirmed_add_up(finalities: list[FactFinality]) -> None:
    fees = fees_of([(0, day, "a", 1_000 + day) for day in range(3)])
    state = one_by_one(fees, 9)
    for finality in finalities:
        if not state.batches:
            break
        state = settled(state, fact(state.batches[0], finality))
        confirmed = TOKEN_UNIT * sum(state.confirmed_totals.values())
        assert confirmed + sum(held(state, state.confirmed[0]).values()) == sum(fee.amount for fee in fees)
        assert list(in_the_log(state, sums(fees))) == []


def test_a_missing_fee_is_a_difference() -> None:
    state = one_by_one(fees_of([(0, 1, "a", 1_000)]), 9)
    [difference] = in_the_log(state, {"a": 1_001})
    assert str(difference) == "accrued = settled + held (1e-8 USD): a is 1000, expected 1001"


@pytest.mark.parametrize("finality", ["accepted", "retracted", "final"])
def test_a_fact_of_a_batch_with_another_content_stops_settlement(finality: FactFinality) -> None:
    state = three_batches()
    with pytest.raises(ForeignBatchError, match="the contract has settled batch 1"):
        settled(state, replace(fact(state.batches[0], finality), hash=padded(7)))
