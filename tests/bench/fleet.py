"""Worker processes of one measured app: start, wait, pause, kill."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from faust_redis.admin import Admin
from faust_redis.log import Log

from deploy.errors import DeployError
from deploy.server import process
from tests.bench import module
from tests.bench.apps.spec import WorkerSpec

DEADLINE_S = 120.0
POLL_S = 0.01
LOG_BYTES = 3_000


@dataclass
class Fleet:
    """Workers by name; a worker started again under a name gets its old local tables."""

    log: Log
    spec: WorkerSpec
    directory: Path
    running: dict[str, process.Child] = field(default_factory=dict)

    @property
    def pids(self) -> list[int]:
        """Return the process ids of the running workers."""
        return [child.pid for child in self.running.values()]

    def start(self, name: str) -> process.Child:
        """Start a worker, without waiting."""
        spec = replace(self.spec, directory=str(self.directory / name))
        with (self.directory / f"{name}.log").open("ab") as output:
            self.running[name] = module.spawn("tests.bench.apps.worker", spec.dumps(), output=output)
        return self.running[name]

    async def ready(self) -> None:
        """Wait until all that run are in one generation with their tables recovered."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            group = await Admin(self.log).describe_group(self.spec.app)
            if group.ready and len(group.members) == len(self.running):
                return
            self.check(deadline, "come up")
            await asyncio.sleep(POLL_S)

    async def drained(self, deadline_s: float) -> None:
        """Wait until the group has committed all records of its topic."""
        end = sum((await self.log.end_offsets(self.spec.topic)).values())
        deadline = time.monotonic() + deadline_s
        while await self.committed() < end:
            self.check(deadline, f"process {end:,} events")
            await asyncio.sleep(POLL_S)

    async def committed(self) -> int:
        """Return how many events of the topic the group has committed."""
        offsets = await self.log.committed(self.spec.app)
        return sum(offset for tp, offset in offsets.items() if tp.topic == self.spec.topic)

    def pause(self) -> None:
        """Pause all processes, so that none sees the topic while it is filled."""
        for child in self.running.values():
            child.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Resume all processes."""
        for child in self.running.values():
            child.send_signal(signal.SIGCONT)

    def check(self, deadline: float, what: str) -> None:
        """Raise when a worker has ended or the deadline (`time.monotonic`) is over.

        Raises:
            DeployError: with the ends of the workers' logs.
        """
        if any(child.poll() is not None for child in self.running.values()):
            raise DeployError(f"a worker ended that should {what}:\n{self.last_words()}")
        if time.monotonic() > deadline:
            raise DeployError(f"the workers did not {what} in time:\n{self.last_words()}")

    def last_words(self) -> str:
        """Return the end of every worker's log."""
        logs = sorted(self.directory.glob("*.log"))
        return "\n".join(f"{path.name}: {path.read_text(errors='replace')[-LOG_BYTES:]}" for path in logs)


@asynccontextmanager
async def fleet(log: Log, spec: WorkerSpec, directory: Path, size: int) -> AsyncIterator[Fleet]:
    """Start workers and wait until they are ready; kill them when the block ends."""
    workers = Fleet(log, spec, directory)
    try:
        for number in range(1, size + 1):
            workers.start(f"w{number}")
        await workers.ready()
        yield workers
    finally:
        for child in workers.running.values():
            process.kill(child)
