"""Fetch records by offset and pass them to the hand-over, until the consumer stops."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Protocol

from faust.types import TP

from faust_redis.driver.broker import Reads
from faust_redis.driver.delivery.fetch_state import FetchedRecords, FetchState
from faust_redis.driver.delivery.fetch_waits import Due, FetchWaits
from faust_redis.driver.delivery.flow import Flow
from faust_redis.driver.delivery.hand_over import HandOver
from faust_redis.driver.delivery.turns import Turns
from faust_redis.driver.groups.fencing import Fencing
from faust_redis.driver.groups.ownership import Ownership
from faust_redis.driver.limits import FETCH_BLOCK_MS, FETCH_RECORDS_MAX, RETRY_FIRST_S, RETRY_MAX_S
from faust_redis.driver.tasks import retrieve_error, wait_first
from faust_redis.hooks import HeldBack, HookList, Hooks
from faust_redis.log import DamagedPartitionError, Fetched, LogUnavailableError, TopicPartition, TrimmedError

logger = logging.getLogger(__name__)

FLOW_POLL_S = 1.0
"""How often the fetcher checks a suspended flow."""


class Changelogs(Protocol):
    """The changelog topics, as the fetcher needs them."""

    def is_changelog(self, topic: str) -> bool:
        """Return whether a topic is the changelog of a table."""


class Fetcher:
    """Reads the partitions that Faust has not paused."""

    def __init__(
        self,
        broker: Reads,
        group: str,
        state: FetchState,
        waits: FetchWaits,
        ownership: Ownership,
        hand_over: HandOver,
        turns: Turns,
        flow: Callable[[], Flow],
        fencing: Fencing,
        tables: Changelogs,
        hooks: HookList,
        is_reply_topic: Callable[[str], bool],
    ) -> None:
        self._broker = broker
        self._group = group
        self._state = state
        self._waits = waits
        self._ownership = ownership
        self._hand_over = hand_over
        self._turns = turns
        self._flow = flow
        self._fencing = fencing
        self._tables = tables
        self._hooks = hooks
        self._is_reply_topic = is_reply_topic
        self._interrupted: asyncio.Future[None] | None = None

    async def run(self, should_stop: Callable[[], bool], fetch: Callable[[], Any]) -> None:
        """Fetch and deliver until `should_stop` returns true. The fetcher retries while the broker is unreachable.

        Args:
            should_stop: Returns whether to stop.
            fetch: Calls `fetch_once` for the active partitions, with the steps that Faust needs around a fetch.
        """
        pause_s = RETRY_FIRST_S
        while not should_stop():
            flow = self._flow()
            try:
                if not flow.flow_active:
                    await wait_first(flow.wait_until_resumed(), timeout_s=FLOW_POLL_S)
                    continue
                fetched = self._take(flow) or await fetch() or self._take(flow)
                pause_s = RETRY_FIRST_S
                if fetched:
                    await self._deliver(fetched)
                elif self._is_waiting or not self._fetchable(flow.active & self._ownership.assigned):
                    await self._hand_over.wait_for_room(in_turn=self._turns.are_waiting)
            except LogUnavailableError as exc:
                logger.warning("fetching waits for the broker: %s", exc)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, RETRY_MAX_S)

    def _take(self, flow: Flow) -> FetchedRecords:
        """Return waiting records that agents may have now."""
        return self._state.take_parked(flow.full) or self._turns.take(flow.full)

    async def _deliver(self, records: FetchedRecords) -> None:
        """Deliver records. When something overtakes them, fetch them again with those that wait for their turn."""
        if not await self._hand_over.deliver(records):
            self._state.order.clear()

    @property
    def _is_waiting(self) -> bool:
        return bool(self._state.parked) or self._turns.are_waiting

    async def fetch_once(self, active: set[TP] | None, timeout_s: float) -> FetchedRecords:
        """Return records of the active partitions, or of all assigned partitions when `active` is None.

        The result is empty when no record arrives in time, the flow stops meanwhile, a seek changes a position, or
        records are missing.
        """
        state, flow = self._state, self._flow()
        if not flow.flow_active:
            return {}
        assigned = self._ownership.assigned
        partitions = assigned if active is None else active & assigned
        offsets = self._fetchable(partitions)
        if not offsets:
            return {}
        seeks, clock = state.seeks, asyncio.get_running_loop().time
        # While records wait, a fetch reads all partitions and must not block: the records may have room, or their
        # turn, at any moment.
        offsets, rest_s = Due(offsets, None) if self._is_waiting else self._waits.due(offsets, clock())
        block_s = min(FETCH_BLOCK_MS / 1000, timeout_s, timeout_s if rest_s is None else rest_s)
        if not offsets:
            await self._unless_interrupted(asyncio.sleep(block_s, Fetched({}, {})))
            return {}
        block_ms = None if self._is_waiting else math.ceil(block_s * 1000)
        fetched = await self._unless_interrupted(
            self._broker.fetch_each(offsets, count=FETCH_RECORDS_MAX, block_ms=block_ms)
        )
        if fetched is None or seeks != state.seeks or not flow.flow_active:
            return {}
        self._waits.note(fetched.records, fetched.cut, clock())
        still = partitions if active is None else partitions & flow.active
        for place, error in fetched.damaged.items():
            if TP(*place) in still:
                self._stop_at(TP(*place), error)
        found = {TP(*tp): records for tp, records in fetched.records.items() if TP(*tp) in still}
        for tp, records in found.items():
            if records[0].offset > state.positions[tp]:
                self._miss(tp, records[0].offset)
                return {}
        read, cut = [TP(*tp) for tp in offsets if TP(*tp) in still], {TP(*tp) for tp in fetched.cut}
        return self._turns.add(read, found, cut, flow.full)

    def _fetchable(self, partitions: set[TP]) -> dict[TopicPartition, int]:
        return self._state.fetchable(partitions, self._flow().full)

    def _stop_at(self, tp: TP, error: DamagedPartitionError) -> None:
        """Hold back a damaged partition.

        Raises:
            DamagedPartitionError: the partition is a changelog, without which its table cannot be restored.
        """
        if self._tables.is_changelog(tp.topic):
            raise error
        self.hold_back(tp, error, self._state.positions.get(tp, 0))

    def hold_back(self, tp: TP, error: DamagedPartitionError, offset: int) -> None:
        """Stop reading a damaged partition until its next assignment; continue with the other partitions."""
        self._state.damaged[tp] = error
        self._report(tp, error, offset)
        for sibling in self._turns.siblings(tp):
            if not self._state.is_held_back(sibling):
                self._state.damaged[sibling] = error
                self._report(sibling, error, self._state.positions.get(sibling, 0))

    def hold_back_writers(self, tps: Iterable[TP], error: DamagedPartitionError) -> None:
        """Stop reading the partitions whose events write to a damaged partition."""
        for tp in dict.fromkeys(sibling for each in tps for sibling in self._turns.siblings(each)):
            self._state.unwritable[tp] = error
            self._report(tp, error, self._state.positions.get(tp, 0))

    def _report(self, tp: TP, error: DamagedPartitionError, offset: int) -> None:
        logger.error("%s is held back at offset %d, other partitions continue: %s", tp, offset, error)
        if self._hooks:
            self._hooks.call(Hooks.on_held_back, HeldBack(tp.topic, tp.partition, offset, error))

    async def _unless_interrupted(self, fetch: Coroutine[Any, Any, Fetched]) -> Fetched | None:
        """Return the result of a fetch, or None as soon as the set of partitions to read changes.

        A fetch that waits for records of the old partitions must not delay the new ones. It ends by itself.
        """
        fetching = asyncio.ensure_future(fetch)
        fetching.add_done_callback(retrieve_error)
        interrupted = self._interrupted = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait((fetching, interrupted), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            fetching.cancel()
            raise
        return fetching.result() if fetching.done() else None

    def interrupt(self) -> None:
        """Interrupt the present fetch, because the set of partitions to read has changed."""
        if self._interrupted is not None and not self._interrupted.done():
            self._interrupted.set_result(None)

    def _miss(self, tp: TP, offset: int) -> None:
        """Handle trimmed records. A worker must not skip events, but a table restores, and old replies are of no use.

        Raises:
            TrimmedError: events were trimmed. The worker ends with this error.
        """
        position = self._state.positions[tp]
        if not self._tables.is_changelog(tp.topic) and not self._is_reply_topic(tp.topic):
            raise TrimmedError(
                f"events {position} to {offset - 1} of {tp.topic}:{tp.partition} were removed before group "
                f"{self._group!r} processed them, by something else than this log's retention. Restore the broker, or "
                "accept the loss with 'faust-redis groups reset'."
            )
        logger.warning("records %d to %d of %s are trimmed; reading its snapshot", position, offset - 1, tp)
        self._fencing.fence(f"records of {tp} were trimmed before this member had read them")
