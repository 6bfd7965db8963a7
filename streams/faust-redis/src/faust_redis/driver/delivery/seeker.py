"""Set fetch positions from partition bounds and committed offsets, and detect a broker that lost records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from aiokafka.errors import IllegalStateError
from faust.types import TP

from faust_redis.driver.broker import Offsets
from faust_redis.driver.commit.offset_tracker import OffsetTracker
from faust_redis.driver.delivery.fetch_state import FetchState
from faust_redis.driver.groups.fencing import Fencing
from faust_redis.driver.groups.ownership import Ownership
from faust_redis.driver.limits import RECOVERY_PATIENCE_S
from faust_redis.driver.retry import retry_while_unavailable
from faust_redis.log import Fence, FencedError, TopicPartition


class Claims(Protocol):
    """The committer, as far as seeking needs it."""

    fence: Fence | None

    async def claim(self, offsets: Mapping[TP, int], fence: Fence | None) -> None:
        """Commit a starting offset for partitions without a committed offset."""

    async def is_forgotten(self) -> bool:
        """Return whether the broker has lost this member's last write."""


class Changelogs(Protocol):
    """The changelog topics, as the seeker needs them."""

    def is_changelog(self, topic: str) -> bool:
        """Return whether a topic is the changelog of a table."""


class Seeker:
    """Finds the offset at which a consumer begins in each partition."""

    def __init__(
        self,
        broker: Offsets,
        group: str,
        state: FetchState,
        ownership: Ownership,
        tracker: OffsetTracker,
        claims: Claims,
        fencing: Fencing,
        tables: Changelogs,
        *,
        is_reply_topic: Callable[[str], bool],
        begins_at_end: Callable[[], bool],
        should_stop: Callable[[], bool],
    ) -> None:
        self._broker = broker
        self._group = group
        self._state = state
        self._ownership = ownership
        self._tracker = tracker
        self._claims = claims
        self._fencing = fencing
        self._tables = tables
        self._is_reply_topic = is_reply_topic
        self._begins_at_end = begins_at_end
        self._should_stop = should_stop

    async def high_watermarks(self, partitions: Iterable[TP]) -> dict[TP, int]:
        """Ask the broker for the high watermark (last offset + 1) of each partition."""
        ends = await self._bounds(self._broker.end_offsets, partitions)
        self._state.high_watermarks.update(ends)
        return ends

    async def earliest_offsets(self, partitions: Iterable[TP]) -> dict[TP, int]:
        """Return the lowest offset in each partition; an empty partition returns its high watermark."""
        return await self._bounds(self._broker.beginning_offsets, partitions)

    async def _bounds(self, ask: Any, partitions: Iterable[TP]) -> dict[TP, int]:
        requested = tuple(partitions)
        bounds: dict[TP, int] = {}
        for topic in sorted({tp.topic for tp in requested}):
            reply = await self.patiently(lambda topic=topic: ask(topic))
            bounds.update({TP(topic, p): offset for p, offset in reply.items()})
        return {tp: bounds.get(tp, 0) for tp in requested}

    async def patiently(self, call: Any) -> Any:
        """Repeat a recovery call while the broker is unreachable; raise before Faust's timeout ends the recovery."""
        return await retry_while_unavailable(
            call, "table recovery", patience_s=RECOVERY_PATIENCE_S, stop=self._should_stop
        )

    async def initial_offsets(self, tps: Iterable[TP]) -> dict[TP, int]:
        """Return the starting offset of partitions without a committed offset (Kafka's `auto.offset.reset`)."""
        return await (self.high_watermarks(tps) if self._begins_at_end() else self.earliest_offsets(tps))

    async def seek_to_committed(self) -> dict[TP, int]:
        """Seek each assigned partition with agents to its committed offset; return those offsets.

        Replies may be trimmed before they are read. Their reader then begins like a reader without a committed offset.

        Raises:
            IllegalStateError: a rebalance began meanwhile (Faust then waits for the next assignment).
        """
        revocations, fence = self._ownership.revocations, self._claims.fence
        committed = await self.patiently(lambda: self._broker.committed(self._group))
        tps = {tp for tp in self._ownership.assigned if not self._tables.is_changelog(tp.topic)}
        offsets = {tp: committed[TopicPartition(*tp)] for tp in tps if TopicPartition(*tp) in committed}
        replies = await self.earliest_offsets(tp for tp in offsets if self._is_reply_topic(tp.topic))
        offsets = {tp: offset for tp, offset in offsets.items() if offset >= replies.get(tp, 0)}
        fresh = await self.initial_offsets(tps - set(offsets))
        if fresh:
            await self._claim(fresh, fence)
        offsets |= fresh
        if not self._ownership.is_installed or revocations != self._ownership.revocations:
            raise IllegalStateError("another rebalance began")
        for tp, offset in sorted(offsets.items()):
            self._state.seek(tp, offset)
            self._tracker.reset(tp, offset)
        return offsets

    async def _claim(self, offsets: Mapping[TP, int], fence: Fence | None) -> None:
        # Use the fence from the time of the look-up: meanwhile a new generation may have other partitions.
        try:
            await self._claims.claim(offsets, fence)
        except FencedError as exc:
            if fence == self._claims.fence:
                self._fencing.fence(str(exc))
            raise IllegalStateError("another rebalance began") from exc

    async def seek_for_recovery(self, partitions: Mapping[TP, int]) -> None:
        """Seek partitions for recovery; raise a trimmed offset to the lowest offset in the partition.

        Raises:
            IllegalStateError: a partition is not assigned. Faust treats this error as another rebalance.
        """
        missing = set(partitions) - self._ownership.assigned
        if missing:
            raise IllegalStateError(f"not assigned: {sorted(missing)}")
        earliest = await self.earliest_offsets(partitions)
        for tp, offset in partitions.items():
            self._state.seek(tp, max(offset or 0, earliest[tp]))

    async def went_back(self) -> bool:
        """Return whether the broker lost records: a partition ends below its position, or the last write is missing."""
        if await self._claims.is_forgotten():
            return True
        # Copy the positions before the request: a fetch may advance them past an answer that is on its way.
        positions = {tp: position for tp, position in self._state.positions.items() if tp in self._tracker}
        ends = await self._broker.ends(sorted({tp.topic for tp in positions}))
        return any(position > ends[tp.topic].get(tp.partition, 0) for tp, position in positions.items())
