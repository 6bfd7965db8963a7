"""Batches: events of one partition that an agent takes together, as one unit of the commit.

A batch is committed whole or not at all. What it produces belongs to its first event, all its events finish at one
moment, and no offset inside of it is committed alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Generic, Protocol, TypeVar, cast, overload

from faust.types import TP, ConsumerMessage, Message

from faust_redis.driver.delivery.messages import to_message
from faust_redis.driver.headers import header_pairs
from faust_redis.driver.limits import BATCH_RECORDS_FIRST
from faust_redis.driver.state.stores import StoreFailedError
from faust_redis.log import StoredRecord

T = TypeVar("T")


class Splitter(Protocol):
    """What takes a failed batch back and has its events come again one at a time."""

    def split_batch(self, message: BatchMessage, error: Exception) -> None:
        """Split a batch."""


class Received(Generic[T]):
    """One record of a batch.

    Attributes:
        key: The key, of the type that the topic declares.
        value: The value, of the type that the topic declares.
        timestamp_ms: Event time.
        offset: Its offset in the partition.
    """

    __slots__ = (
        "__weakref__",
        "_message",
        "_record",
        "app",
        "generation_id",
        "key",
        "offset",
        "timestamp_ms",
        "tp",
        "value",
    )

    def __init__(
        self,
        app: Any,
        tp: TP,
        generation_id: int,
        record: StoredRecord,
        key: Any,
        value: T,
        message: ConsumerMessage | None = None,
    ) -> None:
        self.app = app
        self.tp = tp
        self.generation_id = generation_id
        self.offset, self.timestamp_ms = record.offset, record.timestamp_ms
        self.key = key
        self.value = value
        self._record = record
        self._message = message

    @classmethod
    def of(cls, event: Any) -> Received[Any]:
        """Make one from Faust's event."""
        message = event.message
        record = StoredRecord(
            message.offset, round(message.timestamp * 1000), message.key, message.value, header_pairs(message.headers)
        )
        return cls(event.app, message.tp, message.generation_id, record, event.key, event.value, message)

    @property
    def headers(self) -> dict[str, bytes]:
        """Return the headers of the record."""
        return dict(self._record.headers)

    @property
    def message(self) -> ConsumerMessage:
        """Return the message; it is made when it is first asked for, since most records of a batch never need one."""
        if self._message is None:
            self._message = to_message(self.tp, self._record, self.generation_id)
            self._message.refcount = 1
        return self._message


class BatchMessage(ConsumerMessage):
    """The message of a whole batch: in flight, a batch is one event."""

    __slots__ = ("received", "was_split")

    def __init__(self, received: list[Received[Any]]) -> None:
        first = received[0]
        super().__init__(
            *first.tp, first.offset, first.timestamp_ms / 1000, 0, None, None, None, None, 0, 0, first.tp,
            generation_id=first.generation_id,
        )  # fmt: skip
        self.refcount = 1
        self.received = received
        self.was_split = False


def members(message: Message) -> list[Message]:
    """Return the messages of a batch, or the message itself."""
    return [each.message for each in message.received] if isinstance(message, BatchMessage) else [message]


def offsets_of(message: Message) -> list[int]:
    """Return the offsets of a batch, or of the message itself."""
    return [each.offset for each in message.received] if isinstance(message, BatchMessage) else [message.offset]


class Batch(Sequence[Received[T]]):
    """Records of one partition, in offset order and without a gap."""

    def __init__(self, received: list[Received[T]], message: Any) -> None:
        self._received = received
        self._message = message
        self._app = received[0].app

    @property
    def topic(self) -> str:
        """Return the topic of the records."""
        return str(self._message.topic)

    @property
    def partition(self) -> int:
        """Return the partition of the records."""
        return int(self._message.partition)

    @property
    def values(self) -> list[T]:
        """Return only the record values."""
        return [record.value for record in self._received]

    def __len__(self) -> int:
        return len(self._received)

    @overload
    def __getitem__(self, index: int) -> Received[T]: ...
    @overload
    def __getitem__(self, index: slice) -> list[Received[T]]: ...
    def __getitem__(self, index: int | slice) -> Received[T] | list[Received[T]]:
        return self._received[index]

    def __iter__(self) -> Iterator[Received[T]]:
        return iter(self._received)

    def send(
        self,
        topic: Any,
        *,
        key: bytes | None,
        value: bytes | None,
        timestamp_ms: int,
        partition: int | None = None,
    ) -> None:
        """Append a record to a topic, in the commit of this batch.

        Args:
            topic: A topic of the app.
            key: The key, as bytes.
            value: The value, as bytes; None is a tombstone.
            timestamp_ms: Event time.
            partition: The partition; chosen by key when None.
        """
        add = getattr(self._app.producer, "add", None)
        if add is None:  # Faust's own driver
            topic.send_soon(
                key=key, value=value, partition=partition, timestamp=timestamp_ms / 1000,
                key_serializer="raw", value_serializer="raw",
            )  # fmt: skip
            return
        add(topic.get_topic_name(), key, value, partition, timestamp_ms, self._message)

    def split(self, error: Exception) -> bool:
        """Take back what the failed batch did, and have its events come again one at a time.

        Returns:
            False when there is nothing to split: the batch is one event, or a store has failed.
        """
        if not isinstance(self._message, BatchMessage) or isinstance(error, StoreFailedError):
            return False
        cast("Splitter", self._app.consumer).split_batch(self._message, error)
        return True


class BatchSize:
    """Decides how many records the next batch may have, so that its commit does not block the server too long."""

    def __init__(self, records_max: int, commit_us_max: int) -> None:
        self.records = min(records_max, BATCH_RECORDS_FIRST)
        self._records_max = records_max
        self._commit_us_max = commit_us_max

    def learn(self, records: int, cost_us: int) -> None:
        """Learn from what the commit of a batch costs. Larger ones cost less a record, so the size grows in steps."""
        if cost_us > self._commit_us_max:
            self.records = max(1, records * self._commit_us_max // cost_us)
        elif records >= self.records:
            fitting = records * self._commit_us_max // cost_us if cost_us else self._records_max
            self.records = min(self._records_max, 2 * records, max(fitting, records))


def batch_event(app: Any, received: list[Received[Any]]) -> Any:
    """Return the event that is current while an agent works on a batch."""
    return app.conf.Event(app, None, None, None, BatchMessage(received))
