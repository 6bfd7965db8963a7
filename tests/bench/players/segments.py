"""Rankings as segments of packed elements: load, move, read. `segments.lua` says how they are kept."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from faust_redis.log import Log

SCRIPT: Final = Path(__file__).with_suffix(".lua").read_text("utf-8")
LOADED: Final = 350
"""Elements of a segment after a load: as full as random insertions leave it, about 70 %."""
SEGMENT_MAX: Final = 512
AT_ONCE: Final = 100
SIGN: Final = 1 << 63
ALL_BITS: Final = (1 << 64) - 1


def element(score: float, number: int) -> bytes:
    """Return the element of a player: elements sort by score, then by number."""
    bits = int(struct.unpack(">Q", struct.pack(">d", score))[0])
    ordered = ~bits & ALL_BITS if bits & SIGN else bits | SIGN
    return struct.pack(">QI", ordered, number)


class Segments:
    """One ranking."""

    def __init__(self, log: Log, name: str) -> None:
        self._log = log
        base = f"{log.keys.prefix}segments:{name}"
        self.keys = [f"{base}:directory", f"{base}:sizes", f"{base}:"]
        self._script = log.redis.register_script(SCRIPT)

    @staticmethod
    async def allow(log: Log) -> None:
        """Let the server keep a segment as one packed list."""
        await log.redis.config_set("zset-max-listpack-entries", SEGMENT_MAX + 1)

    async def load(self, elements: Iterable[bytes]) -> None:
        """Write elements that are not sorted into new segments."""
        ordered = sorted(elements)
        for start in range(0, len(ordered), LOADED * AT_ONCE):
            pipe = self._log.redis.pipeline(transaction=False)
            for first in range(start, min(start + LOADED * AT_ONCE, len(ordered)), LOADED):
                part = ordered[first : first + LOADED]
                bound = part[0] if first else bytes(12)
                pipe.zadd(self.keys[2].encode() + bound, dict.fromkeys(part, 0))
                pipe.zadd(self.keys[0], {bound: 0})
                pipe.hset(self.keys[1], bound, len(part))
            await pipe.execute()

    async def move(self, pairs: Sequence[tuple[bytes, bytes]]) -> None:
        """Replace elements, in one call."""
        await self._run("move", *(one for pair in pairs for one in pair))

    async def rank(self, one: bytes) -> int:
        """Return the rank of an element, from 0."""
        return int(await self._run("rank", one))

    async def top(self, count: int) -> list[bytes]:
        """Return the first elements."""
        return list(await self._run("top", count))

    async def around(self, one: bytes, sides: int) -> tuple[int, list[bytes]]:
        """Return the rank of an element, and the elements on each side of it."""
        rank, found = await self._run("around", one, sides)
        return int(rank), list(found)

    async def bytes_used(self) -> int:
        """Return what the ranking takes on the server."""
        bounds: list[bytes] = await self._log.redis.zrange(self.keys[0], 0, -1)  # type: ignore[assignment]
        pipe = self._log.redis.pipeline(transaction=False)
        names = [key.encode() for key in self.keys[:2]] + [self.keys[2].encode() + bound for bound in bounds]
        for name in names:
            pipe.memory_usage(name, samples=0)
        return sum(await pipe.execute())

    async def _run(self, *arguments: Any) -> Any:
        return await self._script(keys=self.keys, args=arguments)
