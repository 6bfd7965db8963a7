"""Ids: UUIDv7 text (RFC 9562 section 5.7), drawn or derived.

Derived ids give the effects of a redelivered event the same ids again.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Final
from uuid import UUID

from streams.times import Instant

ENTROPY_BYTES: Final = 10
_MILLISECONDS_BITS: Final = 48
_VERSION_7: Final = 0x7
_VARIANT_RFC: Final = 0b10
_SEPARATOR: Final = b"\x1f"


def uuid7(timestamp_ms: int, entropy: bytes) -> str:
    """The UUIDv7 of a time (Unix milliseconds) and ten bytes, of which 74 bits are used.

    Raises:
        ValueError: when the time does not fit 48 bits or there are not ten bytes.
    """
    if not 0 <= timestamp_ms < 1 << _MILLISECONDS_BITS:
        raise ValueError(f"expected Unix milliseconds of at most 48 bits, got {timestamp_ms}")
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError(f"expected {ENTROPY_BYTES} bytes of entropy, got {len(entropy)}")
    random_a = int.from_bytes(entropy[:2]) & 0xFFF
    random_b = int.from_bytes(entropy[2:]) & ((1 << 62) - 1)
    return str(UUID(int=timestamp_ms << 80 | _VERSION_7 << 76 | random_a << 64 | _VARIANT_RFC << 62 | random_b))


def new_id(now: Instant) -> str:
    """A fresh id made at `now`."""
    return uuid7(now.milliseconds(), secrets.token_bytes(ENTROPY_BYTES))


def timestamp_ms(event_id: str) -> int:
    """The Unix milliseconds that a UUIDv7 carries.

    Raises:
        ValueError: when `event_id` is not a UUID.
    """
    return UUID(event_id).int >> 80


def derived_id(source_id: str, *names: str) -> str:
    """The id of what follows from an event: its timestamp, and a hash of its id and the names.

    Raises:
        ValueError: when `source_id` is not a UUID.
    """
    return uuid7(timestamp_ms(source_id), _digest(source_id, *names))


def opened_trade_id(command_id: str) -> str:
    """The id of the trade that an OpenTrade command opens."""
    return derived_id(command_id, "trade")


def fill_event_id(venue: str, fill_id: str, occurred_at: Instant) -> str:
    """The id of the event that reports a venue's fill, the same however often it is reported."""
    return uuid7(occurred_at.milliseconds(), _digest("fill", venue, fill_id))


def _digest(*parts: str) -> bytes:
    joined = _SEPARATOR.join(part.encode() for part in parts)
    return hashlib.blake2b(joined, digest_size=ENTROPY_BYTES).digest()
