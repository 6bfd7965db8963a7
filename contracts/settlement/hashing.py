"""The hashes that the collector computes, and short strings as Starknet has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from poseidon_py.poseidon_hash import poseidon_hash_many

from contracts.indexer.addresses import padded
from contracts.settlement.errors import UnnamableSourceError

SHORT_STRING_CHARS_MAX: Final = 31
LOW_BITS: Final = 128
LOW_MASK: Final = 2**LOW_BITS - 1


def short_string(text: str) -> int:
    """Return the number that Starknet has for a text.

    Raises:
        UnnamableSourceError: it is empty, too long, or not ASCII.
    """
    if not text.isascii() or not 0 < len(text) <= SHORT_STRING_CHARS_MAX:
        raise UnnamableSourceError(
            f"the source {text[:80]!r} cannot be settled: a name has 1 to {SHORT_STRING_CHARS_MAX} ASCII characters"
        )
    return int.from_bytes(text.encode("ascii"), "big")


def totals_calldata(totals: Mapping[str, int]) -> list[int]:
    """Return the totals as the contract takes them: their count, then source, amount low and amount high of each."""
    felts = [len(totals)]
    for source, amount in totals.items():
        felts += [short_string(source), amount & LOW_MASK, amount >> LOW_BITS]
    return felts


def batch_hash(number: int, previous_hash: str, details: str, totals: Mapping[str, int]) -> str:
    """Return the hash that the contract gives a batch; the totals are in the contract's order."""
    felts = [number, int(previous_hash, 16), int(details, 16), *totals_calldata(totals)]
    return padded(int(poseidon_hash_many(felts)))


def details_hash(reached: Iterable[tuple[int, int, str]]) -> str:
    """Return a hash of how far the partitions of fees were read: partition, next offset and digest of each."""
    felts: list[int] = []
    for partition, offset, digest in sorted(reached):
        number = int(digest or "0", 16)
        felts += [partition, offset, number & LOW_MASK, number >> LOW_BITS]
    return padded(int(poseidon_hash_many(felts)))
