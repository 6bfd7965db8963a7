"""The arguments and the report of a peer's app. Standard library only: it runs in the environment of every peer."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, kw_only=True)
class Job:
    """The work of a peer's app: count events by key, or do the product's job.

    Attributes:
        broker: The topic's broker: ``host:port`` of a Kafka, URL of a Redis; or the server, as its client names it.
        topic: The name of a topic with `warm_up` + `events` events, or the path of a file with one on each line.
        group: An unused name, for the consumer group and for names derived from it.
        option: The variant of this peer, in its own words.
        broker_pid: The process whose CPU time counts as the broker's, with its children; 0 when it is not visible.
        directory: For local state.
        out: The file for the report.
    """

    broker: str
    topic: str
    group: str
    option: str
    warm_up: int
    events: int
    broker_pid: int
    directory: str
    out: str

    @property
    def output(self) -> str:
        """Return the name of a topic for results."""
        return f"{self.topic}-output"

    @property
    def total(self) -> int:
        """Return the number of events in the topic."""
        return self.warm_up + self.events

    def dumps(self) -> str:
        """Encode the job as a command-line argument."""
        return json.dumps(asdict(self))


def from_command_line() -> Job:
    """Decode the job from this process's command line."""
    return Job(**json.loads(sys.argv[1]))


class Meter:
    """A counter of events; its clocks run from the end of the warm-up until `stop` or `finish`, whichever is first."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.done = 0
        self._begun: tuple[int, float, float, float] | None = None
        self._ended: tuple[int, float, float, float] | None = None

    def step(self, events: int = 1) -> bool:
        """Count processed events; tell whether they were the last."""
        self.done += events
        if self._begun is None and self.done >= self.job.warm_up:
            self._begun = self._now()
        return self.done >= self.job.total

    def stop(self) -> None:
        """Stop the clocks."""
        self._ended = self._now()

    def finish(self, results: Mapping[str, Any]) -> None:
        """Write the report, with the final tables."""
        begun, ended = self._begun or self._now(), self._ended or self._now()
        names = ("events", "wall_s", "worker_cpu_s", "broker_cpu_s")
        spent = dict(zip(names, (after - before for before, after in zip(begun, ended, strict=True)), strict=True))
        report = {**spent, "worker_mib": peak_mib("self"), "results": dict(results)}
        temporary = Path(f"{self.job.out}.new")
        temporary.write_text(json.dumps(report))
        temporary.replace(self.job.out)

    def _now(self) -> tuple[int, float, float, float]:
        return self.done, time.monotonic(), time.process_time(), cpu_seconds(self.job.broker_pid)


def cpu_seconds(pid: int) -> float:
    """Return user and system seconds so far of a process and its children, also of ended ones; 0 for pid 0."""
    if not pid:
        return 0.0
    # clock_getcpuclockid(3) computes the same clock's number on Linux. It is finer than the ticks in /proc.
    own = time.clock_gettime(~pid << 3 | 2)
    ended = sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[13:15])) / TICKS_PER_S
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + ended + sum(map(_seconds_of_child, map(int, children)))


def _seconds_of_child(pid: int) -> float:
    try:
        return cpu_seconds(pid)
    except OSError:
        return 0.0  # It has ended since its parent was read, and counts there from the next reading on.


def peak_mib(pid: int | str) -> float:
    """Return the largest resident set of a process so far."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1_024
