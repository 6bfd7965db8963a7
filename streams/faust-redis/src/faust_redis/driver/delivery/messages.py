"""Turn records of the log into Faust's messages."""

from __future__ import annotations

from faust.types import TP, ConsumerMessage, Message

from faust_redis.log import StoredRecord
from faust_redis.log.records import REPLAY_FOR_HEADER


def to_message(tp: TP, record: StoredRecord, generation: int) -> ConsumerMessage:
    """Return a record of a partition as a message of a generation."""
    offset, timestamp_ms, key, value, headers, writer, *_ = record
    return ConsumerMessage(
        tp[0],
        tp[1],
        offset,
        timestamp_ms / 1000.0,
        0,
        list(headers) if headers else None,
        key,
        value,
        writer,  # Faust does not use this field, the checksum; table stores keep the writer in their checkpoint
        None if key is None else len(key),
        None if value is None else len(value),
        tp,
        generation_id=generation,
    )


def copy_of(message: Message) -> ConsumerMessage:
    """Return a fresh copy of a message, without the state of agents that processed the original."""
    return ConsumerMessage(
        message.topic,
        message.partition,
        message.offset,
        message.timestamp,
        message.timestamp_type,
        message.headers,
        message.key,
        message.value,
        message.checksum,
        message.serialized_key_size,
        message.serialized_value_size,
        message.tp,
        generation_id=message.generation_id,
    )


def is_for_another_group(record: StoredRecord, group: str) -> bool:
    """Return whether a record is a replay for another consumer group. This group has processed the record already."""
    return any(name == REPLAY_FOR_HEADER and value.decode() != group for name, value in record.headers)
