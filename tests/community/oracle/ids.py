"""Ids that the product derives: a UUIDv7 of a time and of a hash of the cause's id and some names (docs/events.md)."""

from __future__ import annotations

import hashlib
from uuid import UUID

HASH_BYTES = 10


def derived(at_ms: int, source: str, *names: str) -> str:
    """Return the id of an effect: the effect's time in milliseconds, then the hash."""
    digest = hashlib.blake2b("\x1f".join((source, *names)).encode(), digest_size=HASH_BYTES).digest()
    number = (at_ms << 80) | int.from_bytes(digest)
    number = number & ~(0xF << 76) | 0x7 << 76
    number = number & ~(0b11 << 62) | 0b10 << 62
    return str(UUID(int=number))


def trade_of(command: str) -> str:
    """Return the id of the trade that an OpenTrade command opens."""
    return derived(UUID(command).int >> 80, command, "trade")
