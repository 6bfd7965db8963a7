"""Numbers of Starknet: hashes, short strings and 256-bit numbers as contracts take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starknet_py.hash.hash_method import HashMethod

SHORT_STRING_CHARS_MAX: Final = 31
LOW_BITS: Final = 128
LOW_MASK: Final = 2**LOW_BITS - 1


def poseidon(felts: Sequence[int]) -> int:
    """Return the Poseidon hash of numbers."""
    return int(HashMethod.POSEIDON.hash_many([*felts]))


def short_string(text: str) -> int:
    """Return the number that Starknet has for a text.

    Raises:
        ValueError: it is empty, too long, or not ASCII.
    """
    if not text.isascii() or not 0 < len(text) <= SHORT_STRING_CHARS_MAX:
        raise ValueError(f"{text[:80]!r} does not have 1 to {SHORT_STRING_CHARS_MAX} ASCII characters")
    return int.from_bytes(text.encode("ascii"), "big")


def u256(number: int) -> tuple[int, int]:
    """Return the lower and the upper half of a number."""
    return number & LOW_MASK, number >> LOW_BITS
