"""Define positions: for each partition, "all records below this offset", as text that clients can send back."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Position:
    """A point in one topic: all records below the given offset of each named partition.

    The text form is ``<topic>@<epoch>:<p>-<offset>.<p>-<offset>``. Without the topic, it is a feed's
    ``epoch:sequence``. The epoch is the topic's incarnation; positions of different epochs cannot be compared.
    """

    topic: str
    epoch: str
    offsets: dict[int, int]

    def __str__(self) -> str:
        return f"{self.topic}@{self.tag}"

    @property
    def tag(self) -> str:
        """Return ``epoch:sequence``, which a feed sends as its event id."""
        return f"{self.epoch}:" + ".".join(f"{p}-{o}" for p, o in sorted(self.offsets.items()))

    @classmethod
    def parse(cls, text: str) -> Position:
        """Parse the text form of a position.

        Raises:
            ValueError: `text` is not a position.
        """
        topic, at, tag = text.rpartition("@")
        if not at or not topic:
            raise ValueError(f"expected a position like 'topic@epoch:0-12.1-7', got {text[:120]!r}")
        return cls.parse_tag(topic, tag)

    @classmethod
    def parse_tag(cls, topic: str, tag: str) -> Position:
        """Parse the ``epoch:sequence`` of a known topic.

        Raises:
            ValueError: `tag` does not have that form.
        """
        epoch, colon, sequence = tag.partition(":")
        try:
            pairs = [pair.split("-") for pair in sequence.split(".")]
            offsets = {int(p): int(o) for p, o in pairs}
        except ValueError:
            offsets = {}
        if not colon or not epoch or not offsets or any(p < 0 or o < 0 for p, o in offsets.items()):
            raise ValueError(f"expected a position like 'epoch:0-12.1-7', got {tag[:120]!r}")
        return cls(topic, epoch, offsets)
