"""The commands that clients have sent, and which of them the log must have. Two threads use a ledger."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, NamedTuple

from faust_redis.log import Log, TopicPartition, UnknownTopicError

from streams.events import decode
from streams.events.trading import OpenTrade
from streams.topics import TRADING_COMMANDS
from tests.outbox.database import PARTITIONS


@dataclass(frozen=True, slots=True)
class Order:
    """An order of a client. Each order of a run has another notional value, by which the log's record is recognised."""

    user_id: str
    notional_usd: str
    key: str

    @property
    def body(self) -> dict[str, Any]:
        """Return the body of the request."""
        return {"market": "BTC", "side": "long", "notional_usd": self.notional_usd, "leverage": 2}


class Found(NamedTuple):
    """An order as the log has it: the user, the event's id and its place."""

    user_id: str
    event_id: str
    partition: int
    offset: int


class Ledger:
    """The orders of one run.

    The broker alone keeps commands. A restore of the broker takes away those that were answered since its files were
    saved, and a flush takes away all. An answer counts only when its request began after the last such loss.
    """

    def __init__(self) -> None:
        self.sent: list[Order] = []
        self._lock = threading.Lock()
        self._losses = 0
        self._kept: dict[str, Found] = {}
        self._saved: dict[str, Found] = {}

    @property
    def losses(self) -> int:
        """Return how often the broker lost commands; give it to `answered` as it was when the request began."""
        return self._losses

    def new_order(self, user_id: str) -> Order:
        """Return an order that no client has sent."""
        number = 1_000 + len(self.sent)
        order = Order(user_id, f"{number}.00", f"order-{number}")
        self.sent.append(order)
        return order

    def answered(self, order: Order, answer: dict[str, Any], losses: int) -> None:
        """Note that the API has accepted an order."""
        found = Found(order.user_id, answer["event_id"], answer["partition"], answer["offset"])
        with self._lock:
            if losses != self._losses:
                return
            before = self._kept.setdefault(order.notional_usd, found)
        assert before == found, f"{order} was answered with {before}, and again with {found}"

    def saved(self) -> None:
        """Note that the broker's files are saved after this."""
        with self._lock:
            self._saved = dict(self._kept)

    def restored(self) -> None:
        """Note that the broker runs on the saved files from now on."""
        self._lose(self._saved)

    def flushed(self) -> None:
        """Note that the broker was flushed before this."""
        self._lose({})

    def _lose(self, kept: dict[str, Found]) -> None:
        with self._lock:
            self._losses += 1
            self._kept = dict(kept)

    async def compare(self, log: Log) -> int:
        """Fail unless the log has each order that it must have once, at the place in the answer, and no order twice.

        Return how many orders it must have.
        """
        known = {order.notional_usd: order.user_id for order in self.sent}
        found: dict[str, Found] = {}
        for notional_usd, place in await _orders(log):
            assert known.get(notional_usd) == place.user_id, f"the log has an order that nobody sent: {place}"
            assert notional_usd not in found, f"one order is in the log twice: {found[notional_usd]} and {place}"
            found[notional_usd] = place
        for notional_usd, place in self._kept.items():
            assert found.get(notional_usd) == place, f"{place} was accepted, and the log has {found.get(notional_usd)}"
        return len(self._kept)


async def _orders(log: Log) -> list[tuple[str, Found]]:
    offsets = {TopicPartition(TRADING_COMMANDS, partition): 0 for partition in range(PARTITIONS)}
    try:
        fetched = await log.fetch(offsets, count=1_000_000)
    except UnknownTopicError:
        return []  # a flush removed it, and no order came after
    orders = []
    for tp, records in fetched.items():
        for record in records:
            event = decode(record.value)
            assert isinstance(event.data, OpenTrade)
            found = Found(event.partitionkey, event.id, tp.partition, record.offset)
            orders.append((event.data.notional_usd.text(), found))
    return orders
