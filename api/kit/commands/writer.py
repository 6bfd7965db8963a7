"""Append commands to the log. The same Idempotency-Key and body give the same ids, offsets and answer.

The first use of a key fixes its time, and ids derive from key and time. So a retry writes the same records, and the log
recognises the write and returns the first offsets.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from faust_redis.log import (
    Appended,
    IdempotencyConflictError,
    IdempotencyKey,
    IncarnationError,
    Log,
    Position,
    Record,
    ResizedError,
    TopicInfo,
    TopicPartition,
    UnknownTopicError,
)
from faust_redis.log.partitioner import partition_for

from api.config import ApiConfig
from api.kit.acknowledged import Acknowledgements
from api.kit.broker_watch import BrokerWatch
from api.kit.commands.calls import Calls, Use
from api.kit.commands.entries import Entry
from api.kit.request_identity import current_traceparent
from api.kit.tracing import record_sends
from streams.events import Event, EventData, encode
from streams.ids import ENTROPY_BYTES, new_id, uuid7
from streams.spans import Spans
from streams.times import Instant
from streams.trace_context import is_sampled
from tables.domains import TOPOLOGY

ATTEMPTS_MAX = 2  # the second one follows when the topic was created, or is found to be another one
SEPARATOR = "\x1f"
KEYS_KNOWN_MAX = 65_536  # some 10 MB


class Place(NamedTuple):
    """The place of an event in the log."""

    event_id: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Written:
    """The result of a write; `again` when an earlier request had written it."""

    position: Position
    places: list[Place]
    again: bool


@dataclass(frozen=True, slots=True)
class Submission:
    """One request that writes.

    Attributes:
        began: When the request was first made: the event time of commands that have none of their own.
        key: Recognises a repeated request; None when the client sent no key.
        caller: The token's subject.
        rules_version: Version of the rule book, which each event carries.
        traceparent: W3C trace context of the request, from which each event follows; None outside of requests.
    """

    began: Instant
    key: IdempotencyKey | None
    caller: str
    rules_version: int
    traceparent: str | None = None

    def event_id(self, item: int = 0) -> str:
        """Return the id of the event that the `item`-th part of the request becomes.

        Without a key, each call draws another id.
        """
        if self.key is None:
            return new_id(self.began)
        return uuid7(self.began.milliseconds(), _digest(self.key.name, str(item)).digest()[:ENTROPY_BYTES])

    def entry(
        self, data: EventData, event_id: str, *, key: str = "", time: Instant | None = None, subject: str = ""
    ) -> Entry:
        """Return an event of this request, encoded.

        Args:
            data: The event.
            event_id: Its id.
            key: Its partition key; by default the caller.
            time: Its event time; by default the time of the request.
            subject: Its aggregate; by default the key.
        """
        event = Event.first(
            data,
            event_id=event_id,
            time=self.began if time is None else time,
            key=key or self.caller,
            subject=subject,
            rules_version=self.rules_version,
            traceparent=self.traceparent,
        )
        return Entry(event.id, event.partitionkey, encode(event), event.time.milliseconds())


class Writer:
    """Appends events to the topics that clients may write to."""

    def __init__(
        self,
        log: Log,
        config: ApiConfig,
        broker: BrokerWatch,
        acknowledged: Acknowledgements,
        *,
        spans: Spans | None = None,
    ) -> None:
        self.log = log
        self._spans = spans
        self.config = config
        self._broker = broker
        self.acknowledged = acknowledged
        self.calls = Calls(log)

    async def begin(self, caller: str, route: str, key: str | None, body_digest: str, now: Instant) -> Submission:
        """Begin a request. `key` is valid for this caller and this route only.

        Raises:
            IdempotencyConflictError: the key was used with another body.
            BrokerUnsuitableError: the broker could lose records.
        """
        self._broker.require_suitable()
        traceparent = current_traceparent()
        if key is None:
            return Submission(now, None, caller, self.config.rules_version, traceparent)
        ttl_ms = self.config.idempotency_ttl_s * 1_000
        known = IdempotencyKey(f"api:{_digest(caller, route, key).hexdigest()}", body_digest, ttl_ms)
        first = await self.calls.use(Use(known, now))
        if first.used_with is not None and first.used_with != body_digest:
            raise IdempotencyConflictError("this idempotency key was used before with another body")
        return Submission(first.began, known, caller, self.config.rules_version, traceparent)

    async def write(self, command: type[EventData], entries: Sequence[Entry], submission: Submission) -> Written:
        """Append events of one class to the topic that it belongs to, all or none.

        Raises:
            LogError: when they could not be written, or it is unknown whether they were.
        """
        topic = command.topic
        began_ns = 0 if self._spans is None else self._spans.now_ns()
        records, appended = await self._append(topic, entries, submission.key)
        epoch = (await self._topic(topic)).incarnation
        places = [
            Place(entry.id, record.partition, offset)
            for entry, record, offset in zip(entries, records, appended.offsets, strict=True)
        ]
        self.acknowledged.note(topic, places)
        if self._spans is not None and submission.traceparent is not None and not appended.again:
            self._record(self._spans, submission.traceparent, topic, places, began_ns)
        ends = {place.partition: place.offset + 1 for place in places}  # offsets of a partition ascend
        return Written(Position(topic, epoch, ends), places, appended.again)

    @staticmethod
    def _record(spans: Spans, traceparent: str, topic: str, places: Sequence[Place], began_ns: int) -> None:
        if is_sampled(traceparent):
            sent = ((place.event_id, TopicPartition(topic, place.partition), place.offset) for place in places)
            record_sends(spans, traceparent, sent, began_ns)

    async def _append(
        self, topic: str, entries: Sequence[Entry], key: IdempotencyKey | None
    ) -> tuple[list[Record], Appended]:
        for attempt in range(ATTEMPTS_MAX):
            count = (await self._topic(topic)).spec.partitions
            records = [_record(topic, count, entry) for entry in entries]
            try:
                if key is None:
                    return records, await self.calls.append(records, count)
                appended = await self.calls.append_once(records, key, count)
                if appended.counted in {None, count}:
                    return records, appended
                # The first write was before a resize. Ask again for where it has put its records.
                records = [_record(topic, appended.counted, entry) for entry in entries]
                return records, await self.calls.append_once(records, key, appended.counted)
            except (UnknownTopicError, IncarnationError, ResizedError):
                if attempt + 1 == ATTEMPTS_MAX:
                    raise
        raise AssertionError("unreachable")

    async def _topic(self, topic: str) -> TopicInfo:
        """Return what a topic is. Create it when it does not exist and the partition count is configured."""
        try:
            return await self.log.topic(topic)
        except UnknownTopicError:
            if self.config.partitions is None:
                raise
            specs = TOPOLOGY.topic_specs(self.config.partitions, archived=self.config.archive is not None)
            [spec] = [spec for spec in specs if spec.name == topic]
            return await self.log.create_topic(spec)


def _record(topic: str, partitions: int, entry: Entry) -> Record:
    key = entry.key.encode()
    return Record(topic, _partition(key, partitions), key, entry.value, entry.time_ms)


@lru_cache(maxsize=KEYS_KNOWN_MAX)
def _partition(key: bytes, partitions: int) -> int:
    return partition_for(key, partitions)


def _digest(*parts: str) -> hashlib._Hash:
    return hashlib.sha256(SEPARATOR.join(parts).encode())
