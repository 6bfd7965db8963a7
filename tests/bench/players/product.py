"""The product's boards: rows written as a worker's commits write them, rankings read by the API's reader."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from faust_redis.log import Log

from deploy.server.embedded import EmbeddedServer
from streams.topology import changelog_topic
from tables.boards import GLOBAL, Board, group
from tables.domains import TOPOLOGY
from tables.gamification import GAMIFICATION_BOARDS
from tables.reader import TableReader
from tests.bench.players.population import STANDINGS, Player, Population
from tests.bench.players.timing import broker_us, figures, timed
from tests.bench.result import Result

APP_ID: Final = "players"
TOPIC: Final = changelog_topic(APP_ID, GAMIFICATION_BOARDS.name)
PLAYERS_AT_ONCE: Final = 50
"""Players whose rows one commit holds: a busy worker's batch."""
TRIM_EVERY: Final = 10_000
SAY_EVERY: Final = 100_000
TOP, NEIGHBOURS = 100, 5


async def fill(log: Log, people: Population, count: int, partitions: int, say: Callable[[str], None]) -> None:
    """Write the rows of all players, and drop the changes as an hour of trimming would."""
    [spec] = [one for one in TOPOLOGY.changelog_specs(APP_ID, partitions) if one.name == TOPIC]
    await log.create_topic(spec)
    for start in range(0, count, PLAYERS_AT_ONCE):
        stop = min(count, start + PLAYERS_AT_ONCE)
        await log.append([row for number in range(start, stop) for row in people.rows(people.player(number), TOPIC)])
        if stop % TRIM_EVERY == 0 or stop == count:
            for partition in range(partitions):
                await log.redis.execute_command("XTRIM", log.keys.stream(TOPIC, partition), "MAXLEN", 1)
        if stop % SAY_EVERY == 0:
            say(f"{stop:,} players")


async def memory(log: Log, count: int, partitions: int, held: int) -> Result:
    """Return what the boards take, of `held` bytes in all."""
    rows = sum([await of_key(log, log.keys.snapshot(TOPIC, partition)) for partition in range(partitions)])
    entries = rankings = 0
    async for name in log.redis.scan_iter(match=f"{log.keys.prefix}rank:*", count=1_000):
        entries += await log.redis.zcard(name)
        rankings += await of_key(log, name)
    assert entries == count * STANDINGS, f"{entries} entries of {count} players"
    found = {
        "MiB in all": held / 2**20,
        "bytes a player": held / count,
        "of them rankings": rankings / count,
        "of them rows": rows / count,
        "bytes an entry": rankings / entries,
        "entries a player": entries / count,
    }
    return Result(f"{count:,} players on all boards, sorted sets", figures(found))


async def reads(server: EmbeddedServer, log: Log, board: Board, chosen: Sequence[Player]) -> Result:
    """Measure what the API reads of a board of all time, with the rows."""
    reader, name, table = TableReader(log, APP_ID), group(board, GLOBAL, "all"), GAMIFICATION_BOARDS.name

    async def top(_: Player) -> None:
        assert (await reader.page(table, name, limit=TOP)).members

    async def place(player: Player, neighbours: int) -> None:
        found = await reader.place(table, name, player.name, owner=player.name, neighbours=neighbours)
        assert found.member is not None
        assert found.member.standing == player.standings[board]

    async def rank(player: Player) -> None:
        await place(player, 0)

    async def around(player: Player) -> None:
        await place(player, NEIGHBOURS)

    found: dict[str, float] = {}
    for what, read in {f"top {TOP}": top, "rank": rank, "around": around}.items():
        found |= await timed(server, what, read, chosen)
    return Result(f"{board}: reads through the API's reader, with rows", figures(found))


async def commit_us(server: EmbeddedServer, log: Log, people: Population, moved: Sequence[Player]) -> float:
    """Return the broker's CPU for the commit of a player's new standings: two rows, and all rankings of them."""
    batches = [
        [row for player in moved[start : start + PLAYERS_AT_ONCE] for row in people.rows(player, TOPIC)]
        for start in range(0, len(moved), PLAYERS_AT_ONCE)
    ]
    return await broker_us(server, log.append, batches, len(moved))


def ranking(log: Log, board: Board) -> str:
    """Return the key of the sorted set of a board of all time."""
    return log.keys.ranking(TOPIC, group(board, GLOBAL, "all"))


async def of_key(log: Log, name: str | bytes) -> int:
    """Return what a key takes. Of large keys the server looks at a thousand elements."""
    return int(await log.redis.memory_usage(name, samples=1_000) or 0)
