"""Players on all boards: memory, write cost and read times of the product's rankings, beside other ways to keep them.

Rows are written as a worker's commits write them, and read through the API's reader. Three boards of all time are also
kept in two other ways in the same run (`tests.bench.players.other_ways`).
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from faust_redis.log import Log

from deploy.server.embedded import EmbeddedServer
from deploy.server.server_binary import find_binary
from tables.boards import Board
from tests.bench.parameters import Parameters
from tests.bench.players import other_ways, product
from tests.bench.players.population import STANDINGS, Population
from tests.bench.players.timing import figures
from tests.bench.result import Result

PARTITIONS: Final = 4
BOARDS: Final[tuple[Board, ...]] = ("xp", "volume", "streak_days")
"""Scores of few ties, of none, and of sixty values."""
READS, MOVES = 500, 10_000


def measure(options: Parameters) -> Iterator[Result]:
    """Fill the boards of `players`, then measure. A million take some 7 GiB and a quarter of an hour."""
    with tempfile.TemporaryDirectory() as directory, EmbeddedServer(Path(directory), find_binary()) as server:
        yield from asyncio.run(_measured(server, options))


async def _measured(server: EmbeddedServer, options: Parameters) -> list[Result]:
    people, count = Population(options.seed, PARTITIONS), options.players
    async with Log(server.url, product.APP_ID) as log:
        await log.redis.config_set("appendonly", "no")  # the bench needs memory and CPU alone, and no file
        empty = await _used(log)
        await product.fill(log, people, count, PARTITIONS, options.say)
        results = [await product.memory(log, count, PARTITIONS, await _used(log) - empty)]
        sampled = random.Random(options.seed).sample(range(count), min(READS, count))
        chosen = [people.player(number) for number in sampled]
        results += [await product.reads(server, log, board, chosen) for board in BOARDS]
        options.say("the product's boards are measured")
        ways = await other_ways.loaded(log, BOARDS, people, count)
        results += [
            result for way in ways for result in (await way.memory(), await way.reads(server, READS, options.seed))
        ]
        results.append(await _writes(server, log, people, min(MOVES, count), ways))
        return results


async def _writes(
    server: EmbeddedServer, log: Log, people: Population, count: int, ways: list[other_ways.OtherWays]
) -> Result:
    """Measure the broker's CPU for new standings of some players."""
    moved = [people.player(number, 1) for number in range(count)]
    old_rows = await other_ways.old_rows_us(server, log, moved)
    found = {f"commit of {STANDINGS} standings": await product.commit_us(server, log, people, moved)}
    again = [people.player(number, 2) for number in range(count)]
    for way in ways:
        found |= await way.writes(server, again)
    found["reading the old row"] = old_rows
    return Result(
        f"us of the broker's CPU: a commit of a player's rows, and one entry in each way, {count:,} players",
        figures(found),
    )


async def _used(log: Log) -> int:
    return int((await log.redis.info("memory"))["used_memory"])
