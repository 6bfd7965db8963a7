"""The view of the boards feed. A change anywhere on a board makes it read the top again, once for all its viewers."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec
import orjson
from faust_redis.log import Position, StoredRecord

from api.gamification.left import left_to
from api.gamification.ranked_people import ranked_people
from api.gamification.requested import board_row, constellation_row
from api.kit.audience import Audience
from api.kit.feeds.change import Changes, Reading
from api.kit.feeds.follower import ByChannel, Follower
from api.kit.feeds.single_flight import SingleFlightCache
from api.kit.feeds.subscriber import Subscriber
from api.kit.feeds.views import EncodedRows, ViewEndedError
from tables.boards import CONSTELLATIONS, Board, Period, group_of
from tables.gamification import GAMIFICATION_BOARDS
from tables.rankings import Ranked
from tables.reader import TableReader
from tables.typed import standings

TOPS_KEPT_MAX = 256
ANONYMOUS = "#"
"""What the names of anonymous rows begin with. No id of a user does."""


def read_standings(_: int, record: StoredRecord) -> Reading | None:
    """Read a row of standings. A channel is a ranking; its viewers get rows that are read from the ranking."""
    if record.key is None or record.value is None:
        return None
    try:
        names = standings(record.value)
    except msgspec.MsgspecError:
        return None  # not standings
    key = record.key.decode()
    row_name = key.rpartition("|")[0]
    return Reading(key, tuple(group_of(row_name, name) for name in names), lambda: None)


@dataclass(slots=True)
class Shown:
    """The first rows of a board as some readers see them: as JSON, by the user's id or the anonymous rank."""

    rows: dict[str, bytes]
    _last_delta: tuple[dict[str, bytes], bytes | None] | None = None

    def all(self) -> bytes:
        """Return the data of a delta that replaces whatever the subscriber was shown."""
        return b'{"complete":true,"rows":[' + b",".join(self.rows.values()) + b"]}"

    def since(self, before: Shown) -> bytes | None:
        """Return the data of a delta from an earlier state, None when nothing changed. The last delta is cached."""
        if self._last_delta is None or self._last_delta[0] is not before.rows:
            self._last_delta = before.rows, self._difference(before.rows)
        return self._last_delta[1]

    def _difference(self, before: dict[str, bytes]) -> bytes | None:
        changed = [name for name, row in self.rows.items() if before.get(name) != row]
        removed = [name for name in before if name not in self.rows]
        if not changed and not removed:
            return None
        if any(name.startswith(ANONYMOUS) for name in (*changed, *removed)):
            return self.all()  # a client cannot tell anonymous rows apart
        rows = b",".join(self.rows[name] for name in changed)
        return b'{"rows":[' + rows + b'],"removed":' + orjson.dumps(removed) + b"}"


@dataclass(frozen=True, slots=True)
class Ranking:
    """The ranking of a board that a subscriber follows.

    Attributes:
        group: The name of the ranking.
        people: Those who are ranked among themselves; None for all who are in the ranking.
    """

    board: Board
    group: str
    people: tuple[str, ...] | None = None

    def concerned(self, changes: Changes) -> bool:
        """Return whether a change of the group can change this ranking."""
        changed = {str(change.key.name).rpartition("|")[2] for change in changes}
        return self.people is None or not changed.isdisjoint(self.people)


class Top:
    """The first members of a board at a position. Readers that see the same share one `Shown`."""

    def __init__(self, position: Position, ranking: Ranking, members: Sequence[Ranked]) -> None:
        self.position = position
        self._board = ranking.board
        self._of_constellations = ranking.group.startswith(f"{CONSTELLATIONS}/")
        self._members = members
        self._names = frozenset(one.member for one in members)
        self._shown: dict[tuple[bool, str | None], tuple[int, Shown]] = {}

    def shown_to(self, audience: Audience) -> Shown:
        """Return the rows as a reader sees them."""
        own = audience.private_self if audience.shows_more(self._names) else None
        reader = audience.is_staff, own
        version = audience.private.version
        known = self._shown.get(reader)
        if known is None or known[0] != version:
            known = self._shown[reader] = version, self._show(audience)
        return known[1]

    def _show(self, audience: Audience) -> Shown:
        if self._of_constellations:
            places = [constellation_row(one) for one in self._members]
            return Shown({one.constellation_id: orjson.dumps(one.model_dump(mode="json")) for one in places})
        rows = [board_row(self._board, one, audience) for one in self._members]
        return Shown(
            {row.user_id or f"{ANONYMOUS}{row.rank}": orjson.dumps(row.model_dump(mode="json")) for row in rows}
        )


class Tops:
    """The tops of boards that have subscribers. All subscribers of a board share one read."""

    def __init__(self, tables: TableReader) -> None:
        self.tables = tables
        self._tops: OrderedDict[tuple[Ranking, int], SingleFlightCache[Top]] = OrderedDict()

    async def read(self, ranking: Ranking, limit: int, at_least: Position) -> Top:
        """Return the first `limit` members, as of `at_least` or later."""
        top = self._tops.setdefault((ranking, limit), SingleFlightCache(partial(self._read, ranking, limit)))
        self._tops.move_to_end((ranking, limit))
        if len(self._tops) > TOPS_KEPT_MAX:
            self._tops.popitem(last=False)
        return await top.at(at_least)

    async def prepare(self, changed: ByChannel, since: Position) -> None:
        """Read the boards that changed once, before their subscribers ask for them.

        A board of some people is read when a subscriber asks: most changes do not concern these people.
        """
        minimums = {group: Position(since.topic, since.epoch, changes.ends) for group, changes in changed.items()}
        watched = [
            (top, minimums[ranking.group])
            for (ranking, _), top in self._tops.items()
            if ranking.people is None and ranking.group in minimums
        ]
        await asyncio.gather(*[top.at(at_least) for top, at_least in watched])

    async def _read(self, ranking: Ranking, limit: int) -> Top:
        if ranking.people is None:
            page = await self.tables.page(GAMIFICATION_BOARDS.name, ranking.group, limit=limit)
            return Top(page.position, ranking, page.members)
        position, members = await ranked_people(self.tables, ranking.group, ranking.people)
        return Top(position, ranking, members[:limit])

    def forget(self) -> None:
        """Drop the cached boards, because the log may be another one in which these positions mean something else."""
        self._tops.clear()


class BoardView:
    """Shows one subscriber the first rows of a board."""

    def __init__(self, tops: Tops, ranking: Ranking, period: Period, limit: int, audience: Audience) -> None:
        self.channels = frozenset({ranking.group})
        self._tops = tops
        self._ranking = ranking
        self._period = period
        self._limit = limit
        self._audience = audience
        self._shown: Shown | None = None

    async def snapshot(self, follower: Follower, subscriber: Subscriber) -> AsyncIterator[EncodedRows]:
        """Yield the rows as they are now."""
        del follower
        self._shown = await self._read(subscriber, await self._tops.tables.position(GAMIFICATION_BOARDS.name))
        yield list(self._shown.rows.values())

    async def resume(self) -> None:
        """Drop the shown rows. This process does not know the client's rows, so the first delta has all rows."""
        self._shown = None

    async def delta(self, changes: Changes, position: Position, subscriber: Subscriber) -> bytes | None:
        """Return the rows whose rank or score changed and the users who left the top; or all rows (`complete`)."""
        before = self._shown
        if before is not None and not self._ranking.concerned(changes):
            return None
        now = self._shown = await self._read(subscriber, Position(position.topic, position.epoch, changes.ends))
        return now.all() if before is None else now.since(before)

    async def _read(self, subscriber: Subscriber, at_least: Position) -> Shown:
        top = await self._tops.read(self._ranking, self._limit, at_least)
        if await left_to(self._tops.tables, self._period) is not None:
            raise ViewEndedError
        subscriber.know(top.position)
        return top.shown_to(self._audience)
