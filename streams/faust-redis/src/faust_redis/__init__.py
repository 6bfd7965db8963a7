"""Faust on Redis Streams: partitions, consumer groups, changelogged tables and exactly-once commits.

Install the package and give a Faust app a ``redis://`` broker URL. The names in `__all__` and `faust_redis.testing` are
the public API; every other module is private and may change without notice.
"""

from faust_redis.admin import (
    Admin,
    GroupDescription,
    InvalidRequestError,
    MemberDescription,
    PartitionDescription,
    TableDescription,
    TopicDescription,
)
from faust_redis.batches import Batch, Received, batch_agent
from faust_redis.dead_letters import DeadLetter, DeadLetters, TransientError
from faust_redis.depths import Depths, depths_of
from faust_redis.hooks import (
    BatchBegun,
    BatchFinished,
    Committed,
    DeadLettered,
    HeldBack,
    Hooks,
    Rebalanced,
    Recovered,
    Retried,
    SendsRefused,
    add_hooks,
)
from faust_redis.labels import label_member
from faust_redis.log.errors import (
    DamagedPartitionError,
    GroupInUseError,
    LogError,
    LogUnavailableError,
    TopicMismatchError,
    UnknownTopicError,
)
from faust_redis.log.records import TopicPartition, TopicSpec
from faust_redis.typed import Typed

__version__ = "0.2.0"

__all__ = [
    "Admin",
    "Batch",
    "BatchBegun",
    "BatchFinished",
    "Committed",
    "DamagedPartitionError",
    "DeadLetter",
    "DeadLettered",
    "DeadLetters",
    "Depths",
    "GroupDescription",
    "GroupInUseError",
    "HeldBack",
    "Hooks",
    "InvalidRequestError",
    "LogError",
    "LogUnavailableError",
    "MemberDescription",
    "PartitionDescription",
    "Rebalanced",
    "Received",
    "Recovered",
    "Retried",
    "SendsRefused",
    "TableDescription",
    "TopicDescription",
    "TopicMismatchError",
    "TopicPartition",
    "TopicSpec",
    "TransientError",
    "Typed",
    "UnknownTopicError",
    "add_hooks",
    "batch_agent",
    "depths_of",
    "label_member",
]
