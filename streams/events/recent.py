"""A cache of recently encoded events, so that another domain of the process need not decode them."""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from streams.events.codec import decode, encode
from streams.events.envelope import AnyEvent

RECENT_MAX: Final = 4_096
"""Events in one generation of the cache, of about 2 KB each. The cache holds at most two generations."""


class Recent:
    """Encodes and decodes events, and caches the encoded ones. Events are frozen, so all domains may share them.

    Threads may share the cache. A race between two threads costs one more decoding and nothing else.
    """

    def __init__(self, recent_max: int = RECENT_MAX, *, topics: Container[str] | None = None) -> None:
        """Create an empty cache.

        Args:
            recent_max: Most events of one generation.
            topics: The topics whose events the process both encodes and decodes; None caches the events of all topics.
        """
        self._max = recent_max
        self._topics = topics
        self._new: dict[bytes, AnyEvent] = {}
        self._old: dict[bytes, AnyEvent] = {}

    def encode(self, event: AnyEvent) -> bytes:
        """Encode an event, as `codec.encode` does."""
        raw = encode(event)
        if self._topics is not None and event.data.topic not in self._topics:
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
