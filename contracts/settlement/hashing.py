"""The hashes that the collector computes, and the totals of a batch as it takes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from contracts.felts import poseidon, short_string, u256
from contracts.indexer.addresses import padded
from contracts.settlement.errors import UnnamableSourceError


def source_felt(source: str) -> int:
    """Return the number by which the contract knows a source.

    Raises:
        UnnamableSourceError: the name does not fit.
    """
    try:
        return short_string(source)
    except ValueError as exc:
        raise UnnamableSourceError(f"the fees of a source cannot be settled: {exc}") from None


def totals_calldata(totals: Mapping[str, int]) -> list[int]:
    """Return the totals as the contract takes them: their count, then source, amount low and amount high of each."""
    return [len(totals), *(felt for source, amount in totals.items() for felt in (source_felt(source), *u256(amount)))]


def batch_hash(number: int, previous_hash: str, details: str, totals: Mapping[str, int]) -> str:
    """Return the hash that the contract gives a batch; the totals are in the contract's order."""
    return padded(poseidon([number, int(previous_hash, 16), int(details, 16), *totals_calldata(totals)]))


def details_hash(reached: Iterable[tuple[int, int, str]]) -> str:
    """Return a hash of how far the partitions of fees were read: partition, next offset and digest of each."""
    felts: list[int] = []
    for partition, offset, digest in sorted(reached):
        felts += [partition, offset, *u256(int(digest or "0", 16))]
    return padded(poseidon(felts))
