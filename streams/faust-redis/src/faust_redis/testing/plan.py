"""What one seed is about: how many workers, how bad the network, which faults and when."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from faust_redis.testing.network import Weather

FAULTS = ("crash", "pause", "stop", "add", "server", "trim", "rollback")
"""What may happen to a world: a worker crashes, stands still, is stopped, or joins; the broker restarts, trims records,
or goes back to an earlier state. Lost and late messages are a matter of the weather."""

WORKERS_MAX = 4


@dataclass(frozen=True)
class Plan:
    """The plan of one seed. Bad weather is for some seeds only, so that other faults get room of their own."""

    workers: int
    faulty_s: float
    faults: int
    lease_s: float
    rebalance_s: float
    crash_at_write: float
    crash_after_commit: float
    weather: Weather

    @classmethod
    def draw(cls, rng: Random, kinds: frozenset[str]) -> Plan:
        """Draw a plan with faults of some kinds."""
        stormy = rng.random() < 0.5 and "network" in kinds  # noqa: PLR2004
        crashes = "crash" in kinds
        return cls(
            workers=rng.choice((1, 2, 2, 3)),
            faulty_s=rng.uniform(3.0, 8.0),
            faults=rng.randint(0, 5),
            lease_s=rng.choice((0.8, 1.5)),
            rebalance_s=rng.choice((1.2, 2.5)),
            crash_at_write=rng.choice((0.0, 0.0, 0.03)) if crashes else 0.0,
            crash_after_commit=rng.choice((0.0, 0.0, 0.05)) if crashes else 0.0,
            weather=Weather(
                lost=rng.choice((0.005, 0.05)) if stormy else 0.0,
                slow=rng.choice((0.05, 0.4, 0.7)) if "network" in kinds else 0.0,
                stuck=rng.choice((0.005, 0.03, 0.08)) if stormy else 0.0,
            ),
        )


CALM = Weather()
KINDS = frozenset({*FAULTS, "network"})
