"""Notifications of gamification: levels, achievements, streaks about to break. Each comes once, with its cause."""

from __future__ import annotations

import pytest

from agents.rulebook import RulebookError, packaged_text, parse_rulebook
from streams.events import AnyEvent
from streams.events.clock import Ticked
from streams.events.gamification import AchievementUnlocked, LevelUp
from streams.events.notifications import Notified
from streams.events.social import Interacted
from streams.events.user import LoggedIn
from tests.unit.agents.rulebooks import rulebook_with
from tests.unit.agents.world import World, of_type


def notified(events: list[AnyEvent]) -> list[tuple[str, str, dict[str, str]]]:
    """Return user, kind and arguments of the notifications among some events."""
    return [
        (event.partitionkey, event.data.kind, event.data.arguments)
        for event in events
        if isinstance(event.data, Notified)
    ]


def warned(world: World, at: str) -> list[tuple[str, dict[str, str]]]:
    told = notified(world.happen(Ticked(), at, "clock"))
    return [(user, arguments) for user, kind, arguments in told if kind == "streak_breaking"]


def test_a_level_up_and_an_achievement_are_told_with_their_causes(world: World) -> None:
    events = world.fill("f-1", "2024-09-20T12:00:00Z", notional_usd="10000")
    causes = {event.id: event.data for event in events if isinstance(event.data, LevelUp | AchievementUnlocked)}
    told = [event for event in events if isinstance(event.data, Notified)]
    assert [said.cause_id for said in of_type(events, Notified)] == list(causes)
    assert len({event.id for event in told}) == len(told) == 4
    assert notified(events) == [
        ("ada", "level_up", {"level": "2", "max_leverage": "15"}),
        ("ada", "achievement", {"achievement": "trades-1", "xp": "50", "ss": "100"}),
        ("ada", "achievement", {"achievement": "single_trade-10000", "xp": "1000", "ss": "2000"}),
        ("ada", "level_up", {"level": "4", "max_leverage": "25"}),
    ]
    assert [risen.new for risen in of_type(events, LevelUp)] == [2, 4]


def test_a_user_without_activity_by_20_00_is_warned_once_that_the_streak_breaks(world: World) -> None:
    world.fill("f-1", "2024-09-20T23:00:00Z")
    world.fill("f-2", "2024-09-21T01:00:00Z")
    assert warned(world, "2024-09-21T20:00:00Z") == []
    assert warned(world, "2024-09-22T19:59:59Z") == []
    assert warned(world, "2024-09-22T20:00:00Z") == [("ada", {"streak": "trading", "days": "2"})]
    assert warned(world, "2024-09-22T20:00:01Z") == []
    assert warned(world, "2024-09-23T20:00:00Z") == []


def test_activity_before_20_00_keeps_the_warning_away_until_the_next_day(world: World) -> None:
    world.fill("f-1", "2024-09-20T12:00:00Z")
    world.fill("f-2", "2024-09-21T19:59:59Z")
    assert warned(world, "2024-09-21T20:00:00Z") == []
    assert warned(world, "2024-09-22T20:00:00Z") == [("ada", {"streak": "trading", "days": "2"})]


def test_a_streak_that_was_saved_after_the_warning_is_warned_of_again_the_next_day(world: World) -> None:
    world.fill("f-1", "2024-09-20T12:00:00Z")
    assert len(warned(world, "2024-09-21T20:00:00Z")) == 1
    world.fill("f-2", "2024-09-21T21:00:00Z")
    assert warned(world, "2024-09-21T21:00:01Z") == []
    assert warned(world, "2024-09-22T20:00:00Z") == [("ada", {"streak": "trading", "days": "2"})]


def test_each_kind_of_streak_has_its_own_warning(world: World) -> None:
    world.fill("f-1", "2024-09-20T12:00:00Z")
    world.happen(LoggedIn(user_id="ada"), "2024-09-20T12:00:00Z", "ada")
    world.happen(Interacted(target="ada", kind="like"), "2024-09-20T12:00:00Z", "bob")
    assert warned(world, "2024-09-21T20:00:00Z") == [
        ("ada", {"streak": "login", "days": "1"}),
        ("ada", {"streak": "trading", "days": "1"}),
        ("bob", {"streak": "social", "days": "1"}),
    ]
    assert world.maps["gamification-deadlines"] == {}


def test_a_streak_that_broke_before_any_tick_is_not_warned_of(world: World) -> None:
    world.fill("f-1", "2024-09-20T12:00:00Z")
    assert warned(world, "2024-09-22T00:00:00Z") == []
    assert world.maps["gamification-deadlines"] == {}


def test_a_user_has_one_deadline_for_each_kind_of_streak_without_ticks_too(world: World) -> None:
    for day in range(10, 20):
        world.fill(f"f-{day}", f"2024-09-{day}T12:00:00Z")
    assert len(world.maps["gamification-deadlines"]) == 1


def test_a_tick_warns_a_bounded_number_of_users_and_the_next_tick_the_others() -> None:
    world = World(rulebook_with({"deadlines_per_tick_max": 2}))
    for user in ("ada", "bob", "cyd"):
        world.fill("f-1", "2024-09-20T12:00:00Z", user)
    assert [user for user, _ in warned(world, "2024-09-21T20:00:00Z")] == ["ada", "bob"]
    assert [user for user, _ in warned(world, "2024-09-21T20:00:01Z")] == ["cyd"]


def test_an_hour_of_no_day_is_refused() -> None:
    with pytest.raises(RulebookError, match="warning_hour"):
        parse_rulebook(packaged_text().replace("warning_hour = 20", "warning_hour = 24"))
