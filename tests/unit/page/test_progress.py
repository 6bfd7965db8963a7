"""The dashboard says of levels and achievements what the rule book says, and lays out days in weeks."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

from agents.gamification.achievements import Achievements
from agents.gamification.levels import level_of
from agents.gamification.policy import AchievementRule
from agents.rulebook import packaged_rulebook
from deploy.rulebook import public_rules
from streams.units import PPM, USD_UNIT

Called = Callable[[str, list[list[Any]]], list[Any]]
MODULE = "data/progress.ts"
GAME = packaged_rulebook().gamification
RULES = public_rules(packaged_rulebook()).model_dump(mode="json")
PLAYERS = 50


def first_of_each_kind(rules: list[AchievementRule]) -> list[AchievementRule]:
    """Return the first rule of each kind, in their order."""
    kinds = dict.fromkeys(rule.kind for rule in rules)
    return [next(rule for rule in rules if rule.kind == kind) for kind in kinds]


def test_a_level_begins_where_the_rules_raise_it(called: Called) -> None:
    levels = range(1, GAME.levels.level_max + 1)
    for level, found in zip(levels, called(MODULE, [["levelOf", n, RULES["levels"]] for n in levels]), strict=True):
        assert level_of(found["from"], GAME.levels) == level
        assert found["from"] == 0 or level_of(found["from"] - 1, GAME.levels) == level - 1
        if found["to"] is None:
            assert level == GAME.levels.level_max
        else:
            assert level_of(found["to"], GAME.levels) == level + 1


def test_the_next_achievement_of_each_kind_is_missing_what_the_rules_miss(called: Called) -> None:
    chosen = random.Random(11)
    rules = Achievements(GAME.achievements)
    calls, players = [], []
    for _ in range(PLAYERS):
        closes = chosen.randint(0, 20)
        player = SimpleNamespace(
            trades=chosen.randint(0, 12_000),
            closes=closes,
            wins=chosen.randint(0, closes),
            largest_trade=chosen.randint(0, 20_000 * USD_UNIT),
            level=chosen.randint(1, 100),
            streak_days=chosen.randint(0, 120),
            social_rating_ppm=chosen.choice([None, chosen.randint(0, 100 * PPM)]),
            founded=chosen.random() < 0.5,
            battle_wins=chosen.randint(0, 12),
        )
        row = {
            **vars(player),
            "largest_trade_usd": f"{player.largest_trade / USD_UNIT:.8f}",
            "streaks": {"trading": {"days": player.streak_days}},
            "achievements": [{"name": rule.name} for rule in GAME.achievements.listed if rules.holds(rule, player)],
        }
        calls.append(["nextOf", row, RULES])
        players.append(player)
    for player, found in zip(players, called(MODULE, calls), strict=True):
        locked = [rule for rule in GAME.achievements.listed if not rules.holds(rule, player)]
        assert [one["rule"]["name"] for one in found] == [rule.name for rule in first_of_each_kind(locked)]
        for one, rule in zip(found, first_of_each_kind(locked), strict=True):
            assert one["has"] == 0 or rules.holds(rule.model_copy(update={"at": one["has"]}), player)
            assert not rules.holds(rule.model_copy(update={"at": one["has"] + 1}), player)


def test_every_achievement_has_a_title_of_its_own(called: Called) -> None:
    titles = called(MODULE, [["titleOf", rule.name] for rule in GAME.achievements.listed])
    assert len(set(titles)) == len(titles)
    assert not [title for title in titles if "-" in title or "_" in title]


def test_the_calendar_has_whole_weeks_from_monday_up_to_a_day(called: Called) -> None:
    for offset in range(7):
        last = date(2024, 12, 30) + timedelta(days=offset)
        [weeks] = called("data/calendar.ts", [["weeksUpTo", last.isoformat(), 3]])
        days = [day for week in weeks for day in week]
        assert [len(week) for week in weeks] == [7, 7, 7]
        assert date.fromisoformat(days[0]).weekday() == 0
        shown = [day for day in days if day is not None]
        assert shown == [(last - timedelta(days=back)).isoformat() for back in reversed(range(len(shown)))]
        assert days[len(shown) :] == [None] * (21 - len(shown))
