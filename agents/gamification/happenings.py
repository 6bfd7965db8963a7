"""Turn events of domains other than trading into changes of a user's progress. Pure functions."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from agents.gamification.policy import DepositRules, GamificationPolicy
from streams.events import EventData
from streams.events.battles import BattleFought
from streams.events.constellations import ConstellationJoined, ConstellationLeft
from streams.events.financial import FundsDeposited
from streams.events.gamification import StreakKind
from streams.events.social import Interacted, SocialRatingChanged
from streams.events.user import LoggedIn
from streams.units import SCALE

HAPPENINGS: Final[tuple[type[EventData], ...]] = (
    LoggedIn,
    Interacted,
    SocialRatingChanged,
    ConstellationJoined,
    ConstellationLeft,
    BattleFought,
    FundsDeposited,
)
"""The classes of events that can mean something."""


class Happening(NamedTuple):
    """The effect of an event on a user's progress. XP of it is not multiplied.

    Attributes:
        streak: The streak that the event continues.
        source: What the XP is for.
        xp: The XP that the event earns.
        rating_ppm: The user's new social rating, in millionths of a point.
        constellation: The constellation that the user is a member of from now on; "" for none.
        founded: Whether the user founded it.
        battle_won: Whether the user's side won a battle.
        shards: The stellar shards that the user earned, as a prize or by a reward.
    """

    streak: StreakKind | None = None
    source: Literal["deposit", "social", "constellation"] = "social"
    xp: int = 0
    rating_ppm: int | None = None
    constellation: str | None = None
    founded: bool = False
    battle_won: bool = False
    shards: int = 0


def happening_of(data: EventData, policy: GamificationPolicy) -> Happening | None:
    """Return how an event changes the progress of its user; None when it changes nothing.

    Each interaction earns, also a second one with the same target. The founder of a constellation joins it, too.
    """
    found: Happening | None = None
    match data:
        case LoggedIn():
            found = Happening(streak="login")
        case Interacted():
            found = Happening(streak="social", xp=getattr(policy.social, data.kind))
        case SocialRatingChanged():
            found = Happening(rating_ppm=data.rating_ppm)
        case ConstellationJoined():
            found = Happening(
                streak="social",
                source="constellation",
                xp=policy.social.join_constellation,
                constellation=data.constellation_id,
                founded=data.role == "owner",
            )
        case ConstellationLeft():
            found = Happening(constellation="")
        case BattleFought() if data.won or data.prize_ss:
            found = Happening(battle_won=data.won is True, shards=data.prize_ss)
        case FundsDeposited(asset="USD"):
            found = Happening(source="deposit", xp=deposit_xp(data.amount, policy.deposits))
    return found


def deposit_xp(amount: int, rules: DepositRules) -> int:
    """Return the XP of a deposit in 1e-18 USD: none below the least amount, and at most `xp_max`."""
    if amount < rules.usd_min * SCALE:
        return 0
    return min(amount // (rules.usd_per_xp * SCALE), rules.xp_max)
