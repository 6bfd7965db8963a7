"""What a seed draws: how many workers, inputs and faults there are, and how bad the network is."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from faust_redis.testing.network import Weather

from tests.simulation.topology import KEYS


@dataclass(frozen=True)
class Plan:
    """The plan of one seed."""

    workers: int
    partitions: int
    concurrency: int
    inputs: int
    bursts: int
    faulty_s: float
    lease_s: float
    rebalance_s: float
    slow_events: float
    stuck_events: float
    failing_events: float
    crash_at_write: float
    crash_after_commit: float
    commit_records_max: int
    pending_records_max: int
    recovery_records_max: int
    outside_messages: int
    batch_records_max: int
    direct_queues: bool
    weather: Weather
    ordered_reads: int = 0
    some_unneeded: bool = False
    shards: int = 1
    late_rollback: bool = False
    long_rest: bool = False
    resized: int = 0
    """How many partitions the topics get while the world runs; 0 when their number stays."""
    keys: tuple[bytes, ...] = KEYS

    @property
    def places(self) -> int:
        """Return how many partitions there are at last."""
        return max(self.partitions, self.resized)

    @classmethod
    def draw(cls, rng: Random) -> Plan:
        """Draw a plan from a seed. Only some seeds have long delays, so that other faults get room of their own."""
        stormy = rng.random() < 0.6
        return cls(
            workers=rng.choice((1, 2, 2, 3)),
            partitions=rng.choice((1, 2, 2, 3)),
            concurrency=rng.choice((1, 1, 2)),
            inputs=rng.randint(6, 28),
            bursts=rng.choice((0, 1, 2)),
            faulty_s=rng.uniform(1.5, 4.5),
            lease_s=rng.choice((0.8, 1.5)),
            rebalance_s=rng.choice((1.2, 2.5)),
            slow_events=rng.choice((0.0, 0.3, 0.6)),
            stuck_events=rng.choice((0.0, 0.0, 0.08)),
            failing_events=rng.choice((0.0, 0.0, 0.3)),
            crash_at_write=rng.choice((0.0, 0.0, 0.03)),
            crash_after_commit=rng.choice((0.0, 0.0, 0.05)),
            commit_records_max=rng.choice((1, 3, 8, 400)),
            pending_records_max=rng.choice((0, 2, 20_000)),
            recovery_records_max=rng.choice((1, 2, 1000)),
            outside_messages=rng.choice((0, 4, 12)),
            batch_records_max=rng.choice((0, 0, 2, 5)),
            direct_queues=rng.random() < 0.7,
            weather=Weather(
                lost=rng.choice((0.005, 0.05)) if stormy else 0.0,
                slow=rng.choice((0.05, 0.4, 0.7)),
                stuck=rng.choice((0.005, 0.03, 0.08)) if stormy else 0.0,
            ),
        )
