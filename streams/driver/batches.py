"""Events of one partition that an agent takes together: one unit of the commit, as a single event is.

A batch is committed whole or not at all, since nothing tears it: what it produces belongs to its first event, all its
events are finished at one moment, and no offset inside of it can be committed alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, cast, overload

from faust.types import ConsumerMessage, Message

from streams.driver.stores import StoreFailedError

if TYPE_CHECKING:
    from streams.driver.consumer import Consumer
    from streams.driver.producer import Producer

T = TypeVar("T")


class Received(NamedTuple, Generic[T]):
    """A record as an agent gets it.

    Attributes:
        key: The key, of the type that the topic declares.
        value: The value, likewise.
        timestamp_ms: Event time.
        headers: Headers of the record.
        offset: Where it stands in its partition.
    """

    key: Any
    value: T
    timestamp_ms: int
    headers: dict[str, bytes]
    offset: int


class BatchMessage(ConsumerMessage):
    """Stands for a batch wherever the driver deals with the message of an event under way."""

    __slots__ = ("divided", "members")

    def __init__(self, members: list[Message]) -> None:
        first = members[0]
        super().__init__(
            first.topic, first.partition, first.offset, first.timestamp, 0, None, None, None, None, 0, 0, first.tp,
            generation_id=first.generation_id,
        )  # fmt: skip
        self.refcount = 1
        self.members = members
        self.divided = False


def members(message: Message) -> list[Message]:
    """The messages that a message stands for: those of a batch, or itself."""
    return message.members if isinstance(message, BatchMessage) else [message]


def offsets_of(message: Message) -> list[int]:
    """Offsets of the events that a message stands for."""
    return [each.offset for each in message.members] if isinstance(message, BatchMessage) else [message.offset]


class Batch(Sequence[Received[T]]):
    """Records of one partition, in order and without a gap between them."""

    def __init__(self, events: list[Any], message: Any) -> None:
        self._events = events
        self._message = message
        self._app = events[0].app

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
        return [event.value for event in self._events]

    def __len__(self) -> int:
        return len(self._events)

    @overload
    def __getitem__(self, index: int) -> Received[T]: ...
    @overload
    def __getitem__(self, index: slice) -> list[Received[T]]: ...
    def __getitem__(self, index: int | slice) -> Received[T] | list[Received[T]]:
        if isinstance(index, slice):
            return [_received(event) for event in self._events[index]]
        return _received(self._events[index])

    def __iter__(self) -> Iterator[Received[T]]:
        return map(_received, self._events)

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
        cast("Producer", self._app.producer).add(
            topic.get_topic_name(), key, value, partition, timestamp_ms, self._message
        )

    def divide(self, error: Exception) -> bool:
        """Take back what the batch did, since it failed, and have its events come again, one at a time.

        Returns:
            False when it cannot be divided: it is one event, which is to blame, or no event is.
        """
        if not isinstance(self._message, BatchMessage) or isinstance(error, StoreFailedError):
            return False
        consumer = cast("Consumer", self._app.consumer)
        consumer.redis_transport.failures.divide(self._message, error)
        return True


def batch_event(app: Any, events: list[Any]) -> Any:
    """The event that is current while a batch is worked on."""
    return app.conf.Event(app, None, None, None, BatchMessage([event.message for event in events]))


def _received(event: Any) -> Received[Any]:
    message = event.message
    return Received(event.key, event.value, round(message.timestamp * 1000), event.headers, message.offset)
