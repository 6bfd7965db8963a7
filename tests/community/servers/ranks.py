"""Compare the rankings that clients read, page by page and around a user, with the oracle's ranks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from random import Random
from typing import Final

from tables.gamification import GAMIFICATION_BOARDS
from tables.rankings import Ranked
from tables.reader import TableReader
from tests.community.oracle import Community

PAGE: Final = 7
"""Few, so that pages end within a ranking."""
NEIGHBOURS: Final = 2


async def wrong_ranks(tables: TableReader, oracle: Community, count: int, random: Random) -> AsyncIterator[str]:
    """Yield random rankings whose pages, or a random user's neighbours there, are not those of the oracle."""
    boards = oracle.gamification.boards
    for group in random.sample(sorted(boards.groups), min(count, len(boards.groups))):
        scope, period, board = group.split("/")
        places = boards.ranked(scope, period, board)
        expected = [(rank, -negated, at, user) for rank, (negated, at, user) in enumerate(places, start=1)]
        read = [_shown(one) async for one in _pages(tables, group)]
        if read != expected:
            yield f"the ranking {group} is {read[:5]}, oracle {expected[:5]}, of {len(read)} and {len(expected)} places"
            continue
        index = random.randrange(len(expected))
        user = expected[index][3]
        place = await tables.place(GAMIFICATION_BOARDS.name, group, user, owner=user, neighbours=NEIGHBOURS)
        around = expected[max(0, index - NEIGHBOURS) : index + NEIGHBOURS + 1]
        if place.total != len(expected) or [_shown(one) for one in place.around] != around:
            yield f"around {user} the ranking {group} is {list(map(_shown, place.around))}, oracle {around}"


async def _pages(tables: TableReader, group: str) -> AsyncIterator[Ranked]:
    after: str | None = None
    while members := (await tables.page(GAMIFICATION_BOARDS.name, group, after=after, limit=PAGE)).members:
        for one in members:
            yield one
        after = members[-1].entry


def _shown(one: Ranked) -> tuple[int, int, int, str]:
    return one.rank, one.standing.score, one.standing.reached_at, one.member
