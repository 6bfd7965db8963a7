"""Turn the records of the log into deliveries: those that a subscription asked for, and that its owner may see."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from faust_redis.log import Log, StoredRecord, TopicPartition, UnknownTopicError

from streams.connect.webhooks.store import Delivery, Place, Webhook, WebhookStore
from streams.events import CATALOGUE, AnyEvent, UndecodableEventError, decode

FETCH_RECORDS: Final = 1_000

MaySee = Callable[[Webhook, AnyEvent], bool]
"""Whether the owner of a subscription may see an event."""


class Read(NamedTuple):
    """What one round has read for a subscription: records, and deliveries made of them."""

    records: int
    deliveries: int


class Reader:
    """Reads the log for the subscriptions of one database."""

    def __init__(self, log: Log, store: WebhookStore, may_see: MaySee, now: Callable[[], int]) -> None:
        self._log, self._store, self._may_see, self._now = log, store, may_see, now

    async def read(self, webhook: Webhook) -> Read:
        """Read on for a subscription, and add its deliveries. A new one begins at the present end of the log."""
        known = await self._store.places(webhook.id)
        places = await self._start(webhook, known)
        new = {tp: place for tp, place in places.items() if known.get(tp) != place}
        offsets = {tp: place.next_offset for tp, place in places.items()}
        fetched = await self._log.fetch(offsets, count=FETCH_RECORDS) if offsets else {}
        deliveries = [one for records in fetched.values() for one in self._deliveries(webhook, records)]
        moved = {tp: Place(places[tp].epoch, records[-1].offset + 1) for tp, records in fetched.items()}
        if new or moved:
            await self._store.take(webhook.id, deliveries, {**new, **moved}, self._now())
        return Read(sum(map(len, fetched.values())), len(deliveries))

    async def _start(self, webhook: Webhook, known: Mapping[TopicPartition, Place]) -> dict[TopicPartition, Place]:
        """Return where to read on in each partition of the subscription's topics.

        A topic of a new epoch is read from its beginning: the broker was flushed or restored. So is a new partition.
        """
        places: dict[TopicPartition, Place] = {}
        for topic in sorted({CATALOGUE[name].topic for name in webhook.types if name in CATALOGUE}):
            try:
                info = await self._log.topic(topic, fresh=True)
            except UnknownTopicError:
                continue
            ends = await self._log.end_offsets(topic)
            for partition, end in ends.items():
                tp = TopicPartition(topic, partition)
                place = known.get(tp)
                if place is None:  # a new subscription begins at the end, and a partition that is new at its beginning
                    place = Place(info.incarnation, 0 if TopicPartition(topic, 0) in known else end)
                elif place.epoch != info.incarnation:
                    place = Place(info.incarnation, 0)
                places[tp] = place
        return places

    def _deliveries(self, webhook: Webhook, records: Sequence[StoredRecord]) -> list[Delivery]:
        found = []
        for record in records:
            event = _event(record)
            if event is not None and event.type in webhook.types and self._may_see(webhook, event):
                found.append(Delivery(webhook.id, event.id, event.type, record.value or b"", 0))
        return found


def _event(record: StoredRecord) -> AnyEvent | None:
    try:
        return decode(record.value)
    except UndecodableEventError:
        return None
