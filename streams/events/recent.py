"""A cache of recently encoded events, so that another domain of the process need not decode them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from streams.events.base import EventData
from streams.events.codec import decode, encode
from streams.events.envelope import AnyEvent

RECENT_MAX: Final = 4_096
"""Events in one generation of the cache, of about 2 KB each. The cache holds at most two generations."""


class Recent:
    """Encodes and decodes events, and caches the encoded ones. Events are frozen, so all domains may share them.

    Threads may share the cache. A race between two threads costs one more decoding and nothing else.
    """

    def __init__(self, recent_max: int = RECENT_MAX, *, classes: Collection[type[EventData]] | None = None) -> None:
        """Create an empty cache.

        Args:
            recent_max: Most events of one generation.
            classes: The classes of the events to cache, until `expect` adds some; None caches all events.
        """
        self._max = recent_max
        self._classes = None if classes is None else frozenset(classes)
        self._new: dict[bytes, AnyEvent] = {}
        self._old: dict[bytes, AnyEvent] = {}

    def expect(self, classes: Collection[type[EventData]]) -> None:
        """Cache events of these classes, too, because a domain of this process decodes them."""
        if self._classes is not None:
            self._classes = self._classes.union(classes)

    def encode(self, event: AnyEvent) -> bytes:
        """Encode an event, as `codec.encode` does."""
        raw = encode(event)
        if self._classes is not None and type(event.data) not in self._classes:
            return raw
        if len(self._new) >= self._max:
            self._old, self._new = self._new, {}
        self._new[raw] = event
        return raw

    def decode(self, raw: bytes | None) -> AnyEvent:
        """Decode an event, as `codec.decode` does, with the same errors."""
        if raw is None:
            return decode(raw)
        return self._new.get(raw) or self._old.get(raw) or decode(raw)

    def decode_from_client(self, raw: bytes | None) -> AnyEvent:
        """Decode an event of a client as `codec.decode` does, without a search: another process has encoded it."""
        return decode(raw)
