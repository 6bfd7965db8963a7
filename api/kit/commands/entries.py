"""Encoded events, with the keys that decide their partitions."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """An event to append. `time_ms`: event time, Unix milliseconds."""

    id: str
    key: str
    value: bytes
    time_ms: int
