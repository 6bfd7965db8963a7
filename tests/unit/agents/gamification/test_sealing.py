"""Sealing: parts of boards are final, whole and bounded in work, also in quiet partitions and while users trade on."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.gamification.sealing import sealed_to
from streams.events.clock import Ticked
from streams.events.gamification import LateEventRecorded, LeaderboardSealed
from streams.times import DAY_US, HOUR_US, Instant
from tables import merkle
from tables.boards import Standing, group_of, parse_period
from tables.gamification import GAMIFICATION_BOARDS, GAMIFICATION_RUNS, GAMIFICATION_WATERMARK, SealedPart
from tables.typed import standings
from tests.unit.agents.rulebooks import rulebook_with
from tests.unit.agents.world import World, of_type

MONDAY = datetime(2024, 9, 16, tzinfo=UTC)


def at(day: int, hour: int = 12, second: int = 0) -> str:
    return (MONDAY + timedelta(days=day, hours=hour, seconds=second)).strftime("%Y-%m-%dT%H:%M:%SZ")


def tick(world: World, time: str) -> list[LeaderboardSealed]:
    return of_type(world.happen(Ticked(partition=2, partitions=4), time, "clock"), LeaderboardSealed)


def world_of(rows_max: int) -> World:
    return World(rulebook_with({"gamification": {"boards": {"seal_rows_max": rows_max}}}))


def rankings(world: World) -> dict[str, list[tuple[int, int, str]]]:
    """Return all rankings of the table in rank order."""
    found: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for key, raw in world.maps[GAMIFICATION_BOARDS.name].items():
        row_name, _, user_id = key.decode().rpartition("|")
        for name, ranked in standings(raw).items():
            found[group_of(row_name, name)].append(Standing.of(ranked).order(user_id))
    return {group: sorted(rows) for group, rows in found.items()}


def root_of(rows: list[tuple[int, int, str]]) -> str:
    return merkle.root([merkle.leaf(-score, reached_at, user_id) for score, reached_at, user_id in rows])


def group_of_part(part: LeaderboardSealed) -> str:
    return f"{part.scope}/{part.period}/{part.board}"


def ended(group: str, until: int) -> bool:
    end = parse_period(group.split("/")[1]).end
    return end is not None and end <= until


def test_a_day_is_sealed_24_hours_after_its_end(world: World) -> None:
    world.fill("f-1", at(0))
    assert tick(world, at(1, 23, 3_599)) == []
    sealed = tick(world, at(2, 0))
    assert {group_of_part(part) for part in sealed} == {
        f"{scope}/day:2024-09-16/{board}"
        for scope, board in (
            *(("global", "xp"), ("global", "volume"), ("global", "trades"), ("global", "streak_days")),
            ("BTC", "volume"),
        )
    }
    assert tick(world, at(2, 1)) == []


def test_a_quiet_partition_seals_each_period_by_ticks_alone(world: World) -> None:
    world.fill("f-1", at(0))
    periods = [{part.period for part in tick(world, at(day, 0))} for day in range(1, 17)]
    assert [day for day, found in enumerate(periods, start=1) if found] == [2, 8, 16]
    assert periods[1] | periods[7] | periods[15] == {
        "day:2024-09-16",
        "week:2024-W38",
        "month:2024-09",
        "season:2024-Q3",
    }


def test_a_part_has_its_rows_and_the_root_over_them_in_rank_order(world: World) -> None:
    for number, (user, usd) in enumerate([("ada", "2000"), ("bob", "3000"), ("eve", "2000")]):
        world.fill(f"f-{number}", at(0, 12, number), user, notional_usd=usd)
    [part] = [one for one in tick(world, at(2)) if (one.scope, one.board) == ("global", "volume")]
    first, second = Instant.parse(at(0)), Instant.parse(at(0, 12, 1))
    third = Instant.parse(at(0, 12, 2))
    expected = [(3_000, second, "bob"), (2_000, first, "ada"), (2_000, third, "eve")]
    leaves = [merkle.leaf(score * 10**8, int(reached_at), user_id) for score, reached_at, user_id in expected]
    assert (part.rows, part.digest, part.partition) == (3, merkle.root(leaves), 2)
    row = SealedPart.load(world.maps["gamification-seals"][b"global/day:2024-09-16/volume"])
    assert (row.rows, row.root, row.sealed_at) == (3, part.digest, Instant.parse(at(2)))


def test_once_a_tick_has_passed_the_grace_an_older_event_is_late(world: World) -> None:
    world.fill("f-1", at(0))
    tick(world, at(2, 0))
    [late] = of_type(world.fill("f-2", at(0, 13)), LateEventRecorded)
    assert late.periods == ("day:2024-09-16",)
    assert world.score("global/day:2024-09-16/trades")[0] == 1
    assert world.score("global/week:2024-W38/trades")[0] == 2


def test_a_tick_that_passes_no_grace_does_not_write_the_watermark(world: World) -> None:
    world.fill("f-1", at(0))
    tick(world, at(0, 22))  # looks for old rows
    before = dict(world.maps[GAMIFICATION_WATERMARK.name])
    tick(world, at(0, 23))
    assert world.maps[GAMIFICATION_WATERMARK.name] == before
    assert of_type(world.fill("f-2", at(0, 13)), LateEventRecorded) == []


@pytest.mark.parametrize("rows_max", [1, 3, 7])
def test_a_tick_seals_a_bounded_number_of_rows_and_the_result_is_the_same(rows_max: int) -> None:
    small, large = world_of(rows_max), world_of(10_000)
    for world in (small, large):
        for number in range(12):
            world.fill(f"f-{number}", at(0, 12, number), f"user-{number}", notional_usd=f"{100 + number}")
    [whole] = [tick(large, at(2, 0))]
    steps = [tick(small, at(2, 0, second)) for second in range(200)]
    assert [part for step in steps for part in step] == whole
    assert max(sum(part.rows for part in step) for step in steps) <= rows_max + 12
    assert sum(1 for step in steps if step) > 1
    assert small.maps[GAMIFICATION_RUNS.name] == {}


def test_a_user_whose_row_moves_while_the_steps_run_is_sealed_once() -> None:
    world = world_of(2)
    users = [f"user-{number}" for number in range(9)]
    for user in users:
        world.fill(f"f-{user}", at(0), user)
    sealed = []
    for second, user in enumerate([*users, *users, *users]):
        sealed += tick(world, at(2, 0, second))
        world.fill(f"g-{second}", at(2, 0, second), user)
    for second in range(200):
        sealed += tick(world, at(2, 1, second))
    [part] = [one for one in sealed if group_of_part(one) == "global/day:2024-09-16/xp"]
    assert (part.rows, part.digest) == (9, root_of(rankings(world)["global/day:2024-09-16/xp"]))


STEPS = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from(["ada", "bob", "eve", "tick"]), st.integers(-60, 60)), max_size=40
)


@settings(max_examples=25, deadline=None)
@given(steps=STEPS, rows_max=st.integers(1, 30))
def test_every_ended_ranking_is_sealed_once_and_its_rows_never_change(steps: Any, rows_max: int) -> None:
    world, hours, sealed = world_of(rows_max), 0, list[LeaderboardSealed]()
    for number, (passed, who, shift) in enumerate(steps):
        hours += passed
        if who == "tick":
            sealed += tick(world, at(0, hours))
        else:
            world.fill(f"f-{number}", at(0, max(0, hours + shift)), who)
    end = at(0, hours + 100)
    rules = world.rulebook.gamification.boards
    for _ in range(400):
        sealed += tick(world, end)
    until = sealed_to(max(Instant.parse(end), world.gamification.watermarks.get("watermark").highest), rules)
    expected = {group: root_of(rows) for group, rows in rankings(world).items() if ended(group, until)}
    assert len(sealed) == len(expected)
    assert {group_of_part(part): part.digest for part in sealed} == expected


def test_the_midnight_up_to_which_periods_are_sealed(world: World) -> None:
    rules = world.rulebook.gamification.boards
    midnight = int(Instant.parse("2024-09-17T00:00:00Z"))
    assert sealed_to(midnight + 24 * HOUR_US, rules) == midnight
    assert sealed_to(midnight + 24 * HOUR_US - 1, rules) == midnight - DAY_US
    assert sealed_to(0, rules) == 0
