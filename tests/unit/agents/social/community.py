"""A cluster with registered people, and short words for what they do."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

from agents.rulebook import Rulebook
from streams.events import AnyEvent
from streams.events.social import Interact, ShareContent, SocialCommandRejected, Unfollow
from streams.events.user import AccountRegistered
from tables.social_people import SOCIAL_FOLLOWS, SOCIAL_PEOPLE, Follows, Person
from tests.unit.agents.cluster import Cluster, of_type

AT = "2026-01-05T12:00:00Z"


class Community(Cluster):
    """A cluster in which people are registered."""

    def __init__(
        self,
        people: Iterable[str] = ("ada", "bob", "carol"),
        rulebook: Rulebook | None = None,
        *,
        random: Random | None = None,
        at_least_once: bool = False,
    ) -> None:
        super().__init__(4, rulebook, random=random, at_least_once=at_least_once)
        for user_id in people:
            self.register(user_id)

    def register(self, user_id: str) -> None:
        self.send(AccountRegistered(user_id=user_id, role="user"), user_id, "2026-01-01T00:00:00Z")

    def interact(self, actor: str, kind: Any, target: str, at: str = AT, **fields: Any) -> list[AnyEvent]:
        return self.send(Interact(target=target, kind=kind, **fields), actor, at)

    def unfollow(self, actor: str, target: str, at: str = AT) -> list[AnyEvent]:
        return self.send(Unfollow(target=target), actor, at)

    def share(
        self, author: str, content_id: str, platform: Any = "reddit", at: str = AT, **fields: Any
    ) -> list[AnyEvent]:
        fields = {"kind": "trade", **fields}
        return self.send(ShareContent(platform=platform, content_id=content_id, **fields), author, at)

    def person(self, user_id: str) -> Person:
        row = self.row(SOCIAL_PEOPLE, user_id)
        assert row is not None
        return row

    def followed(self, user_id: str) -> dict[str, Any]:
        return (self.row(SOCIAL_FOLLOWS, user_id) or Follows()).followed


def reasons(events: list[AnyEvent]) -> list[str]:
    """Return why commands were rejected."""
    return [rejected.reason for rejected in of_type(events, SocialCommandRejected)]
