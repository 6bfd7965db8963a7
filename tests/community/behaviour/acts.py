"""What people do, and who carries it out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

from tests.community.behaviour.view import View
from tests.community.journal import Entry

MODERATOR = "moderator-1"
BANK = "bank-1"
ORACLE = "oracle-1"
VENUE = "venue-1"


@dataclass(frozen=True, slots=True)
class Act:
    """A command that someone is about to send.

    Attributes:
        user: The token's subject.
        name: The name of the command's class.
        data: The fields of the command that its sender chooses: body and parameters of the path.
        touches: Ids whose rows depend on the order in which they are touched. Acts of one step share none.
    """

    user: str
    name: str
    data: dict[str, Any]
    touches: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Reported:
    """A fill that a venue reports, in the form of the request, with its time in microseconds."""

    at: int
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AccountAct:
    """Something that an account goes through: `register`, `login`, `logout`, `privacy`, `verify`, `suspend`, ..."""

    kind: str
    user: str
    more: Mapping[str, Any] = field(default_factory=dict)


class Backend(Protocol):
    """Carries out what people do, and waits after each step until all of its effects are visible."""

    async def tick(self, at: int) -> None:
        """Tick every partition, and move the clock on."""

    async def accounts(self, at: int, acts: Sequence[AccountAct]) -> list[Entry]:
        """Let accounts go through something; return what the outbox published."""

    async def price(self, at: int, market: str, price: str) -> None:
        """Report a mark price."""

    async def commands(self, at: int, acts: Sequence[Act]) -> None:
        """Send commands. A refused one leaves no trace."""

    async def fills(self, at: int, fills: Sequence[Reported]) -> None:
        """Report fills of the venue."""

    async def chain(self, at: int, events: Sequence[Act]) -> None:
        """Append events of the chain."""

    async def view(self) -> View:
        """Return the rows as they are now."""


def without_collisions(acts: Iterable[Act], random: Random) -> list[Act]:
    """Return acts of which no two touch the same: of those that do, a random one remains."""
    waiting, taken, kept = list(acts), set[str](), []
    random.shuffle(waiting)
    for act in waiting:
        touched = act.touches | {act.user}
        if not touched & taken:
            taken |= touched
            kept.append(act)
    return kept
