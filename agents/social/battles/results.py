"""The result of a battle: scores, winner, prizes, ratings and the digest. Rules over rows that the caller reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from msgspec.structs import replace

from agents.social.battles.policy import BattlePolicy, ScoreRules
from agents.social.battles.scores import Points, digest_of, prizes, shares, side_score
from streams.events import AnyEvent
from streams.events.battle_steps import EngagementEnded, Outcome
from streams.events.battles import BattleCompleted, BattleFought
from streams.units import Usd
from tables.social_constellations import Battle, BattlePoints, BattleSide, Side


class Result(NamedTuple):
    """A completed battle, the prizes of its members, and the events that follow."""

    battle: Battle
    prizes: dict[str, int]
    effects: list[AnyEvent]


def rescored(battle: Battle, before: BattlePoints, after: BattlePoints, rules: ScoreRules) -> Battle:
    """Return a battle after a member's points changed."""
    side = battle.challenger if after.side == "challenger" else battle.defender
    moved = replace(
        side,
        closed=side.closed + after.final - before.final,
        pnl=side.pnl + after.pnl - before.pnl,
        closes=side.closes + after.closes - before.closes,
        wins=side.wins + after.wins - before.wins,
        trades=side.trades + after.trades - before.trades,
    )
    return replace(battle, **{after.side: replace(moved, score=side_score(_sum(moved), rules, battle.kind))})


def completed(event: AnyEvent, battle: Battle, members: Mapping[str, BattlePoints], policy: BattlePolicy) -> Result:
    """Complete a battle whose members all have final points."""
    first, second = shares(battle.challenger.score, battle.defender.score, policy.prizes)
    paid = {
        **prizes(first, _of_side(members, "challenger"), policy.score),
        **prizes(second, _of_side(members, "defender"), policy.score),
    }
    winner = _winner(battle)
    sealed = digest_of((row.side, user_id, _points(row), paid.get(user_id, 0)) for user_id, row in members.items())
    result = replace(
        battle,
        state="completed",
        completed_at=int(event.time),
        winner=winner,
        digest=sealed,
        challenger=_with_prize(battle.challenger, members, "challenger", paid),
        defender=_with_prize(battle.defender, members, "defender", paid),
    )
    told = BattleCompleted(
        challenger=battle.challenger.constellation_id,
        defender=battle.defender.constellation_id,
        winner=winner,
        challenger_score=Usd(battle.challenger.score),
        defender_score=Usd(battle.defender.score),
        prizes=dict(sorted(paid.items())),
        digest=sealed,
    )
    sides = [_end(event, side.constellation_id, winner, policy) for side in (battle.challenger, battle.defender)]
    fought = [
        _fought(event, battle, user_id, row, winner=winner, prize=paid.get(user_id, 0))
        for user_id, row in members.items()
    ]
    return Result(result, paid, [event.then(told), *sides, *fought])


def _winner(battle: Battle) -> str | None:
    if battle.challenger.score == battle.defender.score:
        return None
    won = battle.challenger if battle.challenger.score > battle.defender.score else battle.defender
    return won.constellation_id


def _with_prize(side: Side, members: Mapping[str, BattlePoints], name: BattleSide, paid: Mapping[str, int]) -> Side:
    return replace(side, prize=sum(paid.get(user_id, 0) for user_id, row in members.items() if row.side == name))


def _end(event: AnyEvent, constellation_id: str, winner: str | None, policy: BattlePolicy) -> AnyEvent:
    """Return the end of a side's engagement, with what the battle does to its rating."""
    outcome: Outcome = "tied" if winner is None else "won" if winner == constellation_id else "lost"
    change = {"tied": 0, "won": policy.rating.win, "lost": -policy.rating.loss}[outcome]
    ended = EngagementEnded(battle_id=event.partitionkey, outcome=outcome, rating_change=change)
    return event.then(ended, name=constellation_id, key=constellation_id)


def _fought(
    event: AnyEvent, battle: Battle, user_id: str, row: BattlePoints, *, winner: str | None, prize: int
) -> AnyEvent:
    side = battle.challenger if row.side == "challenger" else battle.defender
    won = None if winner is None else winner == side.constellation_id
    fought = BattleFought(battle_id=event.partitionkey, constellation_id=side.constellation_id, won=won, prize_ss=prize)
    return event.then(fought, name=user_id, key=user_id)


def _of_side(members: Mapping[str, BattlePoints], side: BattleSide) -> dict[str, Points]:
    return {user_id: _points(row) for user_id, row in members.items() if row.side == side}


def _points(row: BattlePoints) -> Points:
    return Points(row.pnl, row.closes, row.wins, row.trades)


def _sum(side: Side) -> Points:
    return Points(side.pnl, side.closes, side.wins, side.trades)
