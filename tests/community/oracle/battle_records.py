"""What the oracle keeps of a battle: its fighters, its sides, and the entry of a user who fights."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.community.oracle.battle_scores import Points


@dataclass(slots=True, kw_only=True)
class Fighter:
    """A member of a side as the battle knows the member: what was reported last."""

    side: str
    points: Points = field(default_factory=Points)
    final: bool = False
    prize: int = 0


@dataclass(slots=True, kw_only=True)
class Battle:
    """A battle. `announce_at` is when its scores are told next, or 0."""

    id: str
    kind: str
    hours: int
    user_id: str
    sides: dict[str, str]
    proposed_at: int
    state: str = "challenged"
    expires_at: int = 0
    starts_at: int = 0
    ends_at: int = 0
    completed_at: int = 0
    winner: str | None = None
    digest: str = ""
    announced: list[int] = field(default_factory=lambda: [0, 0])
    announce_at: int = 0
    fighters: dict[str, Fighter] = field(default_factory=dict)

    def side(self, name: str) -> list[Fighter]:
        """Return the fighters of a side."""
        return [fighter for fighter in self.fighters.values() if fighter.side == name]

    def summed(self, name: str) -> Points:
        """Return the sum over the fighters of a side."""
        total = Points()
        for fighter in self.side(name):
            total = total.plus(fighter.points)
        return total


@dataclass(slots=True, kw_only=True)
class BattleEntry:
    """The battle that a user takes part in. `report_at` is when the entry reports, or 0 when all is reported."""

    battle: Battle
    constellation_id: str
    points: Points = field(default_factory=Points)
    report_at: int = 0
    trades: dict[str, tuple[int, bool]] = field(default_factory=dict)


def digest_of(battle: Battle) -> str:
    """Return SHA-256 over the sorted lines `side user_id pnl closes wins trades prize` of all members."""
    lines: Iterable[str] = (
        f"{one.side} {user} {one.points.pnl} {one.points.closes} {one.points.wins} {one.points.trades} {one.prize}\n"
        for user, one in battle.fighters.items()
    )
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()
