"""The requests of a step: what people do in a round, batches of fills, and reads, in a random order at fixed times."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

from tests.community.behaviour.acts import Act, Reported
from tests.community.servers.client import Request
from tests.load.messages import Kind, Planned
from tests.load.options import Mix
from tests.load.people import Round
from tests.load.schedule import Arrivals, due_times

READS: tuple[tuple[int, str, bool], ...] = (
    (20, "/v1/users/{user}/progress", False),
    (15, "/v1/users/{user}/balances", True),
    (10, "/v1/users/{user}/trading-account", True),
    (10, "/v1/users/{user}/open-trades", True),
    (5, "/v1/users/{user}/trades", True),
    (5, "/v1/users/{user}/feed", True),
    (5, "/v1/users/{user}/collector", True),
    (5, "/v1/users/{user}/social", False),
    (5, "/v1/notifications", True),
    (10, "/v1/leaderboards/xp", False),
    (5, "/v1/leaderboards/volume", False),
    (5, "/v1/leaderboards/xp/users/{user}", False),
    (5, "/v1/prices", False),
    (3, "/v1/nft/market", False),
    (2, "/v1/constellations", False),
)
"""What is read, with its weight, and whether the reader's token is needed."""


class Gateway(Protocol):
    """Makes requests with the right tokens."""

    def request_of(self, act: Act) -> Request:
        """Return the request of a command."""

    def request_of_fills(self, fills: Sequence[Reported]) -> Request:
        """Return the request of a batch of fills."""

    def request_of_user(self, user: str, path: str) -> Request:
        """Return a user's request for a path, with the token if there is a user."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request before it has a time, and what it carries: a command, or fills, or nothing."""

    kind: Kind
    name: str
    request: Request
    carries: Act | Sequence[Reported] | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """The requests of a step by their number, and when they are due."""

    rate: float
    at: int
    wanted: Sequence[Wanted]
    planned: Sequence[Planned]

    @property
    def seconds(self) -> float:
        """Return the length of the schedule."""
        return self.planned[-1].due_s


def counts(mix: Mix, rate: float, seconds: float) -> tuple[int, int, int]:
    """Return how many reads, batches and commands a step has."""
    total = round(rate * seconds)
    reads, batches = round(total * mix.reads), round(total * mix.batches)
    return reads, batches, total - reads - batches


def step_of(
    round_: Round,
    gateway: Gateway,
    readers: Sequence[str],
    mix: Mix,
    *,
    rate: float,
    arrivals: Arrivals,
    seed: str,
) -> Step:
    """Return the step of a round. A round with fewer commands than the rate asks for gives a shorter step."""
    random = Random(f"step {seed}")
    commands = [Wanted("command", act.name, gateway.request_of(act), act) for act in round_.acts]
    parts = [round_.fills[first : first + mix.fills] for first in range(0, len(round_.fills), mix.fills)]
    fills = [Wanted("fills", "ReportFill", gateway.request_of_fills(some), some) for some in parts]
    share = 1 - mix.reads - mix.batches
    total = round(len(commands) / share)
    batches = fills[: round(total * mix.batches)]
    reads = list(_reads(gateway, readers, round(total * mix.reads), random))
    wanted = [*commands, *batches, *reads]
    random.shuffle(wanted)
    times = due_times(len(wanted), rate, arrivals, seed)
    planned = [
        Planned(number, due_s, one.kind, one.name, raw(one.request))
        for number, (one, due_s) in enumerate(zip(wanted, times, strict=True))
    ]
    return Step(rate, round_.at, wanted, planned)


def _reads(gateway: Gateway, readers: Sequence[str], count: int, random: Random) -> Iterator[Wanted]:
    weights = [weight for weight, _, _ in READS]
    for _, path, own in random.choices(READS, weights, k=count):
        user = random.choice(readers)
        yield Wanted("read", path, gateway.request_of_user(user if own else "", path.format(user=user)))


def raw(request: Request) -> bytes:
    """Return a request as it goes over the wire."""
    body = b"" if request.body is None else json.dumps(request.body).encode()
    lines = f"{request.method} {request.path} HTTP/1.1\r\nHost: load\r\n{request.lines()}"
    if request.body is not None:
        lines += "Content-Type: application/json\r\n"
    return f"{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body
