"""Define what the driver needs of a table store that keeps uncommitted writes apart; `faust_redis.rocksdb` is one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from faust.types import TP, Message

from faust_redis.driver.source import Source

Items = Iterable[tuple[bytes, bytes | None]]
"""Keys and values; None deletes."""


class Checkpoint(NamedTuple):
    """Up to where local rows are the fold of a changelog, and whose record stands there.

    Attributes:
        incarnation: The changelog topic's incarnation id.
        offset: The last record that is in the rows.
        writer: Its writer. Each time a member gets a partition it draws a new one, so two logs that parted after a
            restored backup have different writers at the same offset (Kafka's leader epochs, KIP-101, serve the same).
    """

    incarnation: str
    offset: int
    writer: bytes


class StoreFailedError(Exception):
    """A table store cannot read or write. No event is to blame: the worker ends, and its successor reads the log."""


@runtime_checkable
class CommittedStore(Protocol):
    """A table store that keeps uncommitted writes apart and is told what was committed."""

    def on_committed(self, tp: TP, items: Sequence[tuple[bytes, bytes | None]], reached: Checkpoint) -> None:
        """Make these changes durable, with what they reach, in one batch."""

    def look_up(self, key: bytes, message: Message | None) -> bytes | None:
        """A row's value as the event of a message sees it (None: outside of events); None when there is none."""

    def change(self, rows: Items, message: Message) -> None:
        """Change rows in the event of a message, uncommitted."""

    def undo(self, tp: TP, key: bytes, source: Source) -> None:
        """Take back what an event wrote to a key, uncommitted."""

    def reached(self, tp: TP) -> Checkpoint | None:
        """What the local rows of a partition reach; None when there are none that can be trusted."""

    def restore(self, tp: TP, items: Items, reached: Checkpoint | None) -> None:
        """Write rows read from the log; without `reached` more must follow before they can be trusted."""

    def wipe(self, tp: TP) -> None:
        """Drop the local rows of a partition, and what they reach."""
