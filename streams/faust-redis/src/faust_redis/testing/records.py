"""Define the records that a test sees, and encode and decode them with the app's own types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import faust
from faust.types import TP, ConsumerMessage

from faust_redis.log import StoredRecord
from faust_redis.testing import internals


@dataclass(frozen=True, slots=True)
class TestRecord:
    """Hold a record of a topic.

    Attributes:
        key: The key, decoded with the topic's key type.
        value: The value, decoded with the topic's value type. None is a tombstone.
        timestamp: Event time in seconds since 1970.
        headers: Headers, with values as bytes.
        partition: The record's partition.
        offset: Its offset there.
        order: Its append number, which ascends over all topics of a partition number; 0 in a compacted topic.
    """

    __test__ = False

    key: Any
    value: Any
    timestamp: float
    headers: Mapping[str, bytes] = field(default_factory=dict)
    partition: int = 0
    offset: int = 0
    order: int = 0


def topic_object(apps: Sequence[faust.App], name: str) -> Any:
    """Return the apps' topic object for a name, or one without types when their code refers to none."""
    found = None
    for topic in (topic for app in apps for topic in internals.topics_of(app)):
        if isinstance(topic, faust.Topic) and topic.app in apps and name in topic.topics:
            found = topic
            if topic.schema is not None and (topic.schema.value_type or topic.schema.key_type):
                return topic
    return found if found is not None else apps[0].topic(name)


def encode(topic: Any, key: Any, value: Any) -> tuple[bytes | None, bytes | None]:
    """Encode a key and a value with the topic's types and serializers.

    Raises:
        TypeError: when they cannot be serialized.
    """
    try:
        encoded_key, _ = topic.prepare_key(key, topic.key_serializer or topic.schema.key_serializer)
        encoded_value = None
        if value is not None:
            encoded_value, _ = topic.prepare_value(value, topic.value_serializer or topic.schema.value_serializer)
    except Exception as exc:
        raise TypeError(
            f"topic {topic.get_topic_name()!r} cannot serialize key {key!r} and value {value!r}: {exc}"
        ) from exc
    return encoded_key, encoded_value


def decode(topic: Any, partition: int, record: StoredRecord) -> TestRecord:
    """Decode a stored record with the topic's types.

    Raises:
        ValueError: when they cannot be decoded.
    """
    tp = TP(topic.get_topic_name(), partition)
    message = ConsumerMessage(
        *tp, record.offset, record.timestamp_ms / 1000, 0, list(record.headers) or None,
        record.key, record.value, None, None, None, tp,
    )  # fmt: skip
    value = None
    try:
        if record.value is not None:
            event = _without_waiting(topic.decode(message, propagate=True))
            key, value = event.key, event.value
        else:
            key = topic.schema.loads_key(topic.app, message)
    except Exception as exc:
        raise ValueError(
            f"record {tp.topic}:{partition}:{record.offset} (key {record.key!r}, value {record.value!r}) does not have "
            f"the types of its topic: {exc}. Pass the topic object if the driver guessed the topic from its name."
        ) from exc
    headers = dict(record.headers)
    return TestRecord(key, value, record.timestamp_ms / 1000, headers, partition, record.offset, record.order)


def _without_waiting(coroutine: Any) -> Any:
    """Return the result of a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    coroutine.close()
    raise TypeError("decoding waits for something")
