"""What followers see of a user: an event and an entry for each fact that belongs into a feed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from agents.dispatch import Rules
from agents.social.people_policy import PeoplePolicy
from agents.social.people_tables import PeopleTables
from streams.events import AnyEvent, Event, EventData
from streams.events.battles import BattleFought
from streams.events.constellations import ConstellationJoined
from streams.events.gamification import AchievementUnlocked, LevelUp, PrestigeReached
from streams.events.nft import NFTReceived
from streams.events.social import FeedEntryAdded
from tables.social_people import FeedEntries, FeedEntry


class Shown(NamedTuple):
    """A fact as feeds show it: its kind, the key of a text, and what fills the gaps of the text."""

    kind: str
    text: str
    arguments: dict[str, str]


def _battle(data: BattleFought) -> Shown:
    result = {True: "won", False: "lost", None: "tied"}[data.won]
    arguments = {"battle_id": data.battle_id, "constellation_id": data.constellation_id}
    return Shown("battle", f"feed.battle_{result}", arguments)


def _joined(data: ConstellationJoined) -> Shown:
    text = "feed.constellation_founded" if data.role == "owner" else "feed.constellation_joined"
    return Shown("constellation", text, {"constellation_id": data.constellation_id, "name": data.name})


SHOWN: Final[Mapping[type[EventData], Callable[[Any], Shown]]] = {
    LevelUp: lambda data: Shown("level_up", "feed.level_up", {"level": str(data.new)}),
    AchievementUnlocked: lambda data: Shown("achievement", "feed.achievement", {"achievement": data.achievement}),
    PrestigeReached: lambda data: Shown("prestige", "feed.prestige", {"tier": data.tier}),
    NFTReceived: lambda data: Shown("nft", "feed.nft", {"token_id": data.token_id, "type": data.type}),
    ConstellationJoined: _joined,
    BattleFought: _battle,
}
"""How feeds show each class of fact about a user."""


class Feed:
    """The rules that fill the feeds."""

    def __init__(self, tables: PeopleTables, policy: PeoplePolicy) -> None:
        self._tables = tables
        self._policy = policy

    def rules(self) -> Rules:
        """Return the rule of each class of event."""
        return dict.fromkeys(SHOWN, self._show)

    def add(self, event: Event[Any], kind: str, text: str, arguments: dict[str, str]) -> list[AnyEvent]:
        """Add an entry about an event's user. A closed account gets none."""
        user_id = event.partitionkey
        if self._tables.person(user_id).closed:
            return []
        added = event.then(FeedEntryAdded(kind=kind, text=text, arguments=arguments, cause_id=event.id))
        entry = FeedEntry(id=added.id, at=int(event.time), kind=kind, text=text, arguments=arguments, cause_id=event.id)
        before = self._tables.feed.get(user_id) or FeedEntries()
        newest = sorted((entry, *before.entries), key=lambda one: (one.at, one.id), reverse=True)
        self._tables.feed.put(user_id, FeedEntries(entries=tuple(newest[: self._policy.feed_entries_max])))
        return [added]

    def _show(self, event: Event[Any]) -> list[AnyEvent]:
        return self.add(event, *SHOWN[type(event.data)](event.data))
