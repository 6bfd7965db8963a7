"""The people of a load: the simulated community, in rounds whose commands and fills go to the gateway at fixed times.

`Rounds` lets the community decide what its people do. In a round each user acts once or has one fill, nothing that
several users share is touched twice, and all of it has one event time. So the rows at the end of a round do not depend
on the order in which the product processes it, however late some of it is: the oracle can tell them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Protocol

from streams.ids import uuid7
from tests.community.account_events import AccountEvents
from tests.community.behaviour import collectors
from tests.community.behaviour.acts import AccountAct, Act, Backend, Reported, without_collisions
from tests.community.behaviour.life import ABOUT_INBOXES, DAY_US, MINUTE_US, ROUNDS, START_US, Life, Plan
from tests.community.behaviour.people import Moment
from tests.community.behaviour.view import View
from tests.community.journal import Entry
from tests.community.servers.again import built
from tests.community.servers.backend import ServerBackend
from tests.community.servers.client import Answer, Request
from tests.community.servers.installation import Installation

EVERYONE_ACTS = 5.0
"""So active a plan lets every person act in nearly every round."""
FIRST_DAY = 1
"""On the first day of the plan only half of the people join; all do on the second."""


class LoadBackend(ServerBackend):
    """The community's backend. Accounts are events only: to sign thousands in would measure the hash of passwords."""

    def __init__(self, installation: Installation, seed: int) -> None:
        super().__init__(installation, seed)
        self._ids = Random(f"accounts {seed}")
        self._events = AccountEvents(self._new_id)
        self._partitions = installation.partitions
        self._time = installation.clock

    @property
    def suspended(self) -> set[str]:
        """Return the users whose commands the gateway would refuse if it had their accounts."""
        return self._events.suspended

    async def accounts(self, at: int, acts: Sequence[AccountAct]) -> list[Entry]:
        entries = [
            self._note(name, data["user_id"], at, self._new_id(at), data)
            for act in acts
            for name, data in self._events.of(act)
        ]
        records = built(entries, self._partitions)
        await self.log.append([record for entry in entries for record in records[entry.id]])
        await self._end_step()
        return entries

    async def commands(self, at: int, acts: Sequence[Act]) -> None:
        await super().commands(at, [act for act in acts if act.user not in self.suspended])

    def request_of_user(self, user: str, path: str) -> Request:
        """Return a user's request for a path; without a token for nobody."""
        return Request("GET", path, self._token(user, "user") if user else "")

    async def repeat(self, request: Request) -> Answer:
        """Send a request until it has an answer."""
        return await self._client.send(request)

    def set_time(self, at: int) -> None:
        """Set the gateway's clock."""
        self._time.set(at)

    async def end_round(self) -> None:
        """Wait until all of a round is processed."""
        await self._end_step()

    def _new_id(self, at: int) -> str:
        return uuid7(at // 1000, self._ids.randbytes(10))


class RoundBackend(Backend, Protocol):
    """A backend that knows whose commands a gateway would refuse."""

    @property
    def suspended(self) -> set[str]:
        """Return the users whose accounts are suspended or closed."""


@dataclass(frozen=True, slots=True)
class Round:
    """What people and the venue do in a round, all at one event time in microseconds."""

    at: int
    acts: Sequence[Act]
    fills: Sequence[Reported]


class Rounds(Life):
    """A community whose rounds are taken one by one."""

    def __init__(self, users: int, seed: int, backend: RoundBackend) -> None:
        super().__init__(Plan(users=users, days=1, seed=seed, activity=EVERYONE_ACTS), backend)
        self.backend = backend

    async def next(self, commands: int, fills: int) -> Round:
        """Tick, move a price, confirm mints, and return what people do: at most so many commands and fills."""
        day, number = divmod(self._round, len(ROUNDS))
        at = START_US + (FIRST_DAY + day) * DAY_US + ROUNDS[number] * MINUTE_US
        await self.backend.tick(at)
        if number == 0:
            await self._accounts(at, FIRST_DAY + day)
        await self._price(at)
        moment = Moment(self.town, await self.backend.view(), at)
        await self.backend.chain(at, without_collisions(collectors.confirmations(moment), self.town.random))
        moment = Moment(self.town, await self.backend.view(), at)
        wanted = [act for act in self._commands(moment) if act.user not in self.backend.suspended]
        acts = kept(wanted, moment.view)[:commands]
        self._round += 1
        return Round(at, acts, self._fills_of_others(at, named_in(acts, moment.view), fills))

    async def live_round(self, commands: int, fills: int) -> None:
        """Let a round pass without a schedule."""
        found = await self.next(commands, fills)
        await self.backend.commands(found.at, found.acts)
        await self.backend.fills(found.at, found.fills)

    def _fills_of_others(self, at: int, named: set[str], count: int) -> list[Reported]:
        users = [one.id for one in self.town.present if one.id not in named and not one.suspended]
        self.town.random.shuffle(users)
        found = self._tape.fills(users[:count], at)
        return [replace(fill, at=at) for fill in found if fill.data["user_id"] not in named]


def named_in(acts: Sequence[Act], view: View) -> set[str]:
    """Return the users whom some commands concern, and the ids of other things."""
    named = {
        name
        for act in acts
        for name in (act.user, *act.touches, *(value for value in act.data.values() if isinstance(value, str)))
    }
    return named | {view.tokens[name].owner for name in named if name in view.tokens}


def kept(acts: Sequence[Act], view: View) -> list[Act]:
    """Return the commands of a round without those about inboxes whose users others may notify in the same round.

    Members of a constellation are notified of what the others do.
    """
    named = named_in([act for act in acts if act.name not in ABOUT_INBOXES], view)
    return [
        act
        for act in acts
        if act.name not in ABOUT_INBOXES or (act.user not in named and view.membership(act.user) is None)
    ]
