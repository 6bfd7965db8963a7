"""Accounts: when people register, sign in and out, become private, are verified, suspended, reinstated and closed."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from tests.community.behaviour.acts import AccountAct
from tests.community.behaviour.people import Person, Town

PASSWORD = "zephyr-quilt-mattress-7"
TIERS = ("email", "phone", "identity", "identity", "identity", "premium")
CHANCES = {"login": 0.02, "logout": 0.01, "privacy": 0.01, "verify": 0.03, "suspend": 0.003, "close": 0.004}
"""The chance of each on a day. A sign-in costs a hash of the password, as registering does."""
OWNER_CLOSES = 0.15
"""The chance that an owner of a constellation closes the account on a day."""


class Register:
    """The office: it lets a number of people in over the first days, and decides what accounts go through."""

    def __init__(self, town: Town, users: int, days: int, activity: float) -> None:
        self._town = town
        self._users = users
        self._days = days
        self._activity = activity

    def newcomers(self, day: int) -> list[AccountAct]:
        """Return the registrations of a day: half on the first day, the rest over the first two thirds of all days."""
        grown = max(1, self._days * 2 // 3)
        share = 1.0 if day >= grown else 0.5 + 0.5 * day / grown
        wanted = int(self._users * share) if day < grown else self._users
        first = len(self._town.people)
        return [AccountAct("register", f"person-{number}") for number in range(first, max(first, wanted))]

    def let_in(self, users: int) -> None:
        """Let so many people in altogether, those who have closed their accounts included."""
        self._users = users

    def welcome(self, username: str, user: str, random: Random) -> Person:
        """Return the person whose account was registered."""
        activity = min(0.95, self._activity * random.choice((0.2, 0.5, 1.0, 1.0, 2.3)))
        person = Person(id=user, username=username, activity=activity)
        self._town.add(person)
        return person

    def changes(self, owners: Iterable[str]) -> list[AccountAct]:
        """Return what accounts go through on a day, at most one thing each.

        At most one is closed: two of one constellation would leave it in either order. Now and then it is that of one
        of the owners of constellations, who are too few to close accounts by chance.
        """
        found = {person.id: act for person in self._town.present if (act := self._change(person)) is not None}
        closing = [act.user for act in of_kind(found.values(), "close")]
        leading = sorted(owners)
        if leading and self._town.random.random() < OWNER_CLOSES:
            closing.insert(0, self._town.random.choice(leading))
        for user in closing:
            found.pop(user, None)
        for user in closing[:1]:
            self._town.by_id[user].closed = True
            found[user] = AccountAct("close", user)
        return [*found.values()]

    def _change(self, person: Person) -> AccountAct | None:
        random = self._town.random
        if person.suspended:
            return _done(person, "reinstate") if random.random() < 0.3 else None
        what = random.random()
        for kind, chance in CHANCES.items():
            if what < chance:
                return self._doing(person, kind)
            what -= chance
        return None

    def _doing(self, person: Person, kind: str) -> AccountAct:
        if kind == "verify":
            return AccountAct(kind, person.id, {"tier": self._town.random.choice(TIERS)})
        return AccountAct(kind, person.id) if kind in {"login", "logout", "close"} else _done(person, kind)


def _done(person: Person, kind: str) -> AccountAct:
    """Note what an account goes through with the person, and return it."""
    if kind == "privacy":
        person.private = not person.private
        return AccountAct(kind, person.id, {"private": person.private})
    person.suspended = kind == "suspend"
    return AccountAct(kind, person.id)


def of_kind(acts: Iterable[AccountAct], kind: str) -> list[AccountAct]:
    """Return the acts of a kind."""
    return [act for act in acts if act.kind == kind]
