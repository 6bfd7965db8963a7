"""Define batches: events of one partition that an agent processes together, as one unit of the commit.

The committer commits a batch as a whole or not at all. The outputs of a batch belong to its first event. All its events
finish at the same moment, and the committer commits no offset within it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Generic, Protocol, TypeVar, cast, overload

from faust.types import TP, ConsumerMessage, Message

from faust_redis.driver.commit.committer import OutputDroppedError
from faust_redis.driver.commit.outputs import OutputColumns
from faust_redis.driver.delivery.messages import to_message
from faust_redis.driver.headers import header_pairs
from faust_redis.driver.limits import BATCH_RECORDS_FIRST
from faust_redis.driver.source import Source
from faust_redis.driver.state.stores import StoreFailedError
from faust_redis.log import StoredRecord

T = TypeVar("T")

Needs = Callable[[bytes | None], bool]
"""Returns whether an agent needs a record, by its value as bytes."""


def is_needed(needs: Needs | None, value: bytes | None) -> bool:
    """Return whether an agent needs a record. One that `needs` cannot judge goes to the agent, or to dead letters."""
    if needs is None:
        return True
    try:
        return needs(value)
    except Exception:
        return True


_RAW = (bytes, type(None))


class Splitter(Protocol):
    """Takes back a failed batch and delivers its events again, one at a time."""

    def split_batch(self, message: BatchMessage, error: Exception) -> None:
        """Split a batch."""


class Received(Generic[T]):
    """One record of a batch.

    Attributes:
        key: The key, of the type that the topic declares.
        value: The value, of the type that the topic declares.
        timestamp_ms: Event time.
        offset: Its offset in the partition.
        follows: The offset before it, or before the records between that the agent does not need.
    """

    __slots__ = (
        "__weakref__",
        "_message",
        "_record",
        "app",
        "follows",
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
        self.follows = record.offset - 1
        self.key = key
        self.value = value
        self._record = record
        self._message = message

    @classmethod
    def of(cls, event: Any) -> Received[Any]:
        """Create a batch record from Faust's event."""
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
        """Return the record's message. It is created on first use, since most records of a batch never need one."""
        if self._message is None:
            self._message = to_message(self.tp, self._record, self.generation_id)
            self._message.refcount = 1
        return self._message


class BatchMessage(ConsumerMessage):
    """The message of a whole batch, which is a single event in flight."""

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
    """Records of one partition, in offset order. None that the agent needs is missing between them."""

    def __init__(self, received: list[Received[T]], message: Any) -> None:
        self._received = received
        self._message = message
        self._app = received[0].app
        self._sent: dict[tuple[Any, int | None], OutputColumns] = {}
        """Records to append, by topic and partition."""
        self._ended = False

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

        Raises:
            RuntimeError: the handler has ended.
            TypeError: the key or the value is not bytes, or the time is no integer.
        """
        if not (isinstance(value, _RAW) and isinstance(key, _RAW) and isinstance(timestamp_ms, int)):
            raise TypeError(
                "expected bytes or None as key and value and an integer as time, "
                f"got {type(key).__name__}, {type(value).__name__} and {type(timestamp_ms).__name__}"
            )
        columns = self._sent.get((topic, partition))
        if columns is None:
            columns = self._columns(topic, key, partition)
            if columns is None:
                topic.send_soon(
                    key=key, value=value, partition=partition, timestamp=timestamp_ms / 1000,
                    key_serializer="raw", value_serializer="raw",
                )  # fmt: skip
                return
        columns.numbers.append(columns.draw())
        columns.timestamps.append(timestamp_ms)
        columns.keys.append(key)
        columns.values.append(value)

    def _columns(self, topic: Any, key: bytes | None, partition: int | None) -> OutputColumns | None:
        """Return the records for a partition, to append to; None under Faust's own driver."""
        if self._ended:
            raise RuntimeError("the handler of this batch has ended; send to the topic itself")
        writes = getattr(self._app.producer, "writes", None)
        if writes is None:
            return None
        name = topic.get_topic_name()
        if partition is None:
            partition = writes.partition(name, key)
        place = topic, partition
        if place not in self._sent:
            writes.unjoined.add(self._source)
            self._sent[place] = OutputColumns(name, partition, writes.draw)
        return self._sent[place]

    @property
    def _source(self) -> Source:
        return self._message.tp, self._message.offset

    def join(self) -> None:
        """Hand the sent records over to the pending writes, unless the batch failed or was handed over meanwhile."""
        sent, self._sent, self._ended = self._sent, {}, True
        if not sent:
            return
        writes, message = self._app.producer.writes, self._message
        writes.unjoined.discard(self._source)
        if message.acked or (isinstance(message, BatchMessage) and message.was_split):
            return
        with suppress(OutputDroppedError):  # the new owner processes the batch again
            for columns in sent.values():
                writes.add_columns(columns, message)

    def split(self, error: Exception) -> bool:
        """Take back the effects of a failed batch, and deliver its events again one at a time.

        Returns:
            False when the batch cannot be split: it is a single event, or a store has failed.
        """
        if not isinstance(self._message, BatchMessage) or isinstance(error, StoreFailedError):
            return False
        cast("Splitter", self._app.consumer).split_batch(self._message, error)
        return True


class BatchSize:
    """Sets how many records the next batch may have, so that its commit does not block the server too long."""

    def __init__(self, records_max: int, commit_us_max: int) -> None:
        self.records = min(records_max, BATCH_RECORDS_FIRST)
        self._records_max = records_max
        self._commit_us_max = commit_us_max

    def learn(self, records: int, cost_us: int) -> None:
        """Adapt the size to the cost of a batch's commit. Larger batches cost less per record, so it grows in steps."""
        if cost_us > self._commit_us_max:
            self.records = max(1, records * self._commit_us_max // cost_us)
        elif records >= self.records:
            fitting = records * self._commit_us_max // cost_us if cost_us else self._records_max
            self.records = min(self._records_max, 2 * records, max(fitting, records))


def batch_event(app: Any, received: list[Received[Any]]) -> Any:
    """Return the event that is current while an agent works on a batch."""
    return app.conf.Event(app, None, None, None, BatchMessage(received))
