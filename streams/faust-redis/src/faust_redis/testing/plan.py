"""Draw the plan of one seed: the number of workers, the limits, how bad the network is, and the faults."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from faust_redis.driver.commit.committer import CommitLimits
from faust_redis.driver.limits import ROW_US
from faust_redis.testing.network import Weather

FAULTS = ("crash", "pause", "stop", "add", "server", "trim", "rollback")
"""The faults that happen at a moment: a worker crashes, pauses, is stopped, or joins; the broker restarts, trims
records, or goes back to an earlier state. The weather loses and delays messages all the time."""

KINDS = frozenset({*FAULTS, "network"})
"""All kinds of faults that a simulation can allow."""

MORE_OFTEN = ("pause", "rollback")
"""The faults that happen twice as often as others, because most of them hit nothing that is under way."""

WORKERS_MAX = 4
"""Workers that run at the same time, including those that join."""

BEGINS_READY = 0.8
"""The share of seeds whose faults hit a pipeline at work, not its start."""

STORMY = 0.5
"""The share of seeds whose network loses messages and holds some for seconds."""

RELAPSES = 0.25
"""The share of seeds in which the broker goes back to a moment that has just passed."""

CALM = Weather()
"""The weather when the faults are over."""


@dataclass(frozen=True)
class Plan:
    """The plan of one seed.

    Many seeds lack one kind of trouble, because a fault that always happens hides what the others do.

    Attributes:
        workers: Workers at the beginning.
        begins_ready: Whether inputs and faults wait until all workers are ready; else they meet workers that start.
        faulty_s: Virtual seconds with inputs and faults.
        faults: Faults that happen at a moment.
        lease_s: The lease of a group member.
        rebalance_s: How long a rebalance waits for members.
        crash_at_write: The chance that a worker crashes when it writes to its disk.
        crash_after_commit: The chance that a worker crashes after the broker applied its commit, before the reply.
        pause_at_commit: The chance that a worker pauses for longer than its lease while its commit is on the way.
        relapse_s: How long after its backup the broker goes back to it; None when only `faults` decide.
        limits: The bounds of a commit. Small ones make the committer split its work.
        weather: How bad the network is.
    """

    workers: int
    begins_ready: bool
    faulty_s: float
    faults: int
    lease_s: float
    rebalance_s: float
    crash_at_write: float
    crash_after_commit: float
    pause_at_commit: float
    relapse_s: float | None
    limits: CommitLimits
    weather: Weather

    @classmethod
    def draw(cls, rng: Random, kinds: frozenset[str]) -> Plan:
        """Draw a plan with faults of some kinds."""
        return cls(
            workers=rng.choice((1, 2, 2, 3)),
            begins_ready=rng.random() < BEGINS_READY,
            faulty_s=rng.uniform(4.0, 10.0),
            faults=rng.randint(0, 6),
            lease_s=rng.choice((0.8, 1.5)),
            rebalance_s=rng.choice((1.2, 2.5)),
            crash_at_write=rng.choice((0.0, 0.0, 0.03)) if "crash" in kinds else 0.0,
            crash_after_commit=rng.choice((0.0, 0.0, 0.05)) if "crash" in kinds else 0.0,
            pause_at_commit=rng.choice((0.0, 0.0, 0.05)) if "pause" in kinds else 0.0,
            relapse_s=rng.uniform(0.05, 0.6) if "rollback" in kinds and rng.random() < RELAPSES else None,
            limits=CommitLimits(rng.choice((1, 3, 8, 400)) * ROW_US, rng.choice((2, 20_000))),
            weather=_draw_weather(rng) if "network" in kinds else CALM,
        )


def _draw_weather(rng: Random) -> Weather:
    slow = rng.choice((0.05, 0.4, 0.7))
    if rng.random() >= STORMY:
        return Weather(slow=slow)
    return Weather(
        lost=rng.choice((0.005, 0.05)),
        slow=slow,
        stuck=rng.choice((0.005, 0.03, 0.08)),
        lost_commit_replies=rng.choice((0.0, 0.1)),
    )
