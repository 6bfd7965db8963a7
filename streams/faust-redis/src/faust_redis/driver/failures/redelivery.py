"""Deliver an event to its agents again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from faust.types import ConsumerMessage

from faust_redis.driver.commit.offset_tracker import OffsetTracker
from faust_redis.driver.delivery.batches import members
from faust_redis.driver.delivery.flow import Flow
from faust_redis.driver.delivery.in_flight import Generation, InFlight
from faust_redis.driver.delivery.messages import copy_of
from faust_redis.driver.groups.ownership import Ownership


class Redelivery:
    """Delivers events again, to be processed from the start."""

    def __init__(
        self,
        generation: Generation,
        in_flight: InFlight,
        tracker: OffsetTracker,
        ownership: Ownership,
        flow: Callable[[], Flow],
    ) -> None:
        self._generation = generation
        self._in_flight = in_flight
        self._tracker = tracker
        self._ownership = ownership
        self._flow = flow

    def redo(self, message: ConsumerMessage, pause_s: float = 0.0) -> asyncio.Future[Any]:
        """Deliver an event, or all events of a batch, again. The caller has dropped their effects.

        Return at once. The future completes when the agents have received the event again. A copy in flight may run to
        its end, but it can write nothing more, and its ack does not count.
        """
        again = [copy_of(each) for each in members(message)]
        self._in_flight.disown(message)
        for each in again:
            each.generation_id = self._generation.consumer_generation_id  # the original may be disowned
            self._tracker.reopen(each.tp, each.offset)
        return self._flow().spawn(self._deliver_again(again, pause_s))

    async def _deliver_again(self, messages: list[ConsumerMessage], pause_s: float) -> None:
        """Deliver events after a pause, unless their partition has moved to another member meanwhile."""
        if pause_s:
            await asyncio.sleep(pause_s)
        for message in messages:
            is_current = message.generation_id == self._generation.consumer_generation_id
            if is_current and self._ownership.holds(message.tp) and self._flow().flow_active:
                await self._flow().hand_to_conductor(message)
