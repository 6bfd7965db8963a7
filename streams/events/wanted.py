"""Tell by its type whether an encoded event is one that a domain has a rule for, so that others need no decoding."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from streams.events.base import CATALOGUE, EventData

_MARK: Final = b'"type":"'


class Wanted(dict[bytes, bool]):
    """Chooses encoded events of some classes. By type: whether it is chosen."""

    def __init__(self, classes: Collection[type[EventData]]) -> None:
        super().__init__()
        self._classes = classes

    def __missing__(self, name: bytes) -> bool:
        model = CATALOGUE.get(name.decode(errors="replace"))
        chosen = self[name] = model is None or model in self._classes
        return chosen

    def __call__(self, raw: bytes | None) -> bool:
        """Return whether an event is of one of the classes, or may be: what is not clear must be decoded."""
        if raw is None:
            return True
        begin = raw.find(_MARK) + len(_MARK)
        if begin < len(_MARK) or raw.find(b"{", 1, begin) >= 0:  # no type, or one within another object
            return True
        return self[raw[begin : raw.find(b'"', begin)]]
