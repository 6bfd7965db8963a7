"""Users are told when they lose one of the first places of a board: as a fold of all standings says in each round."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from agents.gamification.overtaking import lost_places
from agents.rulebook import RulebookError, packaged_text, parse_rulebook
from streams.events import AnyEvent
from streams.events.clock import Ticked
from streams.events.gamification import LeadersReported, Overtaken
from streams.events.notifications import Notified
from streams.events.trading import TradeExecuted
from streams.times import MINUTE_US, Instant
from tables.boards import GLOBAL, Standing, place_of
from tables.typed import standings
from tests.unit.agents.cluster import Cluster
from tests.unit.agents.world import World, fill_of, of_type

NOON = Instant.parse("2024-09-20T12:00:00Z")
WATCHED = {(board, kind) for board in ("xp", "volume", "trades", "streak_days") for kind in ("week", "all")}


def minute(number: int) -> Instant:
    return Instant(NOON + number * MINUTE_US)


def overtaken(events: list[AnyEvent]) -> list[tuple[str, dict[str, str]]]:
    return [
        (event.partitionkey, event.data.arguments)
        for event in events
        if isinstance(event.data, Notified) and event.data.kind == "overtaken"
    ]


def fill(cluster: Cluster, user: str, at: Instant, notional: int, fill_id: str) -> None:
    data = fill_of(fill_id, user, notional_usd=str(notional), size="1", price=str(notional))
    cluster.send(data, user, at)


# --- one board --------------------------------------------------------------------------------------------------------


def test_a_user_who_loses_a_place_is_told_the_board_and_both_ranks_once_a_day() -> None:
    cluster = Cluster()
    fill(cluster, "ada", minute(0), 2_000, "f-1")
    assert overtaken(cluster.tick(minute(1))) == []
    fill(cluster, "bob", minute(1), 3_000, "f-2")
    told = overtaken(cluster.tick(minute(2)))
    assert told == [("ada", {"board": one, "period": "all", "before": "1", "rank": "2"}) for one in ("volume", "xp")]
    fill(cluster, "ada", minute(2), 2_000, "f-3")
    assert [user for user, _ in overtaken(cluster.tick(minute(3)))] == ["bob", "bob"]
    fill(cluster, "bob", minute(3), 3_000, "f-4")
    assert overtaken(cluster.tick(minute(4))) == []
    next_day = Instant.parse("2024-09-21T00:00:00Z")
    fill(cluster, "ada", next_day, 4_000, "f-5")
    cluster.tick(next_day)
    fill(cluster, "bob", next_day, 9_000, "f-6")
    assert {(user, told["board"]) for user, told in overtaken(cluster.tick(Instant(next_day + MINUTE_US)))} == {
        ("ada", "volume"),
        ("ada", "xp"),
    }


def test_a_place_behind_the_tenth_is_no_place() -> None:
    assert lost_places(("a", "b"), ("c", "a")) == [("a", 1, 2), ("b", 2, None)]
    assert lost_places(("a", "b"), ("a", "b", "c")) == []
    assert lost_places((), ("a",)) == []


def test_a_round_waits_for_all_partitions_and_does_not_depend_on_the_order_of_their_reports() -> None:
    cluster = Cluster()
    fill(cluster, "ada", minute(0), 2_000, "f-1")
    fill(cluster, "bob", minute(0), 1_000, "f-2")
    cluster.tick(minute(1))
    fill(cluster, "ada", minute(1), 4_000, "f-3")
    fill(cluster, "bob", minute(1), 3_000, "f-4")  # overtakes the old score of ada, and not the new one
    reports = [event for event in cluster.events if isinstance(event.data, LeadersReported)]
    assert len(reports) == cluster.partitions
    assert overtaken(cluster.tick(minute(2))) == []


def test_a_later_week_begins_without_places_and_tells_nobody() -> None:
    cluster = Cluster()
    fill(cluster, "ada", minute(0), 2_000, "f-1")
    cluster.tick(minute(1))
    monday = Instant.parse("2024-09-23T00:00:00Z")
    fill(cluster, "bob", monday, 1_000, "f-2")
    assert overtaken(cluster.tick(monday)) == []
    fill(cluster, "ada", monday, 1_000, "f-3")
    fill(cluster, "ada", monday, 1_000, "f-4")
    told = overtaken(cluster.tick(Instant(monday + MINUTE_US)))
    assert {(user, one["period"]) for user, one in told} == {("bob", "week:2024-W39")}


def test_a_tick_within_the_same_minute_reports_nothing(world: World) -> None:
    assert len(of_type(world.happen(Ticked(), minute(1).text(), "clock"), LeadersReported)) == 1
    assert of_type(world.happen(Ticked(), Instant(minute(1) + 1).text(), "clock"), LeadersReported) == []
    assert len(of_type(world.happen(Ticked(), minute(2).text(), "clock"), LeadersReported)) == 1


def test_a_tick_places_a_bounded_number_of_users_and_reports_when_all_are_placed() -> None:
    world = World(parse_rulebook(packaged_text().replace("seal_rows_max = 2000", "seal_rows_max = 2")))
    for user in ("ada", "bob", "cyd"):
        world.fill("f-1", minute(0).text(), user)
    assert of_type(world.happen(Ticked(), minute(1).text(), "clock"), LeadersReported) == []
    (reported,) = of_type(world.happen(Ticked(), minute(1).text(), "clock"), LeadersReported)
    assert [[place.user_id for place in one.places] for one in reported.changed] == [["ada", "bob", "cyd"]] * 8


# --- all boards against a fold of all standings -----------------------------------------------------------------------


class Fold:
    """The first places by a fold of all rows of standings, and the lost places since the round before."""

    def __init__(self) -> None:
        self.before: dict[tuple[str, str], tuple[str, list[str]]] = {}
        self.told: dict[tuple[str, str], int] = {}

    def compare(self, cluster: Cluster, at: Instant) -> set[tuple[str, str]]:
        """Return users and boards that are told in a round."""
        lost = set()
        for ranking, (period, ranks) in self._first(cluster).items():
            old_period, old = self.before.get(ranking, (period, []))
            for rank, user in enumerate(old):
                if old_period == period and (user not in ranks or ranks.index(user) > rank):
                    lost.add((user, ranking[0]))
            self.before[ranking] = period, ranks
        day = at // (24 * 60 * MINUTE_US)
        new = {one for one in lost if self.told.get(one) != day}
        self.told |= dict.fromkeys(new, day)
        return new

    def _first(self, cluster: Cluster) -> dict[tuple[str, str], tuple[str, list[str]]]:
        found: dict[tuple[str, str], dict[str, list[Any]]] = {}
        for workers in cluster.workers:
            for key, raw in workers["gamification"].maps["gamification-boards"].items():
                row_name, _, user = key.decode().rpartition("|")
                if row_name != GLOBAL:
                    continue
                for name, ranked in standings(raw).items():
                    period, board = place_of(name)
                    if (board, period.kind) in WATCHED:
                        by_period = found.setdefault((board, period.kind), {})
                        by_period.setdefault(period.text, []).append(Standing.of(ranked).order(user))
        return {
            ranking: (newest := max(periods), [user for *_, user in sorted(periods[newest])[:10]])
            for ranking, periods in found.items()
        }


@pytest.mark.parametrize("seed", range(3))
def test_the_told_users_are_those_whom_a_fold_of_all_standings_finds(seed: int) -> None:
    random = Random(seed)
    cluster = Cluster(partitions=2, random=Random(seed))
    fold, at, number, count = Fold(), NOON, 0, 0
    for _ in range(30):
        for _ in range(random.randrange(16)):
            number += 1
            at = Instant(at + random.randrange(1, 20_000_000))
            user = f"user-{min(random.randrange(60), random.randrange(60))}"
            data = fill_of(f"f-{number}", user, notional_usd=f"{random.randrange(100, 4_000)}")
            cluster.post(data, user, at)
        cluster.run()
        at = Instant(at + random.choice([MINUTE_US, MINUTE_US, 9 * 3_600_000_000]))
        told = overtaken(cluster.tick(at))
        assert len(told) == len({(user, one["board"]) for user, one in told})
        assert {(user, one["board"]) for user, one in told} == fold.compare(cluster, at)
        count += len(told)
    assert count > 10
    assert len(of_type(cluster.events, TradeExecuted)) == number
    assert len(of_type(cluster.events, Overtaken)) >= count


def test_a_board_whose_scores_fall_is_refused() -> None:
    text = packaged_text().replace('boards = ["xp", "volume"', 'boards = ["pnl", "volume"')
    with pytest.raises(RulebookError, match="overtaking"):
        parse_rulebook(text)
