"""Numbers of Starknet: hashes, and short strings that are not empty."""

from __future__ import annotations

from collections.abc import Sequence

from starknet_py.hash.hash_method import HashMethod

from contracts.clients.codec import TEXT


def poseidon(felts: Sequence[int]) -> int:
    """Return the Poseidon hash of numbers."""
    return int(HashMethod.POSEIDON.hash_many([*felts]))


def short_string(text: str) -> int:
    """Return the number that Starknet has for a text.

    Raises:
        ValueError: it is empty, too long, or not ASCII.
    """
    if not text:
        raise ValueError("an empty text is no short string")
    [felt] = TEXT.encode(text)
    return felt
