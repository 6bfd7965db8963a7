"""People (`social_people`); a profile; two constellations; an account that is closed while it joins; two battles.

One challenge expires, and the other one is fought to its end.
"""

from __future__ import annotations

from streams.events import AnyEvent
from streams.events.battles import AcceptBattle, ChallengeBattle
from streams.events.clock import Ticked
from streams.events.constellations import CreateConstellation, JoinConstellation, LeaveConstellation
from streams.events.financial import ContributionPaid
from streams.events.social import CreateProfile
from streams.events.trading import TradeExecuted
from streams.events.user import AccountClosed
from streams.times import DAY_US, HOUR_US, MINUTE_US, Instant
from tests.integration.agents.scenarios import social_people
from tests.integration.agents.scenarios.kit import AT, UNREACHABLE, Run, first


def play(run: Run) -> None:
    """Play the scenario."""
    social_people.play(run)
    run(first(CreateProfile(display_name="Ada"), "ada"))
    for owner, constellation_id in (("ada", "north"), ("eve", "south")):
        name = f"The {constellation_id}"
        run(first(CreateConstellation(constellation_id=constellation_id, name=name), owner))
    run(first(JoinConstellation(constellation_id="north"), "bob"))
    run(first(ContributionPaid(contribution_id="c-1", constellation_id="north", amount=10), "bob"))
    run(first(LeaveConstellation(), "bob"))
    run(first(JoinConstellation(constellation_id=UNREACHABLE), "zoe"))
    run(first(AccountClosed(user_id="zoe"), "zoe"))
    _challenge(run, "b-1", AT)
    run(tick(Instant(AT + DAY_US)))
    later = Instant(AT + 2 * DAY_US)
    _challenge(run, "b-2", later)
    run(first(AcceptBattle(battle_id="b-2"), "eve", later))
    run(first(fill(), "ada", Instant(later + 2 * MINUTE_US)))
    for end in (3 * MINUTE_US, 4 * MINUTE_US, 2 * HOUR_US):
        run(tick(Instant(later + end)))


def _challenge(run: Run, battle_id: str, at: Instant) -> None:
    challenge = ChallengeBattle(battle_id=battle_id, opponent="south", kind="trading_duel", hours=1)
    run(first(challenge, "ada", at))


def tick(at: Instant) -> AnyEvent:
    """Return a tick of the clock."""
    return first(Ticked(), "clock", at)


def fill() -> TradeExecuted:
    """Return a fill with a gain."""
    return TradeExecuted.of(
        {
            "trade_id": "t-1",
            "fill_id": "f-1",
            "venue": "tape",
            "market": "BTC",
            "side": "buy",
            "mode": "live",
            "price": "50000",
            "size": "0.02",
            "notional_usd": "1000.00",
            "fee_usd": "1.50",
            "closed_pnl_usd": "5.00",
            "closes": True,
        }
    )
