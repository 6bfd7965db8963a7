"""The boards feed's view: a change anywhere on the board makes it read the top again, once for all who watch it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import orjson

from api.feeds.change import Changes
from api.feeds.follower import Follower
from api.feeds.subscriber import Subscriber
from api.feeds.views import Rows
from api.queries.shapes import board_row
from streams.log import Position
from tables.boards import Board
from tables.catalog import GAMIFICATION_BOARDS
from tables.reader import TableReader

REFRESH_S = 0.05  # a board is read at most this often, however much it changes
TOPS_KEPT_MAX = 256


@dataclass(slots=True)
class Shown:
    """The first rows of a board as they are told, by user, and what they are true for."""

    position: Position
    rows: dict[str, bytes]
    _told: tuple[dict[str, bytes], bytes | None] | None = None

    def all(self) -> bytes:
        """The data of a delta for who may have been shown anything."""
        return b'{"complete":true,"rows":[' + b",".join(self.rows.values()) + b"]}"

    def since(self, before: Shown) -> bytes | None:
        """The data of a delta for who was shown the board as it was; made once for all who were shown the same."""
        if self._told is None or self._told[0] is not before.rows:
            self._told = before.rows, self._difference(before.rows)
        return self._told[1]

    def _difference(self, before: dict[str, bytes]) -> bytes | None:
        changed = [row for user_id, row in self.rows.items() if before.get(user_id) != row]
        removed = [user_id for user_id in before if user_id not in self.rows]
        if not changed and not removed:
            return None
        return b'{"rows":[' + b",".join(changed) + b'],"removed":' + orjson.dumps(removed) + b"}"


@dataclass(slots=True)
class _Top:
    """The top of one board as read last."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    shown: Shown | None = None
    read_at: float = 0.0


class Tops:
    """The tops of boards that somebody watches, read once for all of them."""

    def __init__(self, tables: TableReader) -> None:
        self.tables = tables
        self._tops: OrderedDict[tuple[str, int], _Top] = OrderedDict()

    async def read(self, board: Board, group: str, limit: int, at_least: Position | None) -> Shown:
        """The first `limit` members, as of `at_least` or later; None reads them anew."""
        top = self._tops.setdefault((group, limit), _Top())
        self._tops.move_to_end((group, limit))
        if len(self._tops) > TOPS_KEPT_MAX:
            self._tops.popitem(last=False)
        async with top.lock:
            if top.shown is None or at_least is None or not _covers(top.shown.position, at_least):
                now = asyncio.get_running_loop().time
                await asyncio.sleep(max(0.0, top.read_at + REFRESH_S - now()))
                page = await self.tables.page(GAMIFICATION_BOARDS.name, group, limit=limit)
                rows = {one.member: orjson.dumps(board_row(board, one).model_dump(mode="json")) for one in page.members}
                top.shown = Shown(page.position, rows)
                top.read_at = now()
            return top.shown

    def forget(self) -> None:
        """Read all of them anew: positions say nothing of what was read of a log that was lost since."""
        self._tops.clear()


def _covers(position: Position, wanted: Position) -> bool:
    same = position.epoch == wanted.epoch
    return same and all(position.offsets.get(p, 0) >= offset for p, offset in wanted.offsets.items())


class BoardView:
    """The first rows of one board."""

    def __init__(self, tops: Tops, board: Board, group: str, limit: int) -> None:
        self.channels = frozenset({group})
        self._tops = tops
        self._board = board
        self._group = group
        self._limit = limit
        self._shown: Shown | None = None

    async def snapshot(self, follower: Follower, subscriber: Subscriber) -> AsyncIterator[Rows]:
        """The rows now."""
        del follower
        self._shown = await self._read(subscriber, await self._tops.tables.position(GAMIFICATION_BOARDS.name))
        yield list(self._shown.rows.values())

    async def resume(self) -> None:
        """What the subscriber shows is not known here, so that its first delta says everything."""
        self._shown = None

    async def delta(self, changes: Changes, reached: Position, subscriber: Subscriber) -> bytes | None:
        """Rows whose rank or score changed, and users who left the top; `complete` when it is all there is."""
        newest: dict[int, int] = {}
        for change in changes:
            newest[change.partition] = max(newest.get(change.partition, 0), change.offset + 1)
        before = self._shown
        now = self._shown = await self._read(subscriber, Position(reached.topic, reached.epoch, newest))
        return now.all() if before is None else now.since(before)

    async def _read(self, subscriber: Subscriber, at_least: Position) -> Shown:
        shown = await self._tops.read(self._board, self._group, self._limit, at_least)
        subscriber.know(shown.position)
        return shown
