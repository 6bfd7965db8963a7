"""Decide the rewards of a board once all partitions have sealed their parts of it. The board's key decides.

Each part tells of its first places. So the first places of all parts are those of the board, for as many ranks.
"""

from __future__ import annotations

from msgspec.structs import replace

from agents.gamification.policy import RewardRule, RewardRules
from streams.events import AnyEvent, Event
from streams.events.gamification import LeaderboardSealed, PartitionSealed, PoolDecided, RewardDecided
from tables.boards import CONSTELLATIONS, Standing, parse_period
from tables.gamification import GAMIFICATION_DECIDING, Deciding, WaitingPlace
from tables.unit_of_work import UnitOfWork


class Decider:
    """Decides the rewards of the boards whose keys are in a partition."""

    def __init__(self, tables: UnitOfWork, rules: RewardRules) -> None:
        self._rules = rules
        self._boards = tables.rows(GAMIFICATION_DECIDING)

    def part_sealed(self, event: Event[LeaderboardSealed]) -> list[AnyEvent]:
        """Keep the first places of a part, if its board has rewards."""
        part = event.data
        rule = self._rules.rule(part.scope, part.board, parse_period(part.period).kind)
        if rule is None:
            return []
        board = self._boards.get(event.partitionkey) or Deciding()
        places = [
            *board.waiting.get(part.period, ()),
            *(
                WaitingPlace(user_id=one.user_id, score=int(one.score), reached_at=one.reached_at_us)
                for one in part.top
            ),
        ]
        first = sorted(places, key=lambda one: Standing(one.score, one.reached_at).order(one.user_id))[: rule.ranks]
        self._boards.put(event.partitionkey, replace(board, waiting={**board.waiting, part.period: tuple(first)}))
        return []

    def partition_sealed(self, event: Event[PartitionSealed]) -> list[AnyEvent]:
        """Note how far a partition has sealed, and decide the periods that all partitions have sealed now."""
        data = event.data
        board = self._boards.get(event.partitionkey) or Deciding()
        sealed_to = {**board.sealed_to, str(data.partition): data.sealed_to_us}
        reached = min(sealed_to.values()) if len(sealed_to) == data.partitions else 0
        ended = sorted((parse_period(period).end or 0, period) for period in board.waiting)
        decided = [period for end, period in ended if end <= reached]
        waiting = {period: places for period, places in board.waiting.items() if period not in decided}
        self._boards.put(event.partitionkey, Deciding(sealed_to=sealed_to, waiting=waiting))
        return [effect for period in decided for effect in self._decide(event, period, board.waiting[period])]

    def _decide(self, event: Event[PartitionSealed], period: str, places: tuple[WaitingPlace, ...]) -> list[AnyEvent]:
        scope, board = event.data.scope, event.data.board
        rule: RewardRule | None = self._rules.rule(scope, board, parse_period(period).kind)
        if rule is None:
            return []
        decided = PoolDecided if scope == CONSTELLATIONS else RewardDecided
        return [
            event.then(
                decided(scope=scope, board=board, period=period, rank=rank, ss=rule.shards(rank)),
                key=one.user_id,
                name=f"{period}|{one.user_id}",
            )
            for rank, one in enumerate(places[: rule.ranks], start=1)
        ]
