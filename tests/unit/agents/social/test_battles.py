"""The rules of battles, from challenge to result, over four partitions."""

from __future__ import annotations

from agents.social.battles.scores import Points, digest_of
from streams.events.battle_steps import ChallengeAnswered, PointsReported
from streams.events.battles import (
    AcceptBattle,
    BattleCompleted,
    BattleFought,
    BattleRatingChanged,
    BattleScoreChanged,
    BattleStarted,
)
from streams.events.clock import Ticked
from streams.events.constellations import LeaveConstellation, RemoveMember
from streams.times import HOUR_US, Instant
from streams.units import Usd
from tables.social_constellations import (
    SOCIAL_BATTLE_ENTRIES,
    SOCIAL_BATTLE_POINTS,
    SOCIAL_BATTLE_TRADES,
    SOCIAL_DEADLINES,
    member_key,
)
from tests.unit.agents.cluster import Cluster, of_type
from tests.unit.agents.social.clans import (
    NOON,
    after,
    battle,
    challenge,
    constellation,
    found,
    join,
    rating,
    reasons,
    slot,
    started,
    told,
    trade,
    two_sides,
)

START = after(60)
END = Instant(START + HOUR_US)
CLOSED = Instant(END + 60_000_000)


# --- the battle -------------------------------------------------------------------------------------------------------


def test_the_sides_are_the_members_at_the_start(cluster: Cluster) -> None:
    two_sides(cluster)
    challenge(cluster)
    events = cluster.send(AcceptBattle(battle_id="b-1"), "eve", NOON)
    [start] = of_type(events, BattleStarted)
    assert (start.challengers, start.defenders) == (("ada", "bob"), ("eve", "fay"))
    assert (start.starts_at, start.ends_at) == (START, END)
    assert told(events, "battle_started") == ["ada", "bob", "eve", "fay"]
    cluster.send(RemoveMember(member="bob"), "ada", NOON)
    join(cluster, "north", "gus")
    trade(cluster, "bob", "t-1", "5.00", START)
    trade(cluster, "gus", "t-2", "7.00", START)
    cluster.tick(CLOSED)
    assert battle(cluster).challenger.pnl == Usd.parse("5.00")
    assert battle(cluster).challenger.members == 2


def test_only_trades_inside_the_battle_count(cluster: Cluster) -> None:
    started(cluster)
    trade(cluster, "ada", "early", "1.00", Instant(START - 1))
    trade(cluster, "ada", "first", "2.00", START)
    trade(cluster, "ada", "last", "4.00", Instant(END - 1))
    trade(cluster, "ada", "late", "8.00", END)
    cluster.tick(Instant(CLOSED - 1))
    trade(cluster, "ada", "arrived late", "16.00", Instant(END - 2))
    cluster.tick(CLOSED)
    assert battle(cluster).state == "completed"
    trade(cluster, "ada", "too late", "32.00", Instant(END - 2))
    assert battle(cluster).challenger.pnl == Usd.parse("22.00")
    assert battle(cluster).challenger.trades == 3


def test_a_trade_is_counted_once_and_wins_while_its_fills_sum_above_0(cluster: Cluster) -> None:
    started(cluster)
    trade(cluster, "ada", "t-1", "0", START, closes=False)
    trade(cluster, "ada", "t-1", "9.00", START)
    trade(cluster, "ada", "t-1", "-10.00", Instant(START + 1))
    trade(cluster, "ada", "t-2", "3.00", START)
    cluster.tick(CLOSED)
    side = battle(cluster).challenger
    assert (side.pnl, side.closes, side.wins, side.trades) == (Usd.parse("2.00"), 2, 1, 2)


def test_the_score_follows_at_ticks_and_not_with_each_trade(cluster: Cluster) -> None:
    started(cluster)
    assert of_type(trade(cluster, "ada", "t-1", "5.00", START), PointsReported) == []
    trade(cluster, "ada", "t-2", "5.00", Instant(START + 1))
    assert len(of_type(cluster.tick(after(65)), PointsReported)) == 1
    assert battle(cluster).challenger.score == Usd.parse("130.00")  # 10 + 100 + 20
    [moved] = of_type(cluster.tick(after(70)), BattleScoreChanged)
    assert (moved.challenger_score, moved.defender_score) == (Usd.parse("130.00"), 0)
    assert of_type(cluster.tick(after(80)), BattleScoreChanged) == []


def test_the_winner_gets_80_percent_and_20_rating_and_the_loser_loses_10(cluster: Cluster) -> None:
    started(cluster)
    trade(cluster, "ada", "t-1", "90.00", START)  # 90 + 100 + 10
    trade(cluster, "bob", "t-2", "190.00", START)  # 190 + 100 + 10
    trade(cluster, "fay", "t-3", "-1.00", START)  # -1 + 0 + 10
    events = cluster.tick(CLOSED)
    [result] = of_type(events, BattleCompleted)
    assert result.winner == "north"
    assert result.challenger_score == Usd.parse("400.00")  # 280 + 100 + 20
    assert result.defender_score == Usd.parse("9.00")
    assert result.prizes == {"ada": 320, "bob": 480, "fay": 200}
    assert {event.partitionkey: event.data for event in events if isinstance(event.data, BattleFought)} == {
        "ada": BattleFought(battle_id="b-1", constellation_id="north", won=True, prize_ss=320),
        "bob": BattleFought(battle_id="b-1", constellation_id="north", won=True, prize_ss=480),
        "eve": BattleFought(battle_id="b-1", constellation_id="south", won=False, prize_ss=0),
        "fay": BattleFought(battle_id="b-1", constellation_id="south", won=False, prize_ss=200),
    }
    assert told(events, "battle_result") == ["ada", "bob", "eve", "fay"]
    ratings = {event.partitionkey: event.data for event in events if isinstance(event.data, BattleRatingChanged)}
    assert {one: (data.before, data.rating) for one, data in ratings.items()} == {
        "north": (1000, 1020),
        "south": (1000, 990),
    }
    assert (rating(cluster, "north"), rating(cluster, "south")) == (1020, 990)
    assert (constellation(cluster, "north").won, constellation(cluster, "south").lost) == (1, 1)
    assert reasons(challenge(cluster, battle_id="b-2")) == []


def test_a_tie_divides_the_pool_in_halves_and_moves_no_rating(cluster: Cluster) -> None:
    started(cluster)
    trade(cluster, "ada", "t-1", "5.00", START)
    trade(cluster, "eve", "t-1", "5.00", START)
    events = cluster.tick(CLOSED)
    [result] = of_type(events, BattleCompleted)
    assert result.winner is None
    assert result.prizes == {"ada": 500, "eve": 500}
    assert of_type(events, BattleRatingChanged) == []
    assert (rating(cluster, "north"), constellation(cluster, "north").tied) == (1000, 1)
    assert {fought.won for fought in of_type(events, BattleFought)} == {None}


def test_a_battle_without_trades_pays_nothing(cluster: Cluster) -> None:
    started(cluster)
    [result] = of_type(cluster.tick(CLOSED), BattleCompleted)
    assert (result.winner, result.prizes) == (None, {})


def test_a_rating_does_not_fall_below_100(cluster: Cluster) -> None:
    rules = cluster.rulebook.social.battles.rating
    assert [rules.after(105, -10), rules.after(100, -10), rules.after(100, 20)] == [100, 100, 120]


def test_a_result_is_sealed_with_a_digest_over_all_entries(cluster: Cluster) -> None:
    started(cluster)
    trade(cluster, "ada", "t-1", "5.00", START)
    [result] = of_type(cluster.tick(CLOSED), BattleCompleted)
    rows = {
        user: cluster.row(SOCIAL_BATTLE_POINTS, member_key("b-1", user), "b-1") for user in ["ada", "bob", "eve", "fay"]
    }
    lines = [
        (row.side, user, Points(row.pnl, row.closes, row.wins, row.trades), row.prize)
        for user, row in rows.items()
        if row is not None
    ]
    assert len(lines) == 4
    assert result.digest == battle(cluster).digest == digest_of(lines)


def test_the_digest_follows_from_the_events_alone(cluster: Cluster) -> None:
    started(cluster)
    for user, pnl in (("ada", "5.00"), ("fay", "-3.00"), ("bob", "2.50")):
        trade(cluster, user, f"t-{user}", pnl, START)
    cluster.tick(CLOSED)
    [start], [result] = of_type(cluster.events, BattleStarted), of_type(cluster.events, BattleCompleted)
    side_of = dict.fromkeys(start.challengers, "challenger") | dict.fromkeys(start.defenders, "defender")
    final = [report for report in of_type(cluster.events, PointsReported) if report.final]
    assert result.digest == digest_of(
        (
            side_of[one.user_id],
            one.user_id,
            Points(one.pnl_usd, one.closes, one.wins, one.trades),
            result.prizes.get(one.user_id, 0),
        )
        for one in final
    )


def test_a_closed_battle_leaves_no_entry_no_trade_and_no_deadline(cluster: Cluster) -> None:
    started(cluster)
    trade(cluster, "ada", "t-1", "5.00", START)
    cluster.tick(CLOSED)
    cluster.tick(after(10 * 24 * 3600))
    for table in (SOCIAL_BATTLE_ENTRIES, SOCIAL_BATTLE_TRADES, SOCIAL_DEADLINES):
        assert cluster.rows(table) == {}, table.name


def test_a_user_takes_part_in_one_battle_at_a_time(cluster: Cluster) -> None:
    started(cluster)
    cluster.send(LeaveConstellation(), "bob", NOON)
    found(cluster, "gus", "west")
    found(cluster, "hal", "east")
    join(cluster, "west", "bob")
    challenge(cluster, "gus", battle_id="b-2", opponent="east")
    cluster.send(AcceptBattle(battle_id="b-2"), "hal", NOON)
    trade(cluster, "bob", "t-1", "5.00", START)
    cluster.tick(CLOSED)
    assert battle(cluster, "b-1").challenger.pnl == Usd.parse("5.00")
    assert battle(cluster, "b-2").challenger.pnl == 0
    assert battle(cluster, "b-2").state == "completed"
    assert slot(cluster, "bob") == ("member", "west")


def test_nothing_counts_after_final_points(cluster: Cluster) -> None:
    started(cluster)
    for pnl, final in (("7.00", True), ("9.00", False), ("9.00", True)):
        report = PointsReported(user_id="ada", pnl_usd=Usd.parse(pnl), closes=1, wins=1, trades=1, final=final)
        cluster.send(report, "b-1", START)
    side = battle(cluster).challenger
    assert (side.pnl, side.closed) == (Usd.parse("7.00"), 1)


def test_points_of_a_stranger_do_not_count(cluster: Cluster) -> None:
    before = started(cluster)
    report = PointsReported(user_id="zoe", pnl_usd=Usd.parse("7.00"), closes=1, wins=1, trades=1, final=True)
    cluster.send(report, "b-1", START)
    assert battle(cluster) == before


def test_each_event_of_a_battle_has_an_id_of_its_own(cluster: Cluster) -> None:
    started(cluster)
    for user in ("ada", "bob", "eve"):
        trade(cluster, user, "t-1", "5.00", START)
    cluster.tick(CLOSED)  # points and final points fall due at one tick
    assert battle(cluster).state == "completed"
    ids = [event.id for event in cluster.events if not isinstance(event.data, Ticked)]
    assert len(set(ids)) == len(ids)


def test_a_user_of_both_sides_fights_for_the_defender(cluster: Cluster) -> None:
    two_sides(cluster)
    challenge(cluster)
    answer = ChallengeAnswered(user_id="eve", constellation_id="south", accepted=True, members=("eve", "bob"))
    [start] = of_type(cluster.send(answer, "b-1", NOON), BattleStarted)
    assert (start.challengers, start.defenders) == (("ada",), ("bob", "eve"))
