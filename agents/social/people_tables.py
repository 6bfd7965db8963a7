"""The tables about people, opened once for all rules that share them."""

from __future__ import annotations

from agents.social.people_policy import PeoplePolicy
from tables.social_people import (
    SOCIAL_CONTENTS,
    SOCIAL_FEED,
    SOCIAL_FOLLOWS,
    SOCIAL_INTERACTIONS,
    SOCIAL_PEOPLE,
    SOCIAL_PROFILES,
    Contents,
    Follows,
    Person,
)
from tables.unit_of_work import UnitOfWork


class PeopleTables:
    """The rows of people.

    Attributes:
        new: The row of a person of whom nothing is known.
    """

    def __init__(self, tables: UnitOfWork, policy: PeoplePolicy) -> None:
        self.profiles = tables.rows(SOCIAL_PROFILES)
        self.people = tables.rows(SOCIAL_PEOPLE)
        self.interactions = tables.rows(SOCIAL_INTERACTIONS)
        self.follows = tables.rows(SOCIAL_FOLLOWS)
        self.contents = tables.rows(SOCIAL_CONTENTS)
        self.feed = tables.rows(SOCIAL_FEED)
        self.new = Person(rating=policy.rating.start)

    def person(self, user_id: str) -> Person:
        """Return a person's row, or that of a person of whom nothing is known."""
        return self.people.get(user_id) or self.new

    def follows_of(self, user_id: str) -> Follows:
        """Return whom a user follows."""
        return self.follows.get(user_id) or Follows()

    def contents_of(self, user_id: str) -> Contents:
        """Return a user's contents."""
        return self.contents.get(user_id) or Contents()

    def put_follows(self, user_id: str, follows: Follows) -> None:
        """Store whom a user follows. A user who follows nobody needs no row."""
        if follows.followed:
            self.follows.put(user_id, follows)
        else:
            self.follows.delete(user_id)
