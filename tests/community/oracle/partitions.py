"""The partition of a key: Kafka's default partitioner, `murmur2(key) & 0x7fffffff mod n` (docs/log.md)."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

_SEED: Final = 0x9747B28C
_FACTOR: Final = 0x5BD1E995
_WORD: Final = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """Return the 32 bit MurmurHash2 of Kafka's `Utils.murmur2`."""
    mixed = _SEED ^ len(data)
    whole = len(data) // 4 * 4
    for begin in range(0, whole, 4):
        word = int.from_bytes(data[begin : begin + 4], "little") * _FACTOR & _WORD
        word = (word ^ word >> 24) * _FACTOR & _WORD
        mixed = mixed * _FACTOR & _WORD ^ word
    if rest := data[whole:]:
        mixed = (mixed ^ int.from_bytes(rest, "little")) * _FACTOR & _WORD
    mixed = (mixed ^ mixed >> 13) * _FACTOR & _WORD
    return mixed ^ mixed >> 15


@lru_cache(maxsize=16_384)
def partition_of(key: str, partitions: int) -> int:
    """Return the partition of a key among so many."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % partitions
