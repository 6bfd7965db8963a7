"""Faust on Redis Streams: partitions, consumer groups, changelogged tables and exactly-once commits.

Install the package and give a Faust app a ``redis://`` broker URL. The names in `__all__` and `faust_redis.testing` are
the public API; every other module is private and may change without notice.

Each public name is imported when it is used first. So a program that needs only the log does not load Faust.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from faust_redis.admin import (
        Admin,
        GroupDescription,
        InvalidRequestError,
        MemberDescription,
        PartitionDescription,
        TableDescription,
        TopicDescription,
    )
    from faust_redis.append_order import consume_in_append_order
    from faust_redis.batches import Batch, Received, batch_agent
    from faust_redis.dead_letters import DeadLetter, DeadLetters, LetterPage, TransientError
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
    "LetterPage",
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
    "consume_in_append_order",
    "depths_of",
    "label_member",
]

_NAMES: Final = {
    "faust_redis.admin": (
        "Admin",
        "GroupDescription",
        "InvalidRequestError",
        "MemberDescription",
        "PartitionDescription",
        "TableDescription",
        "TopicDescription",
    ),
    "faust_redis.append_order": ("consume_in_append_order",),
    "faust_redis.batches": ("Batch", "Received", "batch_agent"),
    "faust_redis.dead_letters": ("DeadLetter", "DeadLetters", "LetterPage", "TransientError"),
    "faust_redis.depths": ("Depths", "depths_of"),
    "faust_redis.hooks": (
        "BatchBegun",
        "BatchFinished",
        "Committed",
        "DeadLettered",
        "HeldBack",
        "Hooks",
        "Rebalanced",
        "Recovered",
        "Retried",
        "SendsRefused",
        "add_hooks",
    ),
    "faust_redis.labels": ("label_member",),
    "faust_redis.log.errors": (
        "DamagedPartitionError",
        "GroupInUseError",
        "LogError",
        "LogUnavailableError",
        "TopicMismatchError",
        "UnknownTopicError",
    ),
    "faust_redis.log.records": ("TopicPartition", "TopicSpec"),
    "faust_redis.typed": ("Typed",),
}
_MODULES: Final = {name: module for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name at its first use."""
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(module), name)
    return value


def __dir__() -> list[str]:
    """Return the public names, for completion in editors."""
    return [*__all__, "__version__"]
