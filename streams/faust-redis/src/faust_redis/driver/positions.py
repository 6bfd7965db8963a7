"""Where a consumer stands in each partition: bounds, seeking, committed offsets."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from aiokafka.errors import IllegalStateError
from faust.transport import consumer as base
from faust.types import TP
from faust.types.transports import ConsumerCallback

from faust_redis.driver.limits import RECOVERY_PATIENCE_S
from faust_redis.driver.retry import retry_while_unavailable
from faust_redis.log import Fence, FencedError, StoredRecord, TopicPartition

if TYPE_CHECKING:
    from faust_redis.driver.transport import Transport

Fetched = dict[TP, list[StoredRecord]]


class Positions(base.Consumer):
    """The part of a consumer that knows offsets."""

    def __init__(self, transport: Any, callback: ConsumerCallback, *args: Any, **kwargs: Any) -> None:
        super().__init__(transport, callback, *args, **kwargs)
        self.redis_transport: Transport = transport
        self.committer = transport.committer
        self.tracker = self.committer.tracker
        self._assigned: set[TP] = set()
        self._positions: dict[TP, int] = {}
        self._ends: dict[TP, int] = {}
        self._held: Fetched = {}
        self._seeks = 0
        self._holding = True
        self._handovers = 0

    def topic_partitions(self, topic: str) -> int | None:
        """Partition count of a topic seen before."""
        return self.redis_transport.partition_count(topic)

    def key_partition(self, topic: str, key: bytes | None, partition: int | None = None) -> int | None:
        """Partition of a key; None when the topic is not known."""
        if partition is not None:
            return partition
        return None if self.topic_partitions(topic) is None else self.redis_transport.partition(topic, key)

    def incarnation(self, topic: str) -> str:
        """The topic's incarnation id: stores keep it beside their offset. Empty when the topic is not known."""
        return self.redis_transport.incarnation(topic)

    @property
    def held(self) -> Container[TP]:
        """What `assignment` returns, for looking into."""
        return self._assigned

    def assignment(self) -> set[TP]:
        """Active and standby partitions; the old ones until a new assignment is installed."""
        return set(self._assigned)

    def _new_topicpartition(self, topic: str, partition: int) -> TP:
        return TP(topic, partition)

    def highwater(self, tp: TP) -> int:
        """Highwater as last seen."""
        return self._ends.get(tp, 0)

    async def highwaters(self, *partitions: TP) -> dict[TP, int]:
        """Highwater (last offset + 1) of each partition, asked of the broker."""
        ends = await self._bounds("end_offsets", partitions)
        self._ends.update(ends)
        return ends

    async def earliest_offsets(self, *partitions: TP) -> dict[TP, int]:
        """Lowest offset kept in each partition; its highwater when none is."""
        return await self._bounds("beginning_offsets", partitions)

    async def _bounds(self, which: str, partitions: Iterable[TP]) -> dict[TP, int]:
        ask = getattr(self.redis_transport.broker, which)
        bounds: dict[TP, int] = {}
        for topic in sorted({tp.topic for tp in partitions}):
            reply = await self._patiently(lambda topic=topic: ask(topic))
            bounds.update({TP(topic, p): offset for p, offset in reply.items()})
        return {tp: bounds.get(tp, 0) for tp in partitions}

    async def _patiently(self, call: Any) -> Any:
        """A call of table recovery: waits for the broker, but raises before Faust's own timeout would end recovery."""
        return await retry_while_unavailable(
            call, "table recovery", patience_s=RECOVERY_PATIENCE_S, stop=lambda: self.should_stop
        )

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Position every assigned partition with agents on its committed offset and return those offsets.

        Raises:
            IllegalStateError: a rebalance began meanwhile (Faust then waits for the next assignment).
        """
        handovers, fence = self._handovers, self.committer.fence
        committed = await self._patiently(lambda: self.redis_transport.broker.committed(self.redis_transport.group))
        tps = {tp for tp in self._assigned if not self._is_changelog_tp(tp)}
        offsets = {tp: committed[TopicPartition(*tp)] for tp in tps if TopicPartition(*tp) in committed}
        fresh = await self._reset_offsets(tps - set(offsets))
        if fresh:
            await self._claim(fresh, fence)
        offsets |= fresh
        if not self._holding or handovers != self._handovers:
            raise IllegalStateError("another rebalance began")
        for tp, offset in sorted(offsets.items()):
            self._position(tp, offset)
            self.tracker.reset(tp, offset)
            self._acked.pop(tp, None)
            self._acked_index.pop(tp, None)
        return offsets

    async def _claim(self, offsets: Mapping[TP, int], fence: Fence | None) -> None:
        # With the right to write of when the partitions were looked up: by now another generation may have others.
        try:
            await self.committer.claim(offsets, fence)
        except FencedError as exc:
            if fence == self.committer.fence:
                self.committer.fencing.fence(str(exc))
            raise IllegalStateError("another rebalance began") from exc

    async def _reset_offsets(self, tps: set[TP]) -> dict[TP, int]:
        latest = str(self.app.conf.consumer_auto_offset_reset) == "latest"
        return await (self.highwaters(*tps) if latest else self.earliest_offsets(*tps))

    def _position(self, tp: TP, offset: int) -> None:
        self._positions[tp] = offset
        self._held.pop(tp, None)
        self._seeks += 1

    async def _seek(self, partition: TP, offset: int) -> None:
        self._position(partition, offset)

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Position partitions for recovery; an offset that was trimmed is moved up to the earliest kept.

        Raises:
            IllegalStateError: when a partition is not assigned (Faust takes it for another rebalance).
        """
        missing = set(partitions) - self._assigned
        if missing:
            raise IllegalStateError(f"not assigned: {sorted(missing)}")
        earliest = await self.earliest_offsets(*partitions)
        for tp, offset in partitions.items():
            self._position(tp, max(offset or 0, earliest[tp]))
            self._read_offset[tp] = offset or None

    async def seek_to_beginning(self, *partitions: TP) -> None:
        """Position partitions on the earliest offset kept."""
        for tp, offset in (await self.earliest_offsets(*partitions)).items():
            self._position(tp, offset)

    async def position(self, tp: TP) -> int | None:
        """The next offset to fetch."""
        return self._positions.get(tp, 0)

    async def went_back(self) -> bool:
        """Whether the broker was restored: a partition ends below where this consumer stands, or its write is lost."""
        if await self.committer.is_forgotten():
            return True
        # As it stood before asking: a fetch may move it past an answer that is under way.
        stood = {tp: position for tp, position in self._positions.items() if tp in self.tracker}
        for topic in sorted({tp.topic for tp in stood}):
            ends = await self.redis_transport.broker.end_offsets(topic)
            if any(position > ends.get(tp.partition, 0) for tp, position in stood.items() if tp.topic == topic):
                return True
        return False
