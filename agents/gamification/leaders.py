"""Keep the first places of a partition's boards, and report them at ticks. The key of all reports compares them.

Scores of these boards only rise. So only a user who scores can enter the first places. A fill that may lift its user
among them writes a note. At the next report, the partition reads the standings of the noted users.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import islice
from math import inf
from typing import Final, NamedTuple

from agents.gamification.policy import OvertakingRules
from streams.events import AnyEvent, Event
from streams.events.clock import Ticked
from streams.events.gamification import LEADERS_KEY, BoardLeaders, LeadersReported, TopPlace
from streams.times import SECOND_US
from tables.boards import GLOBAL, Board, Periods, Ranked, Standing, place_of, row_key
from tables.gamification import (
    GAMIFICATION_BARS,
    GAMIFICATION_LEADING,
    GAMIFICATION_SCORED,
    LEADING_KEY,
    Bars,
    Leader,
    Leaders,
    Leading,
    Scored,
)
from tables.rank_score import RankScore, rank_score
from tables.typed import RankedTable
from tables.unit_of_work import UnitOfWork

_DAYS_CACHED: Final = 256
_NAMES_CACHED: Final = 4096

Names = dict[Board, list[str]]


class _Watched(NamedTuple):
    """The key of a ranking here, which names board and kind of period; and its period."""

    key: str
    period: str


class FirstOfPartition:
    """The first places of a partition's users, of all markets."""

    def __init__(self, tables: UnitOfWork, boards: RankedTable, rules: OvertakingRules, rows_max: int) -> None:
        """Open the tables.

        Args:
            tables: The domain's tables.
            boards: The standings of the partition's users.
            rules: The boards and places that count.
            rows_max: How many noted users one tick gives their places. Further ones wait for the next tick.
        """
        self._rows_max = rows_max
        self._boards = boards
        self._rules = rules
        self._leading = tables.rows(GAMIFICATION_LEADING)
        self._bars = tables.rows(GAMIFICATION_BARS)
        self._scored = tables.rows(GAMIFICATION_SCORED)
        self._names = lru_cache(maxsize=_DAYS_CACHED)(self._names_of)
        self._watched = lru_cache(maxsize=_NAMES_CACHED)(self._watched_of)

    def offer(self, user_id: str, boards: Iterable[Board], standings: Mapping[str, Ranked], periods: Periods) -> None:
        """Write a note of a user whose new score reaches the last of the first places.

        Args:
            user_id: The user.
            boards: The boards on which the user has scored.
            standings: The user's newest standings.
            periods: The periods of the standings that changed.
        """
        bars = (self._bars.get(LEADING_KEY) or _NO_BARS).bars
        names = self._names(periods.midnight, tuple([period.text for period in periods.listed]))
        for board in boards:
            for name in names.get(board, ()):
                if standings[name][0] <= bars.get(name, inf):
                    if self._scored.get(user_id) is None:
                        self._scored.put(user_id, _SCORED)
                    return

    def report(self, tick: Event[Ticked]) -> list[AnyEvent]:
        """Report the first places that changed, at the first tick of each look."""
        look = tick.time // (self._rules.every_s * SECOND_US)
        leading = self._leading.get(LEADING_KEY) or Leading()
        if look <= leading.look:
            return []
        noted = [user_id for user_id, _ in islice(self._scored.range(""), self._rows_max)]
        boards = self._settle(noted, leading.boards)
        changed = [key for key, row in boards.items() if key in leading.changed or row != leading.boards.get(key)]
        if len(noted) == self._rows_max:  # there may be more, for the next tick
            self._leading.put(LEADING_KEY, Leading(boards=boards, changed=tuple(changed), look=leading.look))
            return []
        self._leading.put(LEADING_KEY, Leading(boards=boards, look=look))
        number, partitions = tick.data.partition, tick.data.partitions
        told = tuple(_told(key, boards[key]) for key in changed)
        reported = LeadersReported(partition=number, partitions=partitions, look=look, changed=told)
        return [tick.then(reported, key=LEADERS_KEY, name=str(number))]

    def _settle(self, users: Iterable[str], before: Mapping[str, Leaders]) -> dict[str, Leaders]:
        """Give noted users their places, set the bars, and return the first places."""
        boards = dict(before)
        for user_id in users:
            self._scored.delete(user_id)
            for name, (_, score, reached_at) in (self._boards.get(row_key(GLOBAL, user_id)) or {}).items():
                if (watched := self._watched(name)) is not None:
                    leader = Leader(user_id=user_id, score=int(score), reached_at=reached_at)
                    boards[watched.key] = self._entered(boards.get(watched.key), watched.period, leader)
        if boards != before:
            self._bars.put(LEADING_KEY, Bars(bars=self._bars_of(boards)))
        return boards

    def _entered(self, row: Leaders | None, period: str, leader: Leader) -> Leaders:
        """Return the first places with a user's standing of a period, if it is among them."""
        if row is None or row.period < period:
            return Leaders(period=period, places=(leader,))
        places = row.places
        full = len(places) >= self._rules.places
        if row.period > period or (full and _order(leader) > _order(places[-1])):
            return row
        others = [one for one in places if one.user_id != leader.user_id]
        after = tuple(sorted([*others, leader], key=_order)[: self._rules.places])
        return row if after == places else Leaders(period=period, places=after)

    def _bars_of(self, boards: Mapping[str, Leaders]) -> dict[str, RankScore]:
        """Return by the name of a standing the rank score that it must reach to be among the first."""
        return {
            f"{row.period}/{key.partition('/')[0]}": rank_score(row.places[-1].score, row.places[-1].reached_at)
            for key, row in boards.items()
            if len(row.places) >= self._rules.places
        }

    def _watched_of(self, name: str) -> _Watched | None:
        """Return the board and period of a standing's name; None when the rule book does not watch them."""
        period, board = place_of(name)
        if board not in self._rules.boards or period.kind not in self._rules.periods:
            return None
        return _Watched(f"{board}/{period.kind}", period.text)

    def _names_of(self, _midnight: int, periods: tuple[str, ...]) -> Names:
        watched = [text for text in periods if text.partition(":")[0] in self._rules.periods]
        return {board: [f"{text}/{board}" for text in watched] for board in self._rules.boards}


def _order(leader: Leader) -> tuple[int, int, str]:
    return Standing(leader.score, leader.reached_at).order(leader.user_id)


def _told(key: str, row: Leaders) -> BoardLeaders:
    places = tuple(
        TopPlace(user_id=one.user_id, score=str(one.score), reached_at_us=one.reached_at) for one in row.places
    )
    return BoardLeaders(board=key.partition("/")[0], period=row.period, places=places)


_NO_BARS: Final = Bars()
_SCORED: Final = Scored()
