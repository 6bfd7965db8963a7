"""The life of a community: its days in rounds, and what happens in each, in steps that wait for their effects.

A round is a tick, then at most a mark price, commands, fills and events of the chain. In a step each user acts at most
once, and nothing that several users share is touched twice. So the result does not depend on scheduling.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from tests.community.behaviour import clans, collectors, money, social, traders
from tests.community.behaviour.accounts import Register
from tests.community.behaviour.acts import Act, Backend, without_collisions
from tests.community.behaviour.people import Habit, Moment, Person, Town

DAY_US = 86_400_000_000
MINUTE_US = 60_000_000
START_US = 1_740_960_000_000_000
"""2025-03-03T00:00:00Z, a Monday. A season ends four weeks later."""
ROUNDS = (3 * 60 + 5, 9 * 60 + 10, 15 * 60 + 20, 21 * 60 + 40)
"""The minutes of a day at which its rounds begin."""
LAST_DAYS = (*range(9), *range(9, 135, 7))
"""The days after the last one that have a tick. In the first nine all that is pending ends: a battle lasts a week at
most. In the others the season ends, and its rewards expire 90 days later."""

HABITS: tuple[tuple[int, Habit], ...] = (
    (24, traders.open_trade),
    (16, traders.close_trade),
    (22, social.interact),
    (2, social.unfollow),
    (7, social.share_content),
    (3, social.create_profile),
    (20, clans.belong),
    (7, collectors.mint),
    (4, collectors.offer),
    (5, collectors.buy),
    (3, collectors.claim),
    (1, collectors.preferences),
    (1, collectors.read_inbox),
    (1, money.announce_deposit),
    (4, money.deposit),
    (4, money.withdraw),
    (4, money.subscribe),
)
ABOUT_INBOXES = frozenset({"ReadNotifications", "ChangePreferences"})
TRIES = 3
BUSY: tuple[Habit, ...] = (traders.small_trade, social.interact, social.new_content)
"""What a few people do in a busy hour, each the same once a minute, until they reach the limits of an hour or a day."""
BUSY_STEPS = 22
BUSY_DAYS = 20
"""Every so many days has a busy hour, first the fifth."""
REPEATED = 0.3
"""The share of commands that a crowd sends twice."""
CONTESTED = frozenset({"CreateConstellation", "JoinConstellation", "BuyNFT", "ChallengeBattle", "AcceptBattle"})
"""Commands for which others of a crowd compete."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long a community lives.

    Attributes:
        activity: The mean chance that a person acts in a round.
        fills: The chance that a person who acts so often has a fill, as a share of it.
        crowded: People act several times in a step and get into each other's way. No oracle can say who comes first.
    """

    users: int
    days: int
    seed: int
    activity: float = 0.1
    fills: float = 0.5
    crowded: bool = False


Told = Callable[[int, int], None]
"""Is told the day that ends, and how many people there are."""


class Life:
    """One community. `live` lets it live through its days on a backend."""

    def __init__(self, plan: Plan, backend: Backend, told: Told = lambda _day, _people: None) -> None:
        self.plan = plan
        self.town = Town(Random(plan.seed))
        self._backend = backend
        self._register = Register(self.town, plan.users, plan.days, plan.activity)
        self._prices = traders.Prices(Random(plan.seed + 1))
        self._tape = traders.Tape(Random(plan.seed + 2))
        self._round = 0
        self._told = told

    async def live(self) -> None:
        """Live all days, and then wait until nothing is pending."""
        for day in range(self.plan.days):
            for number, minutes in enumerate(ROUNDS):
                await self._live_round(START_US + day * DAY_US + minutes * MINUTE_US, day, number)
            self._told(day, len(self.town.people))
        await self._end(START_US + self.plan.days * DAY_US)

    async def _live_round(self, at: int, day: int, number: int) -> None:
        await self._backend.tick(at)
        if number == 0:
            await self._accounts(at, day)
        await self._price(at)
        acts = self._commands(Moment(self.town, await self._backend.view(), at))
        for step in _inboxes_first(acts):
            await self._backend.commands(at, step)
        if number % 2:
            moment = Moment(self.town, await self._backend.view(), at)
            await self._backend.chain(at, without_collisions(collectors.confirmations(moment), self.town.random))
        await self._fills(at)
        if number == 1 and day % BUSY_DAYS == 4:
            await self._busy_hour(at)
        self._round += 1

    async def _accounts(self, at: int, day: int) -> None:
        view = await self._backend.view()
        changes = self._register.changes(row.owner for row in view.constellations.values())
        if changes:
            await self._backend.accounts(at, changes)
        newcomers = self._register.newcomers(day)
        for entry in await self._backend.accounts(at, newcomers) if newcomers else ():
            if entry.name == "AccountRegistered":
                self._register.welcome(entry.data["username"], entry.user, self.town.random)

    async def _busy_hour(self, at: int) -> None:
        """Let a few people act once a minute."""
        people = [person for person in self.town.present if not person.suspended]
        busy = list(zip(BUSY, self.town.random.sample(people, min(len(BUSY), len(people))), strict=False))
        for minute in range(1, BUSY_STEPS + 1):
            moment = Moment(self.town, await self._backend.view(), at + minute * MINUTE_US)
            acts = [act for habit, person in busy if (act := habit(person, moment)) is not None]
            await self._backend.commands(moment.at, without_collisions(acts, self.town.random))

    async def _price(self, at: int) -> None:
        if self._round == 0:
            for market, price in self._prices.first().items():
                await self._backend.price(at, market, price)
        else:
            await self._backend.price(at, *self._prices.next(self._round))

    def _commands(self, moment: Moment) -> list[Act]:
        random = self.town.random
        active = [person for person in self.town.present if random.random() < person.activity]
        acts = [act for person in active if (act := self._act(person, moment)) is not None]
        if self.plan.crowded:
            return self._crowd(acts, moment)
        return without_collisions([*acts, *money.answers(moment), *clans.answers(moment)], random)

    def _crowd(self, acts: list[Act], moment: Moment) -> list[Act]:
        """Let some repeat what they did, and others do the same, all at once."""
        random, people = self.town.random, self.town.present
        again = [act for act in acts if random.random() < REPEATED]
        joined = [
            replace(act, user=random.choice(people).id) for act in acts if act.name in CONTESTED for _ in range(3)
        ]
        answers = [answer for answer in (*money.answers(moment), *clans.answers(moment)) for _ in range(2)]
        crowd = [*acts, *again, *joined, *answers]
        random.shuffle(crowd)
        return crowd

    def _act(self, person: Person, moment: Moment) -> Act | None:
        weights, habits = zip(*HABITS, strict=True)
        for habit in self.town.random.choices(habits, weights, k=TRIES):
            act: Act | None = habit(person, moment)
            if act is not None:
                return act
        return None

    async def _fills(self, at: int) -> None:
        random = self.town.random
        users = [one.id for one in self.town.present if random.random() < one.activity * self.plan.fills]
        random.shuffle(users)
        fills = self._tape.fills(users, at)
        if fills:
            await self._backend.fills(at, fills)

    async def _end(self, at: int) -> None:
        for day in LAST_DAYS:
            await self._backend.tick(at + day * DAY_US)


def _inboxes_first(acts: list[Act]) -> list[list[Act]]:
    """Divide commands into steps. Users read and mute notifications before other users' commands bring some."""
    first = [act for act in acts if act.name in ABOUT_INBOXES]
    return [step for step in (first, [act for act in acts if act.name not in ABOUT_INBOXES]) if step]
