"""Events that this process wrote a moment ago: what one domain has sent, others read without decoding it again."""

from __future__ import annotations

from typing import Final

from streams.events.codec import decode, encode
from streams.events.envelope import AnyEvent

RECENT_MAX: Final = 4_096
"""Events remembered, of about 2 KB each; twice as many for a moment."""


class Recent:
    """Encodes and decodes events, and knows those again that it encoded. They are frozen: all may share them.

    Threads may share it too: a race between two of them costs a decoding and nothing else.
    """

    def __init__(self, recent_max: int = RECENT_MAX) -> None:
        self._max = recent_max
        self._new: dict[bytes, AnyEvent] = {}
        self._old: dict[bytes, AnyEvent] = {}

    def encode(self, event: AnyEvent) -> bytes:
        """As `encode`."""
        raw = encode(event)
        if len(self._new) >= self._max:
            self._old, self._new = self._new, {}
        self._new[raw] = event
        return raw

    def decode(self, raw: bytes | None) -> AnyEvent:
        """As `decode`, with what it raises."""
        if raw is None:
            return decode(raw)
        return self._new.get(raw) or self._old.get(raw) or decode(raw)
