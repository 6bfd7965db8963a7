"""Positions: "everything below these offsets", as text that clients can hand back."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Position:
    """A point in one topic: for each partition named, all records below the offset.

    As text ``<topic>@<epoch>:<p>-<offset>.<p>-<offset>``; without the topic it is the ``epoch:sequence`` of a feed.
    The epoch is the topic's incarnation: a position of another epoch cannot be compared.
    """

    topic: str
    epoch: str
    offsets: dict[int, int]

    def __str__(self) -> str:
        return f"{self.topic}@{self.tag}"

    @property
    def tag(self) -> str:
        """``epoch:sequence``, the part that a feed sends as its event id."""
        return f"{self.epoch}:" + ".".join(f"{p}-{o}" for p, o in sorted(self.offsets.items()))

    @classmethod
    def parse(cls, text: str) -> Position:
        """Read a position back.

        Raises:
            ValueError: when `text` is not a position.
        """
        topic, at, tag = text.rpartition("@")
        if not at or not topic:
            raise ValueError(f"expected a position like 'topic@epoch:0-12.1-7', got {text[:120]!r}")
        return cls.parse_tag(topic, tag)

    @classmethod
    def parse_tag(cls, topic: str, tag: str) -> Position:
        """Read ``epoch:sequence`` of a known topic.

        Raises:
            ValueError: when `tag` is not of that form.
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
