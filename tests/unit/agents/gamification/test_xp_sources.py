"""XP, streaks, achievements and prestige from other domains than trading: the worked examples of the rule book."""

from __future__ import annotations

from typing import Any

import pytest

from streams.events import EventData
from streams.events.battles import BattleFought
from streams.events.constellations import ConstellationJoined, ConstellationLeft
from streams.events.financial import FundsDeposited
from streams.events.gamification import (
    AchievementUnlocked,
    ClaimReward,
    LateEventRecorded,
    PrestigeLost,
    PrestigeReached,
    RewardDecided,
    StreakUpdated,
    XPGained,
)
from streams.events.social import Interacted, InteractionReceived, SocialRatingChanged
from streams.events.user import LoggedIn
from streams.units import Quantity
from tests.unit.agents.rulebooks import rulebook_with
from tests.unit.agents.world import World, of_type

DAYS = [f"2026-01-0{day}T12:00:00Z" for day in range(1, 10)]
AT = DAYS[4]


def deposit(amount: str, asset: Any = "USD") -> FundsDeposited:
    return FundsDeposited(asset=asset, amount=Quantity.parse(amount), provider="bank", reference="r-1")


def joined(role: Any = "member") -> ConstellationJoined:
    return ConstellationJoined(constellation_id="c-1", name="Orion", role=role)


def rating(points: str) -> SocialRatingChanged:
    ppm = int(float(points) * 1_000_000)
    return SocialRatingChanged(rating_ppm=ppm, before_ppm=50_000_000, endorsements=1, reports=0)


def battle(won: bool | None) -> BattleFought:
    return BattleFought(battle_id="b-1", constellation_id="c-1", won=won, prize_ss=0)


def gains(events: Any, source: str) -> list[int]:
    return [one.amount for one in of_type(events, XPGained) if one.source == source]


def unlocked(events: Any) -> list[tuple[str, int, int]]:
    return [(one.achievement, one.xp, one.ss) for one in of_type(events, AchievementUnlocked)]


@pytest.mark.parametrize(
    ("amount", "xp"),
    [("999.99", []), ("1000", [100]), ("2000", [200]), ("2009.99", [200]), ("5000", [500]), ("5010", [500])],
)
def test_a_deposit_of_1000_usd_or_more_earns_1_xp_per_10_usd_and_at_most_500(
    world: World, amount: str, xp: list[int]
) -> None:
    assert gains(world.happen(deposit(amount), AT), "deposit") == xp


def test_a_deposit_of_another_asset_earns_nothing(world: World) -> None:
    assert world.happen(deposit("5000", "STRK"), AT) == []


@pytest.mark.parametrize(
    ("kind", "xp"),
    [("like", [2]), ("comment", [5]), ("share", [10]), ("follow", [3]), ("endorse", [10]), ("report", [])],
)
def test_an_interaction_earns_the_xp_of_its_kind_for_the_user_who_acts(world: World, kind: Any, xp: list[int]) -> None:
    assert gains(world.happen(Interacted(target="bob", kind=kind), AT), "social") == xp
    assert world.happen(InteractionReceived(actor="bob", kind=kind), AT) == []


def test_joining_a_constellation_earns_20_xp(world: World) -> None:
    assert gains(world.happen(joined(), AT), "constellation") == [20]
    assert world.gamification.progress.get("ada").constellation == "c-1"
    world.happen(ConstellationLeft(constellation_id="c-1", reason="left"), AT)
    assert world.gamification.progress.get("ada").constellation is None


def test_the_streak_multiplier_applies_to_trades_and_closes_only(world: World) -> None:
    for day in DAYS[:4]:
        world.fill(f"f-{day}", day, notional_usd="100")
        world.happen(Interacted(target="bob", kind="like"), day)
    assert gains(world.fill("f-5", AT, notional_usd="1500"), "trade") == [18]
    assert gains(world.happen(Interacted(target="bob", kind="share"), AT), "social") == [10]
    assert gains(world.happen(deposit("1000"), AT), "deposit") == [100]


@pytest.mark.parametrize(
    ("kind", "data"),
    [("login", LoggedIn(user_id="ada")), ("social", Interacted(target="bob", kind="like")), ("social", joined())],
)
def test_a_streak_counts_consecutive_days_with_activity_of_its_kind(world: World, kind: str, data: EventData) -> None:
    def days(at: str) -> list[tuple[str, int, str]]:
        updates = of_type(world.happen(data, at), StreakUpdated)
        return [(one.kind, one.days, one.action) for one in updates]

    assert days(DAYS[0]) == [(kind, 1, "started")]
    assert days(DAYS[0]) == []
    assert days(DAYS[1]) == [(kind, 2, "continued")]
    assert days(DAYS[3]) == [(kind, 1, "broken")]
    assert days(DAYS[2]) == []
    assert "trading" not in world.gamification.progress.get("ada").streaks


def test_a_social_rating_of_75_unlocks_an_achievement_of_500_xp_once(world: World) -> None:
    assert unlocked(world.happen(rating("74.999999"), AT)) == []
    assert unlocked(world.happen(rating("75"), AT)) == [("social_rating-75", 500, 1_000)]
    world.happen(rating("60"), AT)
    assert unlocked(world.happen(rating("80"), AT)) == []


def test_founding_a_constellation_unlocks_an_achievement_of_250_xp_and_joining_one_does_not(world: World) -> None:
    assert unlocked(world.happen(joined("member"), AT)) == []
    assert unlocked(world.happen(joined("owner"), AT)) == [("constellation_founder-1", 250, 500)]


def test_the_first_and_the_tenth_battle_win_unlock_100_and_750_xp(world: World) -> None:
    assert unlocked(world.happen(battle(None), AT)) == []
    assert unlocked(world.happen(battle(won=False), AT)) == []
    assert unlocked(world.happen(battle(won=True), AT)) == [("battle_win-1", 100, 200)]
    for _ in range(8):
        assert unlocked(world.happen(battle(won=True), AT)) == []
    assert unlocked(world.happen(battle(won=True), AT)) == [("battle_win-10", 750, 1_500)]


def test_achievements_are_checked_in_the_order_of_the_list() -> None:
    kinds = [rule.kind for rule in World().rulebook.gamification.achievements.listed]
    assert list(dict.fromkeys(kinds)) == [
        "trades",
        "profitable_close",
        "single_trade",
        "trading_streak",
        "level",
        "win_rate",
        "social_rating",
        "constellation_founder",
        "battle_win",
    ]


def test_the_xp_of_every_source_counts_on_the_boards_of_the_time_of_the_event(world: World) -> None:
    world.happen(deposit("1000"), DAYS[0])
    world.happen(rating("80"), DAYS[1])
    assert world.score("global/day:2026-01-01/xp")[0] == 100
    assert world.score("global/day:2026-01-02/xp")[0] == 500
    assert world.score("global/all/xp")[0] == 600
    assert world.score("global/all/trades") is None


def test_xp_after_its_day_was_sealed_counts_for_the_open_periods_and_is_recorded_as_late(world: World) -> None:
    world.happen(joined(), DAYS[4], "bob")
    events = world.happen(deposit("1000"), DAYS[0])
    [late] = of_type(events, LateEventRecorded)
    assert late.periods == ("day:2026-01-01",)
    assert world.score("global/day:2026-01-01/xp") is None
    assert world.score("global/month:2026-01/xp")[0] == 100


def test_prestige_needs_trades_and_shards_and_wins(world: World) -> None:
    tiers = [rule.model_dump() for rule in world.rulebook.gamification.prestige.tiers]
    assert [tuple(tier.values()) for tier in tiers] == [
        ("bronze", 50, 10_000, 60),
        ("silver", 200, 50_000, 60),
        ("gold", 500, 100_000, 75),
    ]


def test_prestige_is_recomputed_when_a_count_changes_and_a_rise_or_fall_is_told() -> None:
    tiers = (("bronze", 2, 100, 60), ("silver", 5, 100, 60), ("gold", 500, 100_000, 75))
    listed = [dict(zip(("tier", "trades", "ss", "win_percent"), tier, strict=True)) for tier in tiers]
    world = World(rulebook_with({"gamification": {"prestige": {"tiers": listed}}}))

    def told(number: int, pnl: str) -> list[Any]:
        events = world.fill(f"f-{number}", AT, closed_pnl_usd=pnl)
        return [*of_type(events, PrestigeReached), *of_type(events, PrestigeLost)]

    assert told(1, "5") == []
    assert told(2, "5") == [PrestigeReached(tier="bronze")]
    assert told(3, "-5") == []
    assert world.gamification.progress.get("ada").prestige == "bronze"
    assert told(4, "-5") == [PrestigeLost(tier=None)]
    assert world.gamification.progress.get("ada").prestige is None
    assert told(5, "5") == [PrestigeReached(tier="silver")]


def test_prizes_of_battles_and_claimed_rewards_count_as_shards_ever_earned() -> None:
    """Without them no user could reach gold: all achievements together grant 65,550 shards."""
    tiers = (("bronze", 1, 1_130, 60), ("silver", 1, 1_630, 60), ("gold", 500, 100_000, 75))
    listed = [dict(zip(("tier", "trades", "ss", "win_percent"), tier, strict=True)) for tier in tiers]
    world = World(rulebook_with({"gamification": {"prestige": {"tiers": listed}}}))
    world.fill("f-1", AT, closed_pnl_usd="5")
    assert world.gamification.progress.get("ada").ss == 100 + 50
    reward = RewardDecided(scope="global", board="xp", period="week:2025-W52", rank=1, ss=1_000)
    assert of_type(world.happen(reward, AT), PrestigeReached) == []
    claim = ClaimReward(reward_id="global:xp:week:2025-W52")
    assert [one.tier for one in of_type(world.happen(claim, AT), PrestigeReached)] == ["bronze"]
    assert of_type(world.happen(claim, AT), PrestigeReached) == []
    lost = BattleFought(battle_id="b-1", constellation_id="c-1", won=False, prize_ss=480)
    assert [one.tier for one in of_type(world.happen(lost, AT), PrestigeReached)] == ["silver"]
    assert world.gamification.progress.get("ada").ss == 150 + 1_000 + 480


def test_a_sign_in_earns_no_xp_so_it_makes_no_older_event_late(world: World) -> None:
    world.happen(LoggedIn(user_id="bob"), DAYS[8], "bob")
    assert of_type(world.happen(deposit("1000"), DAYS[0]), LateEventRecorded) == []
    assert world.score("global/day:2026-01-01/xp")[0] == 100
