"""Divide a constellation's reward among its contributors, in proportion to the shards that each gave in the period."""

from __future__ import annotations

from agents.gamification.policy import BoardRules, RewardRules
from streams.events import AnyEvent, Event
from streams.events.constellation_steps import ContributionReceived
from streams.events.gamification import PoolDecided, RewardDecided
from tables.boards import CONSTELLATIONS, periods_of
from tables.gamification import GAMIFICATION_CONTRIBUTIONS, Contributions
from tables.typed import TypedTable
from tables.unit_of_work import UnitOfWork
from tables.watermark import WATERMARK_KEY, Watermark

PERIODS_KEPT = 2
"""The newest periods whose contributions a constellation keeps: one may wait for its sealing while the next runs."""


class Shares:
    """The contributions to the constellations of a partition, and the shares that they earn."""

    def __init__(
        self, tables: UnitOfWork, watermarks: TypedTable[Watermark], rewards: RewardRules, boards: BoardRules
    ) -> None:
        self._kinds = {rule.period for rule in rewards.listed if rule.scope == CONSTELLATIONS}
        self._grace_h = boards.late_grace_h
        self._contributions = tables.rows(GAMIFICATION_CONTRIBUTIONS)
        self._watermarks = watermarks

    def contributed(self, event: Event[ContributionReceived]) -> list[AnyEvent]:
        """Count a contribution in its rewarded periods that are not sealed."""
        given, constellation_id = event.data, event.partitionkey
        watermark = (self._watermarks.get(WATERMARK_KEY) or Watermark()).highest
        row = self._contributions.get(constellation_id) or Contributions()
        periods = {period: dict(users) for period, users in row.periods.items()}
        for period in periods_of(event.time).listed:
            if period.kind in self._kinds and not period.sealed(watermark, self._grace_h):
                users = periods.setdefault(period.text, {})
                users[given.user_id] = users.get(given.user_id, 0) + given.amount
        kept = sorted(periods)[-PERIODS_KEPT:]
        self._contributions.put(constellation_id, Contributions(periods={one: periods[one] for one in kept}))
        return []

    def divide(self, event: Event[PoolDecided]) -> list[AnyEvent]:
        """Decide the reward of each user who contributed in the period."""
        pool, constellation_id = event.data, event.partitionkey
        row = self._contributions.get(constellation_id) or Contributions()
        periods = {period: users for period, users in row.periods.items() if period != pool.period}
        if periods != row.periods:
            self._contributions.put(constellation_id, Contributions(periods=periods))
        return [
            event.then(
                RewardDecided(
                    scope=pool.scope, board=pool.board, period=pool.period, rank=pool.rank, ss=share,
                    constellation=constellation_id,
                ),
                key=user_id,
                name=user_id,
            )
            for user_id, share in shares_of(pool.ss, row.periods.get(pool.period, {})).items()
            if share
        ]  # fmt: skip


def shares_of(pool: int, contributed: dict[str, int]) -> dict[str, int]:
    """Return each user's part of a pool, rounded down. The greatest contributor, or the first by id, has the rest."""
    total = sum(contributed.values())
    if not total:
        return {}
    shares = {user_id: pool * part // total for user_id, part in contributed.items()}
    greatest = min(contributed, key=lambda user_id: (-contributed[user_id], user_id))
    shares[greatest] += pool - sum(shares.values())
    return shares
