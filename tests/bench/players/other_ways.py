"""The boards of all time in other ways: sorted sets of short members, and segments of packed elements."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import islice
from typing import Any, Final, Self

from faust_redis.log import Log

from deploy.server.embedded import EmbeddedServer
from tables.boards import GLOBAL, Board, row_key
from tests.bench.players import product
from tests.bench.players.population import Player, Population
from tests.bench.players.product import NEIGHBOURS, PLAYERS_AT_ONCE, TOP
from tests.bench.players.segments import Segments, element
from tests.bench.players.timing import broker_us, figures, timed
from tests.bench.result import Result

AT_ONCE: Final = 10_000
READ_ROWS: Final = (
    "for i = 1, #KEYS do local row = redis.call('HGET', ARGV[i * 2 - 1], ARGV[i * 2]) if row then cmsgpack.unpack(row) "
    "end end"
)
"""What a commit would do first to learn the old elements of its rows."""


class OtherWays:
    """One board of all time. Members are the numbers of players, and names are kept once, elsewhere."""

    def __init__(self, log: Log, board: Board, scores: Sequence[float]) -> None:
        self.log, self.board, self._scores = log, board, scores
        self.segments = Segments(log, board)
        self.short = f"{log.keys.prefix}short:{board}"

    async def load(self) -> Self:
        """Write the standings of all players in both ways."""
        await Segments.allow(self.log)
        await self.segments.load(element(score, number) for number, score in enumerate(self._scores))
        numbered = iter(enumerate(self._scores))
        while part := {str(number): score for number, score in islice(numbered, AT_ONCE)}:
            await self.log.redis.zadd(self.short, part)
        return self

    async def memory(self) -> Result:
        """Measure the memory of an entry in each way."""
        count = len(self._scores)
        found = {
            "sorted set": await product.of_key(self.log, product.ranking(self.log, self.board)) / count,
            "sorted set of short members": await product.of_key(self.log, self.short) / count,
            "segments": await self.segments.bytes_used() / count,
        }
        return Result(f"{self.board}: bytes an entry", figures(found))

    async def reads(self, server: EmbeddedServer, count: int, seed: int) -> Result:
        """Measure reads without rows and names: of the sorted set, and of segments."""
        numbers = random.Random(seed).sample(range(len(self._scores)), min(count, len(self._scores)))
        elements = [element(self._scores[number], number) for number in numbers]

        async def top_of_set(_: object) -> Any:
            return await self.log.redis.zrange(self.short, 0, TOP - 1)

        async def rank_in_set(number: int) -> Any:
            return await self.log.redis.zrank(self.short, str(number))

        async def top(_: object) -> Any:
            return await self.segments.top(TOP)

        async def around(one: bytes) -> Any:
            return await self.segments.around(one, NEIGHBOURS)

        found = await timed(server, f"sorted set: top {TOP}", top_of_set, numbers)
        found |= await timed(server, "sorted set: rank", rank_in_set, numbers)
        found |= await timed(server, f"segments: top {TOP}", top, numbers)
        found |= await timed(server, "segments: rank, around", around, elements)
        return Result(f"{self.board}: reads without rows and names", figures(found))

    async def writes(self, server: EmbeddedServer, moved: Sequence[Player]) -> dict[str, float]:
        """Return the broker's CPU for a new score of a player in each way, in microseconds."""
        batches = [
            range(start, min(start + PLAYERS_AT_ONCE, len(moved))) for start in range(0, len(moved), PLAYERS_AT_ONCE)
        ]
        new = [player.standings[self.board].ranked[0] for player in moved]

        async def in_set(batch: range) -> None:
            members = {f"{moved[i].partition}|{moved[i].name}": new[i] for i in batch}
            await self.log.redis.zadd(product.ranking(self.log, self.board), members)

        async def in_segments(batch: range) -> None:
            await self.segments.move([(element(self._scores[i], i), element(new[i], i)) for i in batch])

        return {
            f"{self.board}: sorted set": await broker_us(server, in_set, batches, len(moved)),
            f"{self.board}: segments": await broker_us(server, in_segments, batches, len(moved)),
        }


async def old_rows_us(server: EmbeddedServer, log: Log, moved: Sequence[Player]) -> float:
    """Return the broker's CPU for reading a player's row within a script, in microseconds."""
    script = log.redis.register_script(READ_ROWS)

    async def read(players: Sequence[Player]) -> None:
        keys = [log.keys.snapshot(product.TOPIC, player.partition) for player in players]
        pairs = zip(keys, (row_key(GLOBAL, player.name) for player in players), strict=True)
        await script(keys=keys, args=[one for pair in pairs for one in pair])

    return await broker_us(
        server,
        read,
        [moved[start : start + PLAYERS_AT_ONCE] for start in range(0, len(moved), PLAYERS_AT_ONCE)],
        len(moved),
    )


async def loaded(log: Log, boards: Sequence[Board], people: Population, count: int) -> list[OtherWays]:
    """Return some boards with all players in both ways."""
    players = (people.player(number) for number in range(count))
    scores = list(zip(*([one.standings[board].ranked[0] for board in boards] for one in players), strict=True))
    return [await OtherWays(log, board, of_board).load() for board, of_board in zip(boards, scores, strict=True)]
