"""The hashes that the collector computes, and the totals of a batch as it takes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from contracts.clients.codec import HEX, U64, U256, array, encoded
from contracts.clients.fee_collector import SOURCE_TOTAL, SourceTotal
from contracts.felts import poseidon, short_string
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


def source_totals(totals: Mapping[str, int]) -> tuple[SourceTotal, ...]:
    """Return the totals as the contract takes them."""
    return tuple(SourceTotal(source, amount) for source, amount in totals.items())


def batch_hash(number: int, previous_hash: str, details: str, totals: Mapping[str, int]) -> str:
    """Return the hash that the contract gives a batch; the totals are in the contract's order."""
    hashed = (number, previous_hash, details, source_totals(totals))
    return padded(poseidon(encoded((U64, HEX, HEX, array(SOURCE_TOTAL)), hashed)))


def details_hash(reached: Iterable[tuple[int, int, str]]) -> str:
    """Return a hash of how far the partitions of fees were read: partition, next offset and digest of each."""
    felts: list[int] = []
    for partition, offset, digest in sorted(reached):
        felts += [partition, offset, *U256.encode(int(digest or "0", 16))]
    return padded(poseidon(felts))
