"""The `id` of feed events as clients hold it: a position that they can send back, but neither read nor forge.

The offsets of a position tell in which partition a record was written, and so tell apart the users of public events.
"""

from __future__ import annotations

from collections import OrderedDict

from api.kit.sealing import Sealer

CACHED_MAX = 64
ID_CHARS_MAX = 65_536
"""The longest id that a client may send back."""


class ResumeIds:
    """Seals and opens the ids of one feed. An id of another feed does not open."""

    def __init__(self, sealer: Sealer, feed: str) -> None:
        self._sealer = sealer
        self._purpose = f"feed {feed}"
        self._cached: OrderedDict[str, str] = OrderedDict()

    def seal(self, tag: str) -> str:
        """Return the id for a position's tag. The last ones are cached: all subscribers of a round share a few."""
        known = self._cached.get(tag)
        if known is None:
            known = self._cached[tag] = self._sealer.seal(self._purpose, tag)
            if len(self._cached) > CACHED_MAX:
                self._cached.popitem(last=False)
        return known

    def open(self, sealed: str) -> str:
        """Return the position's tag.

        Raises:
            ValueError: when this API did not give the id for this feed.
        """
        return self._sealer.open(self._purpose, sealed)
