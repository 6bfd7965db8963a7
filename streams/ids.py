"""Ids: UUIDv7 text (RFC 9562 section 5.7), drawn or derived; the id of a venue's fill is a UUIDv8 (section 5.8).

Derived ids give the effects of a redelivered event the same ids again.
"""

from __future__ import annotations

import hashlib
import secrets
from functools import lru_cache
from typing import Final
from uuid import UUID

from streams.times import Instant

ENTROPY_BYTES: Final = 10
ID_CHARS: Final = 36
UUID_BYTES: Final = 16
_MILLISECONDS_BITS: Final = 48
_VARIANT_RFC: Final = {digit: "89ab"[int(digit, 16) & 0b11] for digit in "0123456789abcdef"}
"""The two upper bits of a hexadecimal digit set to the variant."""
_SEPARATOR: Final = "\x1f"
_EMPTY_HASH: Final = hashlib.blake2b(digest_size=ENTROPY_BYTES)
"""The hash of derived ids before its input. A copy of it costs half of a new hash."""
_TIMES_CACHED: Final = 4_096


def uuid7(timestamp_ms: int, entropy: bytes) -> str:
    """Return the UUIDv7 of a time (Unix milliseconds) and ten bytes, of which 74 bits are used.

    Raises:
        ValueError: when the time does not fit 48 bits or there are not ten bytes.
    """
    if not 0 <= timestamp_ms < 1 << _MILLISECONDS_BITS:
        raise ValueError(f"expected Unix milliseconds of at most 48 bits, got {timestamp_ms}")
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError(f"expected {ENTROPY_BYTES} bytes of entropy, got {len(entropy)}")
    return _text(timestamp_ms, entropy.hex())


def _text(time_ms: int, random: str) -> str:
    """Return the text of an id. Version 7 and the variant of RFC 9562 replace six of the random bits."""
    return f"{_time_text(time_ms)}-7{random[1:4]}-{_VARIANT_RFC[random[4]]}{random[5:8]}-{random[8:]}"


@lru_cache(_TIMES_CACHED)
def _time_text(time_ms: int) -> str:
    """Return the first two groups of an id, which hold its time. The effects of one event share a time."""
    time = f"{time_ms:012x}"
    return f"{time[:8]}-{time[8:]}"


def new_id(now: Instant) -> str:
    """Return a fresh id made at `now`."""
    return uuid7(now.milliseconds(), secrets.token_bytes(ENTROPY_BYTES))


def timestamp_ms(event_id: str) -> int:
    """Return the Unix milliseconds that a UUIDv7 carries.

    Raises:
        ValueError: when `event_id` is not a UUID.
    """
    return UUID(event_id).int >> 80


def time_of(text: str) -> int | None:
    """Return the Unix milliseconds of a UUIDv7; None for any other text."""
    try:
        found = UUID(text)
    except ValueError:
        return None
    return timestamp_ms(text) if found.version == 7 and len(text) == ID_CHARS else None  # noqa: PLR2004


def derived_id(time_ms: int, source_id: str, *names: str) -> str:
    """Return the UUIDv7 of an effect of an event: the effect's time and a hash of the event's id and the names."""
    digest = _EMPTY_HASH.copy()
    digest.update(_SEPARATOR.join((source_id, *names)).encode())
    return _text(time_ms, digest.hexdigest())


def opened_trade_id(command_id: str) -> str:
    """Return the id of the trade that an OpenTrade command opens.

    Raises:
        ValueError: when `command_id` is not a UUID.
    """
    return derived_id(timestamp_ms(command_id), command_id, "trade")


def withdrawal_id_of(command_id: str) -> str:
    """Return the id of the withdrawal that a Withdraw command asks for.

    Raises:
        ValueError: when `command_id` is not a UUID.
    """
    return derived_id(timestamp_ms(command_id), command_id, "withdrawal")


def fill_event_id(venue: str, user_id: str, fill_id: str) -> str:
    """Return the id of the event that reports a venue's fill to a user. Other content of the report does not change it.

    The id is a UUIDv8, a hash without a time. A UUIDv7 would hold the time of the fill, and a corrected time would
    make it another fill.
    """
    name = _SEPARATOR.join(("fill", venue, user_id, fill_id))
    digest = hashlib.blake2b(name.encode(), digest_size=UUID_BYTES).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-8{digest[13:16]}-{_VARIANT_RFC[digest[16]]}{digest[17:20]}-{digest[20:]}"


def short_hash(name: str, size: int) -> bytes:
    """Return a hash of names, of so many bytes."""
    return hashlib.blake2b(name.encode(), digest_size=size).digest()
