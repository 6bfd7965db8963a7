"""Define the protocol of a table store that keeps uncommitted writes apart. `faust_redis.rocksdb` implements it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from faust.types import TP, Message

from faust_redis.driver.source import Source

Items = Iterable[tuple[bytes, bytes | None]]
"""Keys and values; None deletes."""


class Checkpoint(NamedTuple):
    """The changelog offset up to which local rows hold the changelog, and the writer of the record at that offset.

    Attributes:
        incarnation: The changelog topic's incarnation id.
        offset: The offset of the last record that the rows hold.
        writer: The writer of that record. A member draws a new writer name with each assignment. So two logs that
            diverged after a restored backup have different writers at the same offset. Kafka uses leader epochs for
            this (KIP-101).
    """

    incarnation: str
    offset: int
    writer: bytes


class StoreFailedError(Exception):
    """A table store cannot read or write.

    The error is not an event's fault. So the worker ends, and the next owner of its partitions reads the log.
    """


@runtime_checkable
class CommittedStore(Protocol):
    """A table store that keeps uncommitted writes apart. The committer reports each commit to it."""

    def on_committed(self, tp: TP, items: Sequence[tuple[bytes, bytes | None]], checkpoint: Checkpoint) -> None:
        """Write committed changes and their checkpoint durably in one batch."""

    def look_up(self, key: bytes, message: Message | None) -> bytes | None:
        """Return a row's value as a message's event sees it; None when there is none.

        Outside of events, `message` is None.
        """

    def change(self, rows: Items, message: Message) -> None:
        """Add uncommitted writes of a message's event."""

    def undo(self, tp: TP, key: bytes, source: Source) -> None:
        """Take back an event's uncommitted write to a key."""

    def checkpoint(self, tp: TP) -> Checkpoint | None:
        """Return the checkpoint of a partition's local rows; None when there are no complete rows."""

    def restore(self, tp: TP, items: Items, checkpoint: Checkpoint | None) -> None:
        """Write rows that were read from the log; None as checkpoint means that the rows are incomplete."""

    def wipe(self, tp: TP) -> None:
        """Drop the local rows of a partition and their checkpoint."""
