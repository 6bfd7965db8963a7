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
ID_CHARS: Final = 36
_TIME_CHARS: Final = len("01920e92-e180")
_MILLISECONDS_BITS: Final = 48
_VARIANT_RFC: Final = {digit: "89ab"[int(digit, 16) & 0b11] for digit in "0123456789abcdef"}
"""The two upper bits of a hexadecimal digit set to the variant."""
_SEPARATOR: Final = "\x1f"


def uuid7(timestamp_ms: int, entropy: bytes) -> str:
    """The UUIDv7 of a time (Unix milliseconds) and ten bytes, of which 74 bits are used.

    Raises:
        ValueError: when the time does not fit 48 bits or there are not ten bytes.
    """
    if not 0 <= timestamp_ms < 1 << _MILLISECONDS_BITS:
        raise ValueError(f"expected Unix milliseconds of at most 48 bits, got {timestamp_ms}")
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError(f"expected {ENTROPY_BYTES} bytes of entropy, got {len(entropy)}")
    time = f"{timestamp_ms:012x}"
    return _text(f"{time[:8]}-{time[8:]}", entropy.hex())


def _text(time: str, random: str) -> str:
    """The text of an id: version 7 and the variant of RFC 9562 in place of six bits of the random ones."""
    return f"{time}-7{random[1:4]}-{_VARIANT_RFC[random[4]]}{random[5:8]}-{random[8:]}"


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
    if len(source_id) != ID_CHARS or source_id[8] != "-" or source_id[13] != "-":
        raise ValueError(f"expected a UUID, got {source_id[:ID_CHARS]!r}")
    return _text(source_id[:_TIME_CHARS], _hash((source_id, *names)).hexdigest())


def opened_trade_id(command_id: str) -> str:
    """The id of the trade that an OpenTrade command opens."""
    return derived_id(command_id, "trade")


def fill_event_id(venue: str, fill_id: str, occurred_at: Instant) -> str:
    """The id of the event that reports a venue's fill, the same however often it is reported."""
    return uuid7(occurred_at.milliseconds(), _hash(("fill", venue, fill_id)).digest())


def _hash(parts: tuple[str, ...]) -> hashlib.blake2b:
    return hashlib.blake2b(_SEPARATOR.join(parts).encode(), digest_size=ENTROPY_BYTES)
