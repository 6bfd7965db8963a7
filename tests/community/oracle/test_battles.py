from fractions import Fraction

import pytest

from tests.community.oracle.battle_scores import USD, Points, prizes_of, score_of
from tests.community.oracle.social_numbers import HOUR, BattleNumbers
from tests.community.oracle.social_world import NOON, World, after

NUMBERS = BattleNumbers()
START = after(60)
END = START + HOUR
CLOSED = END + 60_000_000


@pytest.fixture
def world() -> World:
    """Two constellations, ada with bob and eve with fay, in a battle of an hour."""
    world = World("ada", "bob", "eve", "fay", "gus")
    world.found("ada", "north", "bob")
    world.found("eve", "south", "fay")
    challenge(world)
    return world


def challenge(world: World, by: str = "ada", battle: str = "b-1", opponent: str = "south", hours: int = 1) -> None:
    world.do("ChallengeBattle", by, battle_id=battle, opponent=opponent, kind="trading_duel", hours=hours)


def accept(world: World, at: int = NOON) -> None:
    world.do("AcceptBattle", "eve", at=at, battle_id="b-1")


@pytest.mark.parametrize(
    ("points", "kind", "score"),
    [
        (Points(pnl=250 * USD, closes=4, wins=3, trades=5), "trading_duel", 375 * USD),
        (Points(pnl=250 * USD, closes=4, wins=3, trades=5), "stellar_supremacy", 300 * USD),
        (Points(pnl=250 * USD, closes=4, wins=3, trades=5), "cosmic_conquest", 450 * USD),
        (Points(trades=30), "trading_duel", 200 * USD),
        (Points(pnl=-500 * USD, closes=1, trades=1), "trading_duel", 0),
        (Points(closes=3, wins=1, trades=3), "trading_duel", 6_333_333_333),
    ],
)
def test_the_score_of_a_battle(points: Points, kind: str, score: int) -> None:
    assert score_of(points, NUMBERS, NUMBERS.kinds[kind]) == score


def test_a_sides_share_is_divided_by_contribution_and_the_first_of_the_greatest_has_the_remainder() -> None:
    equal = Points(pnl=90 * USD, trades=1)
    members = {"bob": equal, "ada": equal, "cyd": equal, "dan": Points(pnl=-500 * USD, closes=1, trades=1)}
    assert prizes_of(200, members, NUMBERS) == {"ada": 68, "bob": 66, "cyd": 66}
    assert prizes_of(200, {"ada": Points()}, NUMBERS) == {}
    assert NUMBERS.winner == Fraction(4, 5)


def test_only_owner_and_admins_challenge_and_answer(world: World) -> None:
    for user in ("ada", "fay", "gus"):
        world.do("AcceptBattle", user, battle_id="b-1")
    assert world.row("social-battles", "b-1")["state"] == "challenged"
    accept(world)
    assert world.row("social-battles", "b-1")["state"] == "running"


def test_a_constellation_is_in_one_battle_or_challenge_at_most(world: World) -> None:
    world.found("gus", "west")
    challenge(world, "gus", "b-2")
    challenge(world, "ada", "b-3", "west")
    assert world.row("social-battles", "b-2")["state"] == "refused"
    assert world.row("social-battles", "b-3") is None
    assert world.row("social-constellations", "west")["battles"] == []


@pytest.mark.parametrize(("gap", "state"), [(500, "challenged"), (501, "refused")])
def test_ratings_are_at_most_500_apart(world: World, gap: int, state: str) -> None:
    world.found("gus", "west")
    world.do("DeclineBattle", "eve", battle_id="b-1")
    world.social.constellations.all["west"].rating = 1_000 + gap
    challenge(world, "ada", "b-2", "west")
    assert world.row("social-battles", "b-2")["state"] == state


def test_a_challenge_expires_after_24_hours(world: World) -> None:
    accept(world, at=after(24 * 3600))
    assert world.row("social-battles", "b-1")["state"] == "challenged"
    world.tick(after(24 * 3600))
    assert world.row("social-battles", "b-1")["state"] == "expired"
    assert world.row("social-constellations", "north")["engagement"] is None


def test_a_constellation_in_a_battle_cannot_be_dissolved(world: World) -> None:
    world.do("DissolveConstellation", "ada")
    assert world.row("social-constellations", "north")["dissolved_at"] == 0


def test_only_trades_inside_the_battle_of_the_members_at_its_start_count(world: World) -> None:
    accept(world)
    world.do("JoinConstellation", "gus", constellation_id="north")
    for trade, pnl, at in (
        ("early", "1", START - 1),
        ("first", "2", START),
        ("last", "4", END - 1),
        ("late", "8", END),
    ):
        world.trade("ada", trade, pnl, at)
    world.trade("gus", "of a newcomer", "16", START)
    world.tick(CLOSED - 1)
    world.trade("ada", "arrived late", "32", END - 2)
    world.tick(CLOSED)
    world.trade("ada", "too late", "64", END - 2)
    side = world.row("social-battles", "b-1")["challenger"]
    assert (side["pnl"], side["trades"], side["members"]) == (38 * USD, 3, 2)


def test_a_trade_is_counted_once_and_wins_while_its_fills_sum_above_0(world: World) -> None:
    accept(world)
    world.trade("ada", "t-1", "0", START, closes=False)
    world.trade("ada", "t-1", "9", START)
    world.trade("ada", "t-1", "-10", START + 1)
    world.trade("ada", "t-2", "3", START)
    entry = world.row("social-battle-entries", "ada")
    assert (entry["pnl"], entry["closes"], entry["wins"], entry["trades"]) == (2 * USD, 2, 1, 2)


def test_the_winner_gets_80_percent_and_20_rating_and_the_loser_loses_10(world: World) -> None:
    accept(world)
    world.trade("ada", "t-1", "90", START)
    world.trade("bob", "t-2", "190", START)
    world.trade("fay", "t-3", "-1", START)
    world.tick(CLOSED)
    battle = world.row("social-battles", "b-1")
    assert (battle["state"], battle["winner"], battle["completed_at"]) == ("completed", "north", CLOSED)
    assert (battle["challenger"]["score"], battle["defender"]["score"]) == (400 * USD, 9 * USD)
    assert world.told.paid == {"ada": 320, "bob": 480, "fay": 200}
    assert world.told.fought == {"ada": True, "bob": True, "eve": False, "fay": False}
    ratings = [world.row("social-ratings", one) for one in ("north", "south")]
    assert ratings == [{"rating": 1_020, "reached_at": CLOSED}, {"rating": 990, "reached_at": CLOSED}]


def test_a_tie_divides_the_pool_in_halves_and_moves_no_rating(world: World) -> None:
    accept(world)
    for user in ("ada", "eve"):
        world.trade(user, "t-1", "5", START)
    world.tick(CLOSED)
    assert world.row("social-battles", "b-1")["winner"] is None
    assert world.told.paid == {"ada": 500, "eve": 500}
    assert world.row("social-ratings", "north") == {"rating": 1_000, "reached_at": NOON}


def test_a_battle_without_trades_pays_nothing(world: World) -> None:
    accept(world)
    world.tick(CLOSED)
    assert (world.row("social-battles", "b-1")["winner"], world.told.paid) == (None, {})


def test_scores_follow_at_ticks(world: World) -> None:
    accept(world)
    world.trade("ada", "t-1", "5", START)
    world.tick(after(64))
    assert world.row("social-battles", "b-1")["challenger"]["score"] == 0
    world.tick(after(65))
    battle = world.row("social-battles", "b-1")
    assert (battle["challenger"]["score"], battle["announced"]) == (115 * USD, [0, 0])
    world.tick(after(70))
    assert world.row("social-battles", "b-1")["announced"] == [115 * USD, 0]


def test_a_user_takes_part_in_one_battle_at_a_time(world: World) -> None:
    accept(world)
    world.do("LeaveConstellation", "bob")
    world.found("gus", "west", "bob")
    world.do("AccountRegistered", "hal", user_id="hal")
    world.found("hal", "east")
    challenge(world, "gus", "b-2", "east")
    world.do("AcceptBattle", "hal", battle_id="b-2")
    assert world.row("social-battle-entries", "bob")["battle_id"] == "b-1"
    assert world.row("social-battles", "b-2")["challenger"]["closed"] == 1
