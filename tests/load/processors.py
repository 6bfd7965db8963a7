"""CPU of processes and of the machine, from /proc: what each had, and what each waited for.

On a machine that others use, the CPU of a process does not tell whether it is the bottleneck: a process that wants a
core all the time may get half of one. So we also read how long its threads waited for a core.
Source: https://docs.kernel.org/scheduler/sched-stats.html
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

NANOSECONDS = 1_000_000_000
IDLE = (3, 4)
"""The fields of /proc/stat that count idle time: idle and iowait."""
FIELDS = 8
"""The fields of /proc/stat that add up to all time; those of guests are part of others."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of a process since its start: of CPU, and of waiting for a core while it could have run."""

    cpu_s: float
    waited_s: float


@dataclass(frozen=True, slots=True)
class Use:
    """What a process used in a span, in cores.

    Attributes:
        cpu: CPU seconds a second.
        wanted: The same, and the time in which its threads waited for a core.
    """

    cpu: float
    wanted: float


@dataclass(frozen=True, slots=True)
class Moment:
    """All counters at one moment.

    Attributes:
        busy: The machine's cores that were busy so far, in ticks; `total` counts idle ones, too.
    """

    at_s: float
    processes: Mapping[str, Spent]
    busy: int
    total: int


def spent(pid: int) -> Spent:
    """Return what all threads of a process have spent so far.

    Raises:
        ProcessLookupError: the process has ended.
    """
    cpu = waited = 0
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            run, wait, _ = (thread / "schedstat").read_text().split()
            cpu, waited = cpu + int(run), waited + int(wait)
    except FileNotFoundError as exc:
        raise ProcessLookupError(f"process {pid} has ended") from exc
    return Spent(cpu / NANOSECONDS, waited / NANOSECONDS)


def moment(pids: Mapping[str, int]) -> Moment:
    """Read all counters."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:]][:FIELDS]
    busy = sum(ticks) - sum(ticks[field] for field in IDLE)
    return Moment(time.monotonic(), {name: spent(pid) for name, pid in pids.items()}, busy, sum(ticks))


def uses(before: Moment, after: Moment) -> dict[str, Use]:
    """Return what each process used between two moments."""
    seconds = after.at_s - before.at_s
    found = {}
    for name, now in after.processes.items():
        then = before.processes[name]
        cpu, waited = now.cpu_s - then.cpu_s, now.waited_s - then.waited_s
        found[name] = Use(cpu / seconds, (cpu + waited) / seconds)
    return found


def machine_busy(before: Moment, after: Moment) -> float:
    """Return the share of all cores that was busy between two moments, with anything."""
    return (after.busy - before.busy) / max(1, after.total - before.total)


def cores() -> int:
    """Return how many cores the machine has."""
    return os.cpu_count() or 1


@contextmanager
def real_time() -> Iterator[bool]:
    """Give this process, and those that it starts meanwhile, a core whenever they want one.

    Clients stand for other machines, so they must not wait for the cores of the product.

    Yields:
        Whether the system lets us; without it, clients compete with everything else.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        yield False
        return
    try:
        yield True
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
