"""What a run does, and the service level that ends its ramp."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tests.load.schedule import Arrivals


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """What the requests of a step are. The rest are commands of people.

    Attributes:
        reads: The share of reads: boards, progress, balances and more.
        batches: The share of fill batches of the venue.
        fills: The fills of a batch, each of another user.
    """

    reads: float = 0.5
    batches: float = 0.1
    fills: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Slo:
    """The service level. A step that misses one of these breaks it.

    Attributes:
        visible_ms: Within this time 99 % of the commands and fills are visible. It counts from when a request was due,
            so that the time which a request waits for the gateway counts, too.
        errors: The greatest share of requests without the expected answer.
        behind_s: How long the oldest record that a domain has not processed may wait.
        generator_ms: A step is invalid when more than 1 % of its requests were sent later than this after they were
            due: then the load was not what the schedule says.
    """

    visible_ms: float = 250.0
    errors: float = 0.001
    behind_s: float = 10.0
    generator_ms: float = 50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of one variant.

    Attributes:
        users: How many people there are. A person acts at most once in a step.
        first: Requests a second of the first step.
        growth: The factor from one step to the next.
        steps: The most steps of the ramp.
        halvings: How often the gap between the last good and the first broken rate is halved.
        seconds: The length of a step.
        warm_up: Rounds of the community before the first step.
        generators: Processes that send requests.
        streams: Subscribers of server-sent events.
        sockets: Subscribers over WebSockets.
        raw: Whether the facts from which a step's figures follow are written beside the report.
        profile: Whether one more step at the broken rate runs under a sampling profiler.
    """

    users: int = 2_000
    first: float = 25.0
    growth: float = 1.5
    steps: int = 8
    halvings: int = 2
    seconds: float = 10.0
    warm_up: int = 2
    seed: int = 1
    arrivals: Arrivals = "poisson"
    generators: int = 1
    streams: int = 10
    sockets: int = 5
    profile: bool = True
    raw: bool = False
    mix: Mix = field(default_factory=Mix)
    slo: Slo = field(default_factory=Slo)
    out: Path = Path("build/load")
