"""Errors of the log. Each message says what was expected, what came, and what to do."""

from __future__ import annotations


class LogError(Exception):
    """Base of all errors of the log."""


class LogUnavailableError(LogError):
    """The broker cannot be reached just now. Nothing is known to be written; retry with the same write id."""


class FencedError(LogError):
    """The writer's generation is over or its lease has run out: it must rejoin its group. Nothing was written."""


class RolledBackError(FencedError):
    """The broker does not have what this group committed: it was restored or lost writes. Nothing was written."""


class IncarnationError(LogError):
    """The topic is not the one this process knew: the broker was flushed, restored or the topic re-created."""


class UnknownTopicError(LogError):
    """The topic has not been created."""


class DamagedPartitionError(LogError):
    """Something other than this log changed a key of a partition, so the log cannot trust it. Nothing was written.

    Attributes:
        topic: The partition's topic.
        partition: The partition.
        damage: What was found.
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
    """The row that a write was to depend on is not there any more. Nothing was written."""


class SourceMovedError(LogError):
    """A copy of another log is not where this writer believes: somebody else copies too. Nothing was written."""


class GroupInUseError(LogError):
    """A group's offsets were to be changed by hand while members of it are alive. Nothing was changed."""


class TrimmedError(LogError):
    """Records that a reader had yet to read are gone: whatever removed them did not know who still needs them."""


class BrokerUnsuitableError(LogError):
    """The broker is too old or configured so that it could lose records (for example an evicting policy)."""


class NamespaceTakenError(BrokerUnsuitableError):
    """The namespace belongs to another application. Two applications on one would write to the same topics."""

    def __init__(self, namespace: str, application: str, owner: str, key: str) -> None:
        super().__init__(
            f"namespace {namespace!r} belongs to application {owner!r}, so application {application!r} cannot use it. "
            f"Give {application!r} a namespace of its own. If {owner!r} is gone for good, delete its data, or only the "
            f"key {key!r} to hand its topics over."
        )
