"""Resource use of processes: CPU seconds and memory, as the kernel counts them (Linux)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.bench.figures import Figure, figure

MILLION = 1_000_000
KIB_PER_MIB = 1_024
CLOCK_PID_SHIFT = 3
CLOCK_OF_PROCESS = 2


@dataclass(frozen=True, slots=True)
class Spent:
    """The cost of some events: wall-clock seconds, CPU seconds of workers and broker, peak memory of each in MiB.

    The memory is the largest resident set since the process began; of several workers, the largest one's.
    """

    events: int
    wall_s: float
    worker_cpu_s: float
    broker_cpu_s: float
    worker_mib: float
    broker_mib: float


class Meter:
    """A meter of workers and brokers: `spent` returns the difference since `begin`."""

    def __init__(self, workers: Sequence[int], *brokers: int) -> None:
        self._workers, self._brokers = tuple(workers), brokers
        self._wall = self._worker_cpu = self._broker_cpu = 0.0

    def begin(self) -> Self:
        """Start counting."""
        self._worker_cpu = sum(map(cpu_seconds, self._workers))
        self._broker_cpu = sum(map(cpu_seconds, self._brokers))
        self._wall = time.monotonic()
        return self

    def spent(self, events: int) -> Spent:
        """Return the cost of a number of events since `begin`."""
        return Spent(
            events,
            time.monotonic() - self._wall,
            sum(map(cpu_seconds, self._workers)) - self._worker_cpu,
            sum(map(cpu_seconds, self._brokers)) - self._broker_cpu,
            max((peak_mib(pid) for pid in self._workers), default=0.0),
            max(map(peak_mib, self._brokers)),
        )


def spending(runs: Sequence[Spent], *, what: str = "events", who: str = "worker") -> dict[str, Figure]:
    """Return the figures of every throughput: events per second, CPU of worker and broker, memory of both."""
    return {
        f"{what}/s": figure([run.events / run.wall_s for run in runs]),
        f"{what}/s per {who} core": figure([run.events / run.worker_cpu_s for run in runs]),
        f"{who} CPU s per million": figure([MILLION * run.worker_cpu_s / run.events for run in runs]),
        "broker CPU s per million": figure([MILLION * run.broker_cpu_s / run.events for run in runs]),
        f"{who} peak MiB": figure([run.worker_mib for run in runs]),
        "broker peak MiB": figure([run.broker_mib for run in runs]),
    }


def cpu_seconds(pid: int) -> float:
    """Return user and system seconds of a process so far, to the nanosecond.

    The hundredths of a second in /proc/PID/stat are too coarse. The clock's number is derived from the process id as
    clock_getcpuclockid(3) does on Linux.
    """
    return time.clock_gettime(~pid << CLOCK_PID_SHIFT | CLOCK_OF_PROCESS)


def peak_mib(pid: int) -> float:
    """Return the largest resident set of a process so far, in MiB."""
    return _status_kib(pid, "VmHWM") / KIB_PER_MIB


def resident_kib(pid: int) -> int:
    """Return the resident set of a process, in KiB."""
    return _status_kib(pid, "VmRSS")


def _status_kib(pid: int, field: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0])
    raise ProcessLookupError(f"process {pid} has ended: it has no {field}")
