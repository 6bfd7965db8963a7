"""Rank some people among themselves by their standings on a board, all read at one moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from faust_redis.log import Position

from api.kit import cursor as cursors
from api.kit.context import Api
from tables.boards import names_of
from tables.gamification import GAMIFICATION_BOARDS
from tables.rankings import Ranked, entry_of, standing_in
from tables.reader import TableReader


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """A page of people who are ranked among themselves; `total` is the number of all of them that are on the board."""

    position: Position
    total: int
    members: list[Ranked]
    next_cursor: str | None


async def people_page(
    api: Api, group: str, people: Sequence[str], whose: str, *, limit: int, cursor: str | None
) -> PeoplePage:
    """Return the first `limit` of the people on a board, or those after a cursor.

    Args:
        api: The API.
        group: The ranking of all.
        people: The people.
        whose: Names the people. A cursor is valid for one name.
        limit: How many to return at most.
        cursor: The cursor of the page before.

    Raises:
        Problem: 400 when the cursor was not given for this ranking of these people.
    """
    position, ranked = await ranked_people(api.tables, group, people)
    name = f"{group}|{whose}"
    following = ranked
    if cursor is not None:
        standing, member = entry_of(cursors.read(api.sealer, cursor, group=name, epoch=position.epoch))
        last = standing.order(member)
        following = [one for one in ranked if one.standing.order(one.member) > last]
    page, more = following[:limit], None
    if len(following) > limit:
        more = cursors.write(api.sealer, group=name, epoch=position.epoch, entry=page[-1].entry)
    return PeoplePage(position, len(ranked), page, more)


async def ranked_people(tables: TableReader, group: str, people: Sequence[str]) -> tuple[Position, list[Ranked]]:
    """Return those of the people who are on a board, in its order, and the position for which that is true."""
    rows = names_of(group)
    keys = [(f"{row}|{user_id}", user_id) for user_id in people for row in rows]
    position, found = await tables.get_many(GAMIFICATION_BOARDS.name, keys)
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
