"""Worked examples of domain.md sections 4, 5, 6, 9, 13 and 14 for the oracle alone."""

import pytest

from tests.community.oracle.alone import GameAlone
from tests.community.oracle.merkle import root
from tests.community.oracle.partitions import partition_of
from tests.community.oracle.times import at

MONDAY = "2026-01-05T12:00:00+00:00"


def day(number: int, hour: int = 12) -> str:
    """Return an instant of a day of January 2026; the 5th is a Monday."""
    return f"2026-01-{number:02d}T{hour:02d}:00:00+00:00"


@pytest.fixture
def game() -> GameAlone:
    return GameAlone()


def test_a_trade_of_1_500_usd_earns_15_xp_and_a_second_fill_of_1_000_ten_more(game: GameAlone) -> None:
    game.fill("ada", MONDAY, notional="1500")
    assert game.xp_without_achievements("ada") == 15
    game.fill("ada", MONDAY, notional="1000")
    assert game.xp_without_achievements("ada") == 25


def test_a_trade_earns_at_least_10_xp_and_its_close_25_and_50_once_it_is_in_profit(game: GameAlone) -> None:
    game.fill("ada", MONDAY, notional="1")
    game.fill("ada", MONDAY, notional="1", pnl="-2")
    assert game.xp_without_achievements("ada") == 10 + 25
    game.fill("ada", MONDAY, notional="1", pnl="3")
    game.fill("ada", MONDAY, notional="1", pnl="3")
    assert game.xp_without_achievements("ada") == 10 + 25 + 50


def test_on_the_fifth_day_of_a_streak_15_xp_become_18(game: GameAlone) -> None:
    for number in range(5, 9):
        game.fill("ada", day(number), trade=f"t{number}", notional="1500")
    before = game.xp_without_achievements("ada")
    game.fill("ada", day(9), trade="t9", notional="1500")
    assert game.xp_without_achievements("ada") - before == 18


def test_a_missed_day_restarts_a_streak_and_an_older_event_leaves_it(game: GameAlone) -> None:
    for number in (5, 6, 7, 9, 8):
        game.fill("ada", day(number), trade=f"t{number}")
    assert game.progress("ada")["streaks"]["trading"] == {
        "days": 1,
        "best": 3,
        "last_day": at(day(9)) // 86_400_000_000,
    }


def test_streaks_of_each_kind_are_counted_by_themselves(game: GameAlone) -> None:
    game.happen("LoggedIn", "ada", day(5))
    game.happen("LoggedIn", "ada", day(6))
    game.gamification.interacted("ada", "report", at(day(6)), ())
    assert {kind: one["days"] for kind, one in game.progress("ada")["streaks"].items()} == {"login": 2, "social": 1}
    assert game.progress("ada")["xp"] == 0


@pytest.mark.parametrize(("usd", "xp"), [(999, 0), (1_000, 100), (2_000, 200), (2_009, 200), (50_000, 500)])
def test_a_deposit_of_2_000_usd_earns_200_xp_and_at_most_500(game: GameAlone, usd: int, xp: int) -> None:
    game.gamification.deposited("ada", "USD", usd * 10**8, at=at(MONDAY), causes=())
    assert game.xp_without_achievements("ada") == xp


def test_399_xp_are_level_2_and_400_level_3_with_a_leverage_of_20(game: GameAlone) -> None:
    game.gamification.deposited("ada", "USD", 3_990 * 10**8, at=at(MONDAY), causes=())
    assert (game.progress("ada")["level"], game.trading.leverage["ada"]) == (2, 15)
    game.gamification.interacted("ada", "like", at(MONDAY), ())
    assert (game.progress("ada")["level"], game.trading.leverage["ada"]) == (3, 20)


def test_an_achievement_grants_its_xp_and_twice_as_many_shards_and_may_earn_another(game: GameAlone) -> None:
    game.fill("ada", MONDAY, notional="10000")
    assert [one["name"] for one in game.progress("ada")["achievements"]] == ["trades-1", "single_trade-10000"]
    assert game.progress("ada")["xp"] == 100 + 50 + 1_000
    assert game.financial.shards == [("ada", "achievement", 100), ("ada", "achievement", 2_000)]
    for _ in range(14):
        game.gamification.deposited("ada", "USD", 5_000 * 10**8, at=at(MONDAY), causes=())
    assert game.progress("ada")["achievements"][-1]["name"] == "level-10"
    assert game.progress("ada")["xp"] == 1_150 + 14 * 500 + 200


def test_a_win_rate_of_70_percent_needs_ten_closes(game: GameAlone) -> None:
    for number in range(9):
        game.fill("ada", MONDAY, trade=f"t{number}", pnl="1")
    assert "win_rate-70" not in game.gamification.players["ada"].unlocked
    game.fill("ada", MONDAY, trade="t9", pnl="-1")
    assert "win_rate-70" in game.gamification.players["ada"].unlocked


def test_a_liquidation_is_a_losing_close_without_xp_or_streak(game: GameAlone) -> None:
    game.fill("ada", day(5), notional="1500")
    game.settle("ada", day(6), "t1", "-50", liquidated=True)
    row = game.progress("ada")
    assert (row["closes"], row["wins"], row["streaks"]["trading"]["days"]) == (1, 0, 1)
    assert game.xp_without_achievements("ada") == 15


def test_genesis_types_follow_from_achievements(game: GameAlone) -> None:
    game.fill("ada", MONDAY)
    assert game.nft.types == [("ada", "first_trade")]


def test_a_board_ranks_by_score_then_time_then_user_and_shows_a_negative_pnl_below_zero(game: GameAlone) -> None:
    for user, hour, pnl in (("zoe", 1, "5"), ("ann", 2, "5"), ("bob", 1, "5"), ("cid", 1, "-9"), ("dan", 1, "0")):
        game.fill(user, day(5, hour), pnl=pnl, closes=True)
    places = game.gamification.boards.ranked("BTC", "day:2026-01-05", "pnl")
    assert [(user, -score) for score, _, user in places] == [
        ("bob", 5 * 10**8), ("zoe", 5 * 10**8), ("ann", 5 * 10**8), ("dan", 0), ("cid", -9 * 10**8),
    ]  # fmt: skip


def test_a_late_event_counts_until_24_hours_after_its_period_and_then_for_all_time_only() -> None:
    game = GameAlone(partitions=1)
    game.fill("ada", day(5), trade="t1", notional="1")
    game.tick("2026-01-06T23:59:59+00:00")
    game.fill("ada", day(5), trade="t2", notional="1")
    game.tick("2026-01-07T00:00:00+00:00")
    game.fill("ada", day(5), trade="t3", notional="1")
    boards = game.gamification.boards.rows()
    assert boards["global/day:2026-01-05/trades|ada"]["score"] == 2
    assert boards["global/week:2026-W02/trades|ada"]["score"] == 3
    assert boards["global/all/trades|ada"]["score"] == 3
    assert game.gamification.boards.partitions[0].late == 1


def test_a_week_is_sealed_24_hours_after_its_end_and_rewards_its_first_ranks(game: GameAlone) -> None:
    for number in range(12):
        game.fill(f"user-{number:02d}", day(5), notional=str(1_000 * (20 - number)))
    game.tick("2026-01-12T23:00:00+00:00")
    assert game.rows()["gamification-rewards"] == {}
    tick = game.tick("2026-01-13T00:00:00+00:00")
    shards = {user: row["rewards"][0]["ss"] for user, row in game.rows()["gamification-rewards"].items()}
    assert shards == {
        "user-00": 1_000,
        **dict.fromkeys(("user-01", "user-02"), 500),
        **dict.fromkeys((f"user-{number:02d}" for number in range(3, 10)), 200),
    }
    assert game.gamification.folded("gamification-rewards", "user-09") == {tick}
    assert game.gamification.folded("gamification-deciding", "global/xp") == set()
    assert game.inbox("user-00")[-1] == "reward_granted"


def test_a_streak_without_activity_by_20_00_is_about_to_break_and_is_told_once(game: GameAlone) -> None:
    game.fill("ada", day(5))
    game.fill("bob", day(5))
    game.tick(day(5, 23))
    game.fill("bob", day(6))
    for time in (day(6, 19), day(6, 20), day(6, 21), day(7, 19)):
        game.tick(time)
        assert ("streak_breaking" in game.inbox("ada")) == (time > day(6, 19))
        assert "streak_breaking" not in game.inbox("bob")
    assert game.inbox("ada").count("streak_breaking") == 1
    game.tick(day(8, 1))
    assert "streak_breaking" not in game.inbox("bob")


def test_each_level_and_achievement_is_told(game: GameAlone) -> None:
    game.fill("ada", MONDAY, notional="10000")
    assert game.inbox("ada") == ["level_up", "level_up", "achievement", "achievement"]


def test_a_reward_is_claimed_once_within_90_days_and_announced_7_days_before_its_end(game: GameAlone) -> None:
    game.fill("ada", day(5))
    game.fill("bob", day(5), notional="2000")
    game.tick("2026-01-13T00:00:00+00:00")
    game.happen("ClaimReward", "ada", "2026-04-01T00:00:00+00:00", reward_id="global:xp:week:2026-W02")
    game.happen("ClaimReward", "ada", "2026-04-01T00:00:00+00:00", reward_id="global:xp:week:2026-W02")
    assert [one for one in game.financial.shards if one[1] == "reward"] == [("ada", "reward", 500)]
    game.tick("2026-04-05T23:59:59+00:00")
    assert "reward_expiring" not in game.inbox("bob")
    game.tick("2026-04-06T00:00:00+00:00")
    assert "reward_expiring" in game.inbox("bob")
    assert "reward_expiring" not in game.inbox("ada")
    game.tick("2026-04-13T00:00:00+00:00")
    game.happen("ClaimReward", "bob", "2026-04-13T00:00:00+00:00", reward_id="global:xp:week:2026-W02")
    books = game.rows()["gamification-rewards"]
    states = {
        user: one["state"] for user in books for one in books[user]["rewards"] if one["period"] == "week:2026-W02"
    }
    assert states == {"ada": "claimed", "bob": "expired"}


def test_a_muted_kind_is_not_kept_and_the_latest_200_are(game: GameAlone) -> None:
    game.happen("ChangePreferences", "ada", MONDAY, language="en", muted=["follow"])
    for number in range(205):
        for kind in ("follow", "endorsement"):
            game.user.notify("ada", kind, at(MONDAY) + number, (), text=kind, arguments={})
    game.happen("ReadNotifications", "ada", MONDAY)
    game.user.notify("ada", "endorsement", at(day(6)), (), text="endorsement", arguments={})
    assert game.user.rows()["user-inbox"]["ada"] == {"received": 206, "unread": 1}
    assert len(game.user.rows()["user-notifications"]) == 200


def test_a_call_shows_its_latest_report_and_the_latest_20_are_kept(game: GameAlone) -> None:
    game.happen("SponsoredCallReported", "", MONDAY, call_id="c-0", user_id="ada", outcome="refused", reason="expired")
    for number in range(21):
        game.happen("SponsorCall", "ada", MONDAY, call_id=f"c-{number}")
        if number == 19:
            [first, *_] = game.user.rows()["user-sponsored-calls"]["ada"]["calls"]
            assert (first["status"], first["reason"]) == ("refused", "expired")
    game.happen("SponsoredCallReported", "", MONDAY, call_id="c-5", user_id="ada", outcome="executed", gas=7)
    calls = game.user.rows()["user-sponsored-calls"]["ada"]["calls"]
    assert [one["call_id"] for one in calls] == [f"c-{number}" for number in range(1, 21)]
    assert [(one["status"], one["gas"]) for one in calls if one["call_id"] == "c-5"] == [("executed", 7)]


def test_a_closed_account_loses_its_name_and_inbox(game: GameAlone) -> None:
    game.happen("AccountRegistered", "ada", MONDAY, role="user", username="ada")
    game.user.notify("ada", "follow", at(MONDAY), (), text="follow", arguments={})
    game.happen("AccountClosed", "ada", MONDAY)
    game.user.notify("ada", "follow", at(MONDAY), (), text="follow", arguments={})
    assert game.user.rows()["user-inbox"] == {}
    assert game.user.rows()["user-profiles"]["ada"]["username"] is None


def test_the_partition_of_a_key_is_that_of_kafka() -> None:
    """The hashes of Kafka's own test of `Utils.murmur2`."""
    from tests.community.oracle.partitions import murmur2

    assert murmur2(b"21") == 0x100000000 - 973932308
    assert murmur2(b"foobar") == 0x100000000 - 790332482
    assert murmur2(b"a-little-bit-long-string") == 0x100000000 - 985981536
    assert murmur2(b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8") == 0x100000000 - 58897971
    assert partition_of("a", 1) == 0


def test_the_root_of_a_part_without_rows_and_of_an_odd_number_of_rows() -> None:
    from hashlib import sha256

    def node(*lines: str) -> str:
        return sha256("\n".join(lines).encode()).hexdigest()

    leaves = [node("row", str(score), node("time", "7", node("user", "u"))) for score in (3, 2, 1)]
    assert root([]) == sha256(b"empty").hexdigest()
    assert root([(3, 7, "u"), (2, 7, "u"), (1, 7, "u")]) == node("node", node("node", leaves[0], leaves[1]), leaves[2])
