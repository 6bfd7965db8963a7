"""Events of one partition that an agent takes together: one unit of the commit, as a single event is.

A batch is committed whole or not at all, since nothing tears it: what it produces belongs to its first event, all its
events are finished at one moment, and no offset inside of it can be committed alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, overload

from faust.types import TP, ConsumerMessage, Message

from faust_redis.driver.limits import BATCH_RECORDS_FIRST
from faust_redis.driver.messages import header_pairs, to_message
from faust_redis.driver.stores import StoreFailedError
from faust_redis.log import StoredRecord

if TYPE_CHECKING:
    from faust_redis.driver.consumer import Consumer

T = TypeVar("T")


class Received(Generic[T]):
    """A record as a batch agent gets it.

    Attributes:
        key: The key, of the type that the topic declares.
        value: The value, likewise.
        timestamp_ms: Event time.
        offset: Where it stands in its partition.
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

    def __init__(self, app: Any, tp: TP, generation_id: int, record: StoredRecord, key: Any, value: T) -> None:
        self.app = app
        self.tp = tp
        self.generation_id = generation_id
        self.offset, self.timestamp_ms = record.offset, record.timestamp_ms
        self.key = key
        self.value = value
        self._record = record
        self._message: ConsumerMessage | None = None

    @classmethod
    def of(cls, event: Any) -> Received[Any]:
        """Of an event of Faust's."""
        message = event.message
        record = StoredRecord(
            message.offset, round(message.timestamp * 1000), message.key, message.value, header_pairs(message.headers)
        )
        received = cls(event.app, message.tp, message.generation_id, record, event.key, event.value)
        received._message = message
        return received

    @property
    def headers(self) -> dict[str, bytes]:
        """Headers of the record."""
        return dict(self._record.headers)

    @property
    def message(self) -> ConsumerMessage:
        """What the driver and Faust deal with; most records of a batch never need one."""
        if self._message is None:
            self._message = to_message(self.tp, self._record, self.generation_id)
            self._message.refcount = 1
        return self._message


class BatchMessage(ConsumerMessage):
    """Stands for a batch wherever the driver deals with the message of an event under way."""

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
    """The messages that a message stands for: those of a batch, or itself."""
    return [each.message for each in message.received] if isinstance(message, BatchMessage) else [message]


def offsets_of(message: Message) -> list[int]:
    """Offsets of the events that a message stands for."""
    return [each.offset for each in message.received] if isinstance(message, BatchMessage) else [message.offset]


class Batch(Sequence[Received[T]]):
    """Records of one partition, in order and without a gap between them."""

    def __init__(self, received: list[Received[T]], message: Any) -> None:
        self._received = received
        self._message = message
        self._app = received[0].app

    @property
    def topic(self) -> str:
        """The topic that they are from."""
        return str(self._message.topic)

    @property
    def partition(self) -> int:
        """The partition that they are from."""
        return int(self._message.partition)

    @property
    def values(self) -> list[T]:
        """Their values alone."""
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
        """Append a record to a topic, with everything else that the batch does.

        Args:
            topic: A topic of the app.
            key: Its key, as bytes.
            value: Its value, as bytes; None is a tombstone.
            timestamp_ms: Event time.
            partition: Where to; by key when None.
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
        """Take back what the batch did, since it failed, and have its events come again, one at a time.

        Returns:
            False when it cannot be divided: it is one event, which is to blame, or no event is.
        """
        if not isinstance(self._message, BatchMessage) or isinstance(error, StoreFailedError):
            return False
        consumer = cast("Consumer", self._app.consumer)
        consumer.redis_transport.failures.split(self._message, error)
        return True


class BatchSize:
    """How many records the next batch may have, so that its commit costs the server no more than it should."""

    def __init__(self, records_max: int, commit_us_max: int) -> None:
        self.records = min(records_max, BATCH_RECORDS_FIRST)
        self._records_max = records_max
        self._commit_us_max = commit_us_max

    def learn(self, records: int, cost_us: int) -> None:
        """Note what the commit of a batch costs. Larger ones cost less for each record, so it grows step by step."""
        if cost_us > self._commit_us_max:
            self.records = max(1, records * self._commit_us_max // cost_us)
        elif records >= self.records:
            fitting = records * self._commit_us_max // cost_us if cost_us else self._records_max
            self.records = min(self._records_max, 2 * records, max(fitting, records))


def batch_event(app: Any, received: list[Received[Any]]) -> Any:
    """The event that is current while a batch is worked on."""
    return app.conf.Event(app, None, None, None, BatchMessage(received))
