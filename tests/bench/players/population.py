"""Seeded players with a standing on each board that a trade opens: all five, and volume and pnl of one market."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec
from faust_redis.log import Record
from faust_redis.log.partitioner import partition_for

from streams.ids import uuid7
from streams.times import DAY_US, Instant
from tables.boards import BOARDS, GLOBAL, MARKET_BOARDS, Board, Standing, periods_of, row_key

START: Final = Instant.parse("2025-01-15T00:00:00Z")
PERIODS: Final = periods_of(START)
MARKET: Final = "BTC"
USD: Final = 10**8
STANDINGS: Final = len(PERIODS.listed) * (len(BOARDS) + len(MARKET_BOARDS))
"""Entries of a player in all rankings."""


class Player(NamedTuple):
    """A player: id, partition, and the standing on each board, the same in each period."""

    name: str
    partition: int
    standings: Mapping[Board, Standing]


class Population:
    """Players by number; the same number gives the same player."""

    def __init__(self, seed: int, partitions: int) -> None:
        self._seed, self._partitions = seed, partitions

    def player(self, number: int, turn: int = 0) -> Player:
        """Return a player after some turns; with each, all scores move."""
        chance = random.Random(f"{self._seed} {number} {turn}")
        name = uuid7(START.milliseconds() + number, number.to_bytes(10))
        scores: dict[Board, int] = {
            "xp": int(chance.paretovariate(1.2) * 10),
            "volume": int(chance.paretovariate(1.1) * 100 * USD),
            "pnl": int(chance.gauss(0, 500) * USD),
            "trades": int(chance.paretovariate(1.5)),
            "streak_days": min(60, int(chance.expovariate(0.5)) + 1),
        }
        at = int(START) + chance.randrange(DAY_US)
        standings = {board: Standing(score, at) for board, score in scores.items()}
        return Player(name, partition_for(name.encode(), self._partitions), standings)

    @staticmethod
    def rows(player: Player, topic: str) -> list[Record]:
        """Return the rows of a player: the standings in all markets, and in one."""
        return [
            Record(topic, player.partition, row_key(scope, player.name).encode(), _row(player, boards), 0)
            for scope, boards in ((GLOBAL, BOARDS), (MARKET, MARKET_BOARDS))
        ]


def _row(player: Player, boards: tuple[Board, ...]) -> bytes:
    return msgspec.msgpack.encode(
        {name: player.standings[board].ranked for board in boards for name in PERIODS.names[board]}
    )
