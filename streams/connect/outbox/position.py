"""The relay's position in an outbox, as the log stores it: three source offsets that one write compares and sets.

A log's source offsets are numbers by partition of the source. The outbox has three: the incarnation of the database's
outbox, the number of the last published event, and the digest of this event. So the log refuses a write that continues
another database's outbox, another position, or another history.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final, NamedTuple

from faust_redis.log import SourceOffsets, TopicPartition

SOURCE: Final = "outbox"
DIGEST_BYTES: Final = 6  # the log's script is exact up to 53 bits

_INCARNATION: Final = TopicPartition("incarnation", 0)
_NUMBER: Final = TopicPartition("number", 0)
_DIGEST: Final = TopicPartition("digest", 0)


class OutboxRow(NamedTuple):
    """One event of the outbox. Times are Unix microseconds."""

    number: int
    topic: str
    key: str
    time_us: int
    added_us: int
    value: bytes

    @property
    def digest(self) -> int:
        """Return a number that tells this event from any other. It is no protection against forgery."""
        hashed = hashlib.sha256(b"%d:%b" % (self.number, self.value)).digest()
        return int.from_bytes(hashed[:DIGEST_BYTES], "big")


class OutboxPosition(NamedTuple):
    """The point up to which the log holds the events of an outbox.

    Attributes:
        incarnation: The outbox that the log holds events of; empty while it holds none.
        number: The number of the last published event; 0 for none.
        digest: The digest of that event; 0 for none.
    """

    incarnation: str = ""
    number: int = 0
    digest: int = 0

    @classmethod
    def of(cls, offsets: Mapping[TopicPartition, int]) -> OutboxPosition:
        """Return the position that the source offsets hold."""
        incarnation = offsets.get(_INCARNATION, 0)
        name = f"{incarnation:0{2 * DIGEST_BYTES}x}" if incarnation else ""
        return cls(name, offsets.get(_NUMBER, 0), offsets.get(_DIGEST, 0))

    def after(self, incarnation: str, row: OutboxRow) -> OutboxPosition:
        """Return the position after publishing a row of an outbox."""
        return OutboxPosition(incarnation, row.number, row.digest)

    def step_to(self, to: OutboxPosition) -> SourceOffsets:
        """Return the source offsets of a write that may only happen at this position, and moves it."""
        return SourceOffsets(
            SOURCE,
            {
                _INCARNATION: (int(self.incarnation or "0", 16), int(to.incarnation, 16)),
                _NUMBER: (self.number, to.number),
                _DIGEST: (self.digest, to.digest),
            },
        )
