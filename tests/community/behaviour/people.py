"""The people of the community: their character, and what the run remembers of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.community.behaviour.acts import Act
    from tests.community.behaviour.view import View

MARKETS = ("BTC", "ETH", "SOL", "HYPE", "DOGE")


@dataclass(slots=True)
class Person:
    """Someone with an account.

    Attributes:
        id: The public id.
        username: The name of the account.
        activity: The chance that the person acts in a round.
        suspended: Whether a moderator has suspended the account.
        closed: Whether the person has closed the account, for good.
        tier: The verification tier.
        private: Whether the person is private.
    """

    id: str
    username: str
    activity: float
    suspended: bool = False
    closed: bool = False
    tier: str = "unverified"
    private: bool = False


@dataclass(slots=True)
class Town:
    """All people, and what everyone knows. `known` holds them by id in the order of their registration."""

    random: Random
    people: list[Person] = field(default_factory=list)
    by_id: dict[str, Person] = field(default_factory=dict)
    names_taken: int = 0

    def add(self, person: Person) -> None:
        """Welcome someone."""
        self.people.append(person)
        self.by_id[person.id] = person

    @property
    def present(self) -> list[Person]:
        """Return those who have not closed their accounts."""
        return [person for person in self.people if not person.closed]

    def someone_else(self, user: str) -> str | None:
        """Return another user; the first ones are the most popular."""
        if len(self.people) < 2:
            return None
        while True:
            number = int(len(self.people) * self.random.random() ** 2)
            if (other := self.people[number].id) != user:
                return other


@dataclass(frozen=True, slots=True)
class Moment:
    """What a habit decides from: the town, the rows, the time and the round's number."""

    town: Town
    view: View
    at: int

    @property
    def random(self) -> Random:
        return self.town.random


Habit = Callable[[Person, Moment], "Act | None"]
"""Returns what a person does now, or None when there is nothing to do."""
