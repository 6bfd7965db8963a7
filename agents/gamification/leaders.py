"""Keep the first places of a partition's part of each board, and report those that changed, once in a round.

A round is an interval of event time, numbered from 1970 on. A partition reports at its first tick in a round, and the
partition of `LEADERS_KEY` compares the reports of all partitions (`overtaking`).

Scores of these boards only rise, so only a user who scores can enter the first places. An event that lifts a standing
to the threshold, the rank score of the last of the first places, makes its user a candidate. The next report reads the
standings of the candidates only.
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
from tables.first_places import LEADING_KEY, Candidate, Leader, Leaders, Leading, Thresholds
from tables.gamification import GAMIFICATION_CANDIDATES, GAMIFICATION_LEADING, GAMIFICATION_THRESHOLDS
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
            rows_max: How many candidates one tick places. Further ones wait for the next tick.
        """
        self._rows_max = rows_max
        self._boards = boards
        self._rules = rules
        self._leading = tables.rows(GAMIFICATION_LEADING)
        self._thresholds = tables.rows(GAMIFICATION_THRESHOLDS)
        self._candidates = tables.rows(GAMIFICATION_CANDIDATES)
        self._names = lru_cache(maxsize=_DAYS_CACHED)(self._names_of)
        self._watched = lru_cache(maxsize=_NAMES_CACHED)(self._watched_of)

    def offer(self, user_id: str, boards: Iterable[Board], standings: Mapping[str, Ranked], periods: Periods) -> None:
        """Make a user a candidate whose new score reaches the threshold of a board.

        Args:
            user_id: The user.
            boards: The boards on which the user has scored.
            standings: The user's newest standings.
            periods: The periods of the standings that changed.
        """
        thresholds = (self._thresholds.get(LEADING_KEY) or _NO_THRESHOLDS).rank_scores
        names = self._names(periods.midnight, tuple([period.text for period in periods.listed]))
        for board in boards:
            for name in names.get(board, ()):
                if standings[name][0] <= thresholds.get(name, inf):
                    if self._candidates.get(user_id) is None:
                        self._candidates.put(user_id, _CANDIDATE)
                    return

    def report(self, tick: Event[Ticked]) -> list[AnyEvent]:
        """Place the candidates, and report the first places that changed, once in a round.

        The report also says that this partition has reached the round, so it is due when nothing changed, too.
        """
        current = tick.time // (self._rules.every_s * SECOND_US)
        leading = self._leading.get(LEADING_KEY) or Leading()
        if current <= leading.round:
            return []
        candidates = [user_id for user_id, _ in islice(self._candidates.range(""), self._rows_max)]
        boards = self._place(candidates, leading.boards)
        changed = [key for key, row in boards.items() if key in leading.changed or row != leading.boards.get(key)]
        if len(candidates) == self._rows_max:  # there may be more, for the next tick
            self._leading.put(LEADING_KEY, Leading(boards=boards, changed=tuple(changed), round=leading.round))
            return []
        self._leading.put(LEADING_KEY, Leading(boards=boards, round=current))
        number, partitions = tick.data.partition, tick.data.partitions
        told = tuple(_board_leaders(key, boards[key]) for key in changed)
        reported = LeadersReported(partition=number, partitions=partitions, round=current, changed=told)
        return [tick.then(reported, key=LEADERS_KEY, name=str(number))]

    def _place(self, candidates: Iterable[str], before: Mapping[str, Leaders]) -> dict[str, Leaders]:
        """Return the first places with those of the candidates that reach them, and store the new thresholds."""
        boards = dict(before)
        for user_id in candidates:
            self._candidates.delete(user_id)
            for name, (_, score, reached_at) in (self._boards.get(row_key(GLOBAL, user_id)) or {}).items():
                if (watched := self._watched(name)) is not None:
                    leader = Leader(user_id=user_id, score=int(score), reached_at=reached_at)
                    boards[watched.key] = self._entered(boards.get(watched.key), watched.period, leader)
        if boards != before:
            self._thresholds.put(LEADING_KEY, Thresholds(rank_scores=self._thresholds_of(boards)))
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

    def _thresholds_of(self, boards: Mapping[str, Leaders]) -> dict[str, RankScore]:
        """Return, by the name of a standing, the rank score of the last place where no place is free."""
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


def _board_leaders(key: str, row: Leaders) -> BoardLeaders:
    places = tuple(
        TopPlace(user_id=one.user_id, score=str(one.score), reached_at_us=one.reached_at) for one in row.places
    )
    return BoardLeaders(board=key.partition("/")[0], period=row.period, places=places)


_NO_THRESHOLDS: Final = Thresholds()
_CANDIDATE: Final = Candidate()
