"""A partitioned log on Redis Streams: dense offsets, one atomic write, groups with leases. Knows nothing of Faust."""

from streams.log.client import Appended, Log
from streams.log.errors import (
    BrokerUnsuitableError,
    CopyMovedError,
    FencedError,
    ForeignStreamError,
    IdempotencyConflictError,
    IncarnationError,
    LogError,
    LogUnavailableError,
    RolledBackError,
    RowGoneError,
    TopicMismatchError,
    UnknownTopicError,
)
from streams.log.position import Position
from streams.log.records import (
    Copied,
    Fence,
    Record,
    StoredRecord,
    TopicInfo,
    TopicPartition,
    TopicSpec,
    Transaction,
    WriteBatch,
)

__all__ = [
    "Appended",
    "BrokerUnsuitableError",
    "Copied",
    "CopyMovedError",
    "Fence",
    "FencedError",
    "ForeignStreamError",
    "IdempotencyConflictError",
    "IncarnationError",
    "Log",
    "LogError",
    "LogUnavailableError",
    "Position",
    "Record",
    "RolledBackError",
    "RowGoneError",
    "StoredRecord",
    "TopicInfo",
    "TopicMismatchError",
    "TopicPartition",
    "TopicSpec",
    "Transaction",
    "UnknownTopicError",
    "WriteBatch",
]
