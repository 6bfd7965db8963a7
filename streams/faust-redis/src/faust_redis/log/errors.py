"""Define the errors of the log. Each message names the expected state, the found state, and the remedy."""

from __future__ import annotations


class LogError(Exception):
    """Base of all errors of the log."""


class LogUnavailableError(LogError):
    """The broker cannot be reached. The outcome of a write is unknown; retry it with the same write id."""


class ResizingError(LogUnavailableError):
    """The number of partitions changes just now, so that the topic takes no records. Nothing was written."""


class ResizedError(LogError):
    """The topic has another number of partitions than the writer knew, so keys are in other partitions now.

    Nothing was written. Look the topic up again; a member starts again.
    """


class FencedError(LogError):
    """The writer's generation is over or its lease has expired. It must rejoin its group. Nothing was written."""


class RolledBackError(FencedError):
    """The broker lacks a commit of this group, because it was restored or lost writes. Nothing was written."""


class IncarnationError(LogError):
    """The topic's incarnation has changed: the topic was re-created, or the broker was flushed or restored."""


class UnknownTopicError(LogError):
    """The topic has not been created."""


class DamagedPartitionError(LogError):
    """Something other than this log changed a key of a partition, so the log cannot trust it. Nothing was written.

    Attributes:
        topic: The partition's topic.
        partition: The partition.
        damage: A description of the damage.
    """

    def __init__(self, topic: str, partition: int, damage: str) -> None:
        super().__init__(
            f"partition {partition} of {topic!r} is damaged: {damage}. Something else wrote to it; stop that writer, "
            f"then run 'faust-redis topics repair {topic} {partition}'."
        )
        self.topic = topic
        self.partition = partition
        self.damage = damage


class ForeignKeyError(LogError):
    """A key of the log holds a value of another type: something else wrote it. Nothing was written."""


class TopicMismatchError(LogError):
    """A topic exists with another partition count or cleanup policy than the one declared."""


class IdempotencyConflictError(LogError):
    """The idempotency key was used before with another body."""


class RowGoneError(LogError):
    """The row that a write requires no longer exists. Nothing was written."""


class SourceMovedError(LogError):
    """The copy of another log is at another offset than this writer expects, so another process also copies it.

    Nothing was written.
    """


class GroupInUseError(LogError):
    """A group's offsets cannot be changed by hand, because the group has live members. Nothing was changed."""


class TrimmedError(LogError):
    """Records that a reader still needs were removed, without regard to this reader."""


class PermissionDeniedError(LogError):
    """The broker's user may not run a command or touch a key. The message names the command. An operator has to help.

    Earlier commands of the same script have had their effect.
    """


class BrokerUnsuitableError(LogError):
    """The broker is too old or configured so that it could lose records (for example an evicting policy)."""


class NamespaceTakenError(BrokerUnsuitableError):
    """The namespace belongs to another application. Two applications in one namespace would share their topics."""

    def __init__(self, namespace: str, application: str, owner: str, key: str) -> None:
        super().__init__(
            f"namespace {namespace!r} belongs to application {owner!r}, so application {application!r} cannot use it. "
            f"Give {application!r} a namespace of its own. If {owner!r} is gone for good, delete its data, or only the "
            f"key {key!r} to hand its topics over."
        )


class ShardMismatchError(BrokerUnsuitableError):
    """The broker holds another shard of the namespace, or the namespace is divided in another way."""

    def __init__(self, namespace: str, address: str, found: str, expected: str) -> None:
        super().__init__(
            f"namespace {namespace!r} at {address} is shard {found}, and {expected} was expected. A namespace keeps "
            "its number of shards (0/1 is one that is not divided): name the brokers in their first order and number, "
            "or begin with empty brokers."
        )
