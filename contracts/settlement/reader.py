"""Reads what settlement follows: fees, facts of the fee contracts, and the clock's last tick."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from faust_redis.log import Log, StoredRecord, TopicPartition, TopicSpec, UnknownTopicError
from faust_redis.log.partitioner import partition_for
from msgspec.structs import replace

from contracts.settlement.batches import Fee, Reached, State, distributed, settled, swept
from contracts.settlement.errors import GapError, SettlementError
from streams import topics
from streams.assets import unit_of
from streams.events import AnyEvent, UndecodableEventError, decode
from streams.events.chain import BatchSettled, FeesDistributed, FeesSwept
from streams.events.financial import FeeAccrued, SaleFeeAccrued
from streams.times import DAY_US

ASSET: Final = "USD"
"""The asset that is settled. Fees in other assets stay in the ledger."""
PORTION: Final = 1_000


class LogReader:
    """Reads one log for one pair of contracts. Methods raise LogError while the log is away."""

    def __init__(self, log: Log, fees: TopicSpec, facts: TopicSpec, contracts: tuple[str, str]) -> None:
        """Create the reader.

        Args:
            log: The log.
            fees: The declaration of the topic of fees.
            facts: The declaration of the topic of the chain's facts.
            contracts: The addresses of collector and splitter.
        """
        self._log, self._fees, self._facts = log, fees, facts
        self._contracts = contracts
        self._collector = contracts[0]

    async def create(self) -> None:
        """Create the topics if they do not exist yet, and see how many partitions they have."""
        self._fees = (await self._log.declare_topic(self._fees)).spec
        self._facts = (await self._log.declare_topic(self._facts)).spec

    async def fees(self, reached: Mapping[int, Reached]) -> list[Fee]:
        """Return the next records of all partitions of fees.

        Raises:
            SettlementError: a record is no event.
        """
        offsets = {
            TopicPartition(self._fees.name, partition): reached.get(partition, Reached()).offset
            for partition in range(self._fees.partitions)
        }
        found = await self._log.fetch(offsets, count=PORTION)
        return [_fee(tp.partition, record) for tp, records in found.items() for record in records]

    async def fees_until(self, reached: Mapping[int, Reached], ends: Mapping[int, int]) -> dict[str, int]:
        """Return the sums by source, in 1e-8 USD, of the records between two places."""
        sums: defaultdict[str, int] = defaultdict(int)
        places = dict(reached)
        while any(places.get(partition, Reached()).offset < end for partition, end in ends.items()):
            fees = [fee for fee in await self.fees(places) if fee.offset < ends[fee.partition]]
            if not fees:
                raise GapError("the log has lost fees that no batch has")
            for fee in fees:
                sums[fee.source] += fee.amount
                places[fee.partition] = Reached(fee.offset + 1)
        return dict(sums)

    async def fee_ends(self) -> dict[int, int]:
        """Return the end of each partition of fees."""
        return await self._log.end_offsets(self._fees.name)

    async def with_facts(self, state: State) -> State:
        """Return the state after the next facts of the contracts.

        Raises:
            GapError: facts are no longer in the log.
            ForeignBatchError: a fact does not fit the batches.
        """
        places = {TopicPartition(self._facts.name, each): state.facts.get(each, 0) for each in self._fact_places()}
        found = await self._log.fetch(places, count=PORTION)
        facts = dict(state.facts)
        for tp, records in found.items():
            for record in records:
                expected = facts.get(tp.partition, record.offset)  # a splitter may be new, and its partition old
                if record.offset != expected:
                    raise GapError(
                        f"partition {tp.partition} of the chain's facts continues at offset {record.offset}, and "
                        f"{expected} was expected"
                    )
                facts[tp.partition] = record.offset + 1
                state = self._with(state, _event(record).data)
        return replace(state, facts=facts)

    async def facts_are_read(self, state: State) -> bool:
        """Return whether the state has all facts that are in the log."""
        first = await self._log.beginning_offsets(self._facts.name)
        ends = await self._log.end_offsets(self._facts.name)
        return all(state.facts.get(each, first[each]) == ends[each] for each in self._fact_places())

    async def today(self) -> int:
        """Return the day of the clock's last tick, counted from 1970; 0 when it has not ticked."""
        try:
            ticks = await self._log.tail(TopicPartition(topics.CLOCK, 0), 1)
        except UnknownTopicError:
            return 0
        return _event(ticks[0]).time // DAY_US if ticks else 0

    def _fact_places(self) -> list[int]:
        """Return the partitions of the contracts' facts, also those that had them before the topic was resized."""
        return sorted({partition_for(each.encode(), self._facts.partitions) for each in self._contracts})

    def _with(self, state: State, fact: Any) -> State:
        if isinstance(fact, BatchSettled) and fact.contract == self._collector:
            return settled(state, fact)
        if isinstance(fact, FeesSwept) and fact.contract == self._collector:
            return swept(state, fact)
        if isinstance(fact, FeesDistributed):  # of any splitter: it may become the present one
            return distributed(state, fact)
        return state


def _event(record: StoredRecord) -> AnyEvent:
    try:
        return decode(record.value)
    except UndecodableEventError as exc:
        raise SettlementError(f"the record at offset {record.offset} is no event: {exc}") from exc


def _fee(partition: int, record: StoredRecord) -> Fee:
    event = _event(record)
    source, amount = _settled_amount(event.data)
    return Fee(partition, record.offset, event.time // DAY_US, source, amount, record.value or b"")


def _settled_amount(data: Any) -> tuple[str, int]:
    """Return source and amount of a fee, in 1e-8 USD; 0 for another asset."""
    if not isinstance(data, FeeAccrued | SaleFeeAccrued) or data.asset != ASSET:
        return "", 0
    amount = data.amount if isinstance(data, FeeAccrued) else data.amount // unit_of(ASSET)
    return data.source, int(amount)
