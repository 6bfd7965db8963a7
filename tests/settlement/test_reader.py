"""Settlement follows the fees in USD and the facts of its own contracts, and misses none."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from faust_redis.log import Log, Record, StoredRecord, TopicPartition, TopicSpec

from contracts.indexer.addresses import padded
from contracts.settlement.batches import State
from contracts.settlement.errors import GapError
from contracts.settlement.reader import LogReader
from streams.assets import unit_of
from streams.events import Event, encode
from streams.events.chain import BatchSettled, FeesDistributed, FeesSwept
from streams.events.financial import FeeAccrued, SaleFeeAccrued
from streams.ids import derived_id
from streams.times import DAY_US, Instant
from streams.topics import CHAIN_EVENTS, FINANCIAL_FEES
from streams.units import Quantity, TokenUnits, Usd
from tests.settlement.test_batches import fact, three_batches

FEES, FACTS = TopicSpec(FINANCIAL_FEES, 1), TopicSpec(CHAIN_EVENTS, 1)
COLLECTOR, SPLITTER, OTHER = padded(2), padded(3), padded(4)


def reader_of(log: Any) -> LogReader:
    return LogReader(log, FEES, FACTS, (COLLECTOR, SPLITTER))


def value(data: Any, number: int = 1) -> bytes:
    time = Instant(5 * DAY_US + number)
    made: Any = Event.first(data, event_id=derived_id(time // 1_000, "k", str(number)), time=time, key="k",
                            rules_version=None)  # fmt: skip
    return encode(made)


async def append(log: Log, topic: TopicSpec, *data: Any) -> None:
    await log.create_topic(topic)
    await log.append([Record(topic.name, 0, b"k", value(each, i), 5 * DAY_US // 1_000) for i, each in enumerate(data)])


def swept(contract: str) -> FeesSwept:
    return FeesSwept(
        fact_id="s", finality="accepted", chain_id="SN_MAIN", contract=contract, block_number=1, block_hash=padded(1),
        tx_hash=padded(1), event_index=0, sequence=1, splitter=SPLITTER, batch=1, amount=TokenUnits(9),
        surplus=TokenUnits(1),
    )  # fmt: skip


def paid(contract: str) -> FeesDistributed:
    return FeesDistributed(
        fact_id="d", finality="accepted", chain_id="SN_MAIN", contract=contract, block_number=1, block_hash=padded(1),
        tx_hash=padded(1), event_index=0, sequence=1, beneficiary=padded(9), amount=TokenUnits(4), epoch=1,
    )  # fmt: skip


async def test_fees_in_other_assets_count_nothing_and_are_passed(log: Log) -> None:
    fee: Any = {"beneficiaries": {}, "source_event_id": "x"}
    await append(
        log, FEES,
        FeeAccrued(source="trading", asset="USD", amount=Usd(7), **fee),
        SaleFeeAccrued(source="nft", asset="STRK", amount=Quantity(7 * 10**10), **fee),
        FeeAccrued(source="trading", asset="EUR", amount=Usd(9), **fee),
        SaleFeeAccrued(source="nft", asset="USD", amount=Quantity(5 * unit_of("USD")), **fee),
    )  # fmt: skip
    fees = await reader_of(log).fees({})
    assert [(each.offset, each.day, each.source, each.amount) for each in fees] == [
        (0, 5, "trading", 7), (1, 5, "", 0), (2, 5, "", 0), (3, 5, "nft", 5),
    ]  # fmt: skip


async def test_facts_of_other_contracts_change_nothing(log: Log) -> None:
    state = three_batches()
    settled: BatchSettled = fact(state.batches[0], "accepted")
    other = msgspec.structs.replace(settled, contract=OTHER)
    await append(log, FACTS, other, swept(OTHER), paid(OTHER), swept(SPLITTER), paid(COLLECTOR))
    after = await reader_of(log).with_facts(state)
    assert (after.batches, after.swept, after.surplus) == (state.batches, {}, {})
    assert SPLITTER not in after.distributed
    assert after.facts == {0: 5}
    await append(log, FACTS, settled, swept(COLLECTOR), paid(SPLITTER))
    after = await reader_of(log).with_facts(after)
    assert (after.batches[0].status, after.swept, after.surplus) == ("settled", {SPLITTER: 9}, {SPLITTER: 1})
    assert after.distributed[SPLITTER] == {padded(9): 4}


class Trimmed:
    """A log that has lost its first five records."""

    async def fetch(self, places: dict[TopicPartition, int], **_: object) -> dict[TopicPartition, list[StoredRecord]]:
        [place] = places
        return {place: [StoredRecord(5, 0, b"k", value(paid(OTHER)))]}

    async def beginning_offsets(self, _: str) -> dict[int, int]:
        return {0: 5}

    async def end_offsets(self, _: str) -> dict[int, int]:
        return {0: 5}


async def test_a_lost_fact_stops_settlement() -> None:
    with pytest.raises(GapError, match="continues at offset 5, and 4 was expected"):
        await reader_of(Trimmed()).with_facts(State(facts={0: 4}))


async def test_the_facts_of_a_new_splitter_begin_where_the_log_does() -> None:
    reader = reader_of(Trimmed())
    assert await reader.facts_are_read(State()), "there are none yet"
    assert (await reader.with_facts(State())).facts == {0: 6}
    assert not await reader.facts_are_read(State(facts={0: 4}))


async def test_facts_of_a_splitter_count_before_it_is_the_present_one(log: Log) -> None:
    await append(log, FACTS, swept(COLLECTOR), paid(SPLITTER), paid(OTHER))
    after = await reader_of(log).with_facts(State())
    assert after.distributed == {SPLITTER: {padded(9): 4}, OTHER: {padded(9): 4}}
