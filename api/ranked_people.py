"""Rank some people among themselves by their standings on a board, all read at one moment."""

from __future__ import annotations

from collections.abc import Sequence

from faust_redis.log import Position

from api.kit.context import Api
from tables.boards import names_of
from tables.gamification import GAMIFICATION_BOARDS
from tables.reader import Ranked, standing_in


async def ranked_people(api: Api, group: str, people: Sequence[str]) -> tuple[Position, list[Ranked]]:
    """Return those of the people who are on a board, in its order, and the position for which that is true."""
    rows = names_of(group)
    keys = [(f"{row}|{user_id}", user_id) for user_id in people for row in rows]
    position, found = await api.tables.get_many(GAMIFICATION_BOARDS.name, keys)
    return position, _ranked(people, list(rows.values()), found)


def _ranked(people: Sequence[str], names: Sequence[str], rows: Sequence[bytes | None]) -> list[Ranked]:
    """Rank people among themselves, in the order of a board.

    Args:
        people: The people.
        names: The name that a standing has in each of a person's rows.
        rows: The rows of each person in turn.
    """
    each = len(names)
    standings = {
        user_id: standing
        for place, user_id in enumerate(people)
        if (standing := standing_in(names, rows[place * each : (place + 1) * each])) is not None
    }
    order = sorted(standings, key=lambda user_id: standings[user_id].order(user_id))
    return [Ranked(rank, standings[user_id], user_id) for rank, user_id in enumerate(order, start=1)]
