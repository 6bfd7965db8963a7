"""What happens in a seeded run with kills: what users and venues do, what the chain does, and faults, in order.

Plain values. `kills_run` carries them out, and `kills_checks` looks at what is left.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final, NamedTuple

WORKERS: Final = ("worker-0", "worker-1")
SETTLEMENTS: Final = ("settlement-0", "settlement-1")
SERVICES: Final = (*WORKERS, "relay", "indexer", *SETTLEMENTS, "sink")
"""The processes that are killed and paused: the service's command, and a number where there are two of them."""
USERS: Final = 3
DEPTH_MAX: Final = 50
LEASE_S: Final = 1.5
WAIT_MAX_S: Final = 0.8
DAYS: Final = 6
FEE_MAX: Final = 3_000_000
"""Of a fill, in 1e-8 USD."""


class SignIn(NamedTuple):
    """A new user signs in with a wallet. It is linked by an event that the relay publishes."""

    user: int


class Trade(NamedTuple):
    """A fill with a fee, in 1e-8 USD. Where the venue does not name it, the rule book's fee is this one.

    `user` is one who signed in, or one of other users, by a number from `USERS` on. `again` is a second report of it.
    """

    user: int
    fee: int
    named: bool
    again: bool


class Trades(NamedTuple):
    """A venue reports fills of a UTC day, counted from the first day of the run."""

    day: int
    fills: tuple[Trade, ...]


class Blocks(NamedTuple):
    """The chain gets so many empty blocks."""

    number: int


class Reorganise(NamedTuple):
    """The newest blocks are replaced by one more empty ones; final blocks stay."""

    depth: int


class Accept(NamedTuple):
    """Ethereum accepts this share of the blocks that it has not accepted."""

    share: float


class Kill(NamedTuple):
    """SIGKILL, and a start after a while."""

    service: str
    away_s: float


class Pause(NamedTuple):
    """SIGSTOP for longer than a lease."""

    service: str
    seconds: float


class KillNode(NamedTuple):
    """The node is killed, forgets its newest blocks, and starts after a while."""

    forgotten: int
    away_s: float


Act = SignIn | Trades | Blocks | Reorganise | Accept | Kill | Pause | KillNode


class Step(NamedTuple):
    """Something that happens so many seconds after the step before."""

    after_s: float
    act: Act


def plan(seed: int) -> Sequence[Step]:
    """Return the steps of a seed: of each kind at least one, and each kind of service is killed."""
    chance = random.Random(f"kills of the product {seed}")
    acts: list[Act] = [
        *(Kill(service, _away(chance)) for service in _one_of_each_kind(chance)),
        *(Kill(chance.choice(SERVICES), _away(chance)) for _ in range(3)),
        *(Pause(chance.choice(SERVICES), chance.uniform(1.3, 2) * LEASE_S) for _ in range(2)),
        *(Reorganise(chance.randint(1, DEPTH_MAX)) for _ in range(4)),
        *(Blocks(chance.randint(1, 40)) for _ in range(2)),
        *(Accept(chance.random()) for _ in range(2)),
        KillNode(chance.randint(0, 3), _away(chance)),
    ]
    users: list[Act] = [_trades(chance, day) for day in range(DAYS)]
    for user in range(1, USERS):
        users.insert(chance.randint(0, DAYS), SignIn(user))
    users.append(Trades(DAYS, tuple(_trade(chance, user) for user in range(USERS))))
    chance.shuffle(acts)
    merged = (SignIn(0), Blocks(DEPTH_MAX), *_merged(chance, users, acts))
    return [Step(chance.uniform(0, WAIT_MAX_S), act) for act in merged]


def _merged(chance: random.Random, *rows: Sequence[Act]) -> Sequence[Act]:
    """Return all acts, those of each row in their order."""
    numbers = [number for number, row in enumerate(rows) for _ in row]
    chance.shuffle(numbers)
    left = [iter(row) for row in rows]
    return [next(left[number]) for number in numbers]


def _one_of_each_kind(chance: random.Random) -> Sequence[str]:
    return (chance.choice(WORKERS), chance.choice(SETTLEMENTS), "relay", "indexer", "sink")


def _away(chance: random.Random) -> float:
    return chance.choice((0.0, chance.uniform(0, 2)))


def _trades(chance: random.Random, day: int) -> Trades:
    """Draw fills of a day; now and then of the day before, which are late."""
    fills = tuple(_trade(chance, chance.randrange(2 * USERS)) for _ in range(chance.randint(3, 12)))
    return Trades(max(0, day - (chance.random() < 0.2)), fills)


def _trade(chance: random.Random, user: int) -> Trade:
    return Trade(user, chance.randint(1, FEE_MAX), named=chance.random() < 0.7, again=chance.random() < 0.2)
