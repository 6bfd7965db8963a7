"""Real faults on real worker processes: the output equals the output of one undisturbed worker."""

from __future__ import annotations

import asyncio
import os
import random
import resource
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from faust_redis.admin import Admin
from faust_redis.dead_letters import DeadLetters
from faust_redis.log import Log, Record, TopicPartition, TopicSpec
from faust_redis.log.partitioner import partition_for

from tests.integration.streams.block import BLOCK

pytestmark = pytest.mark.slow

PARTITIONS = 4
KEYS = 20
RECORDS = 3000
DEADLINE_S = 60.0
LEASE_S = 2.0


class Workers:
    """Worker processes of the counting application."""

    def __init__(self, log: Log, broker_url: str, directory: Path) -> None:
        self.log = log
        self.directory = directory
        self.environment = os.environ | {
            "COUNTING_APP": "counting",
            "COUNTING_BROKER": f"{broker_url}?namespace={log.keys.namespace}",
        }
        self.running: dict[str, asyncio.subprocess.Process] = {}

    async def start(self, name: str, *, file_bytes_max: int | None = None) -> None:
        """Start a worker; a known name gets its old local tables. A limit on its files acts as a full disk."""

        def limit() -> None:
            if file_bytes_max is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes_max, file_bytes_max))

        environment = self.environment | {"COUNTING_DATA": str(self.directory / name)}
        if file_bytes_max is not None:
            environment["PYTHONDONTWRITEBYTECODE"] = "1"  # Python would cut off the modules that it compiles
        with (self.directory / f"{name}.log").open("ab") as output:
            self.running[name] = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "faust", "-A", "tests.integration.streams.counting", "worker",
                "--without-web", "-l", "info",
                env=environment, stdout=output, stderr=output, preexec_fn=limit,
            )  # fmt: skip

    async def end(self, name: str, how: signal.Signals) -> None:
        """End a worker with a signal and wait for its end."""
        process = self.running.pop(name)
        process.send_signal(how)
        await asyncio.wait_for(process.wait(), 30)

    async def committed(self) -> int:
        """Return how many records are committed."""
        offsets = await self.log.committed("counting")
        return sum(offset for tp, offset in offsets.items() if tp.topic == "in")

    async def until_committed(self, records: int) -> None:
        """Wait until a number of records are committed."""
        end = asyncio.get_running_loop().time() + DEADLINE_S
        while await self.committed() < records:
            if asyncio.get_running_loop().time() > end:
                raise AssertionError(f"{await self.committed()} of {records} processed.\n{self.logs()}")
            await asyncio.sleep(0.02)

    async def until_all_are_ready(self) -> None:
        """Wait until all running workers share one generation."""
        end = asyncio.get_running_loop().time() + DEADLINE_S
        admin = Admin(self.log)
        while not (group := await admin.describe_group("counting")).ready or len(group.members) < len(self.running):
            if asyncio.get_running_loop().time() > end:
                raise AssertionError(f"{group.why_not_ready}\n{self.logs()}")
            await asyncio.sleep(0.02)

    def logs(self) -> str:
        """Return the last lines of every worker's log."""
        return "\n".join(
            f"--- {path.name}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-40:])
            for path in sorted(self.directory.glob("*.log"))
        )


@pytest.fixture
async def workers(log: Log, broker_url: str, tmp_path: Path) -> AsyncIterator[Workers]:
    for topic in ("in", "out"):
        await log.create_topic(TopicSpec(topic, PARTITIONS))
    fleet = Workers(log, broker_url, tmp_path)
    try:
        yield fleet
    finally:
        for process in fleet.running.values():
            process.send_signal(signal.SIGCONT)
            process.kill()
            await process.wait()


async def feed(log: Log, records: int = RECORDS) -> None:
    keys = [f"key-{i % KEYS}".encode() for i in range(records)]
    for at in range(0, records, 500):
        await log.append([Record("in", partition_for(k, PARTITIONS), k, b"x", 1) for k in keys[at : at + 500]])


async def assert_counted_exactly_once(log: Log, records: int = RECORDS) -> None:
    """Check that each key's counts come in order, each once, and that the table holds the last."""
    seen: dict[bytes, list[int]] = {}
    table: dict[bytes, bytes] = {}
    for p in range(PARTITIONS):
        for record in (await log.fetch({TopicPartition("out", p): 0}, count=records)).get(TopicPartition("out", p), []):
            assert record.key is not None
            assert record.value is not None
            seen.setdefault(record.key, []).append(int(record.value))
        rows: dict[Any, Any] = await log.redis.hgetall(log.keys.snapshot("counting-counts-changelog", p))
        table |= rows
    each = records // KEYS
    assert seen == {f"key-{k}".encode(): list(range(1, each + 1)) for k in range(KEYS)}
    assert {key: int(value) for key, value in table.items()} == dict.fromkeys(seen, each)


@pytest.mark.parametrize("standbys", ["0", "1"])
@pytest.mark.sample(1)
async def test_killed_workers_lose_and_double_nothing(workers: Workers, log: Log, standbys: str) -> None:
    chance = random.Random(7)
    workers.environment["COUNTING_STANDBYS"] = standbys
    await workers.start("a")
    await workers.start("b")
    await feed(log)
    for step in range(1, 5):
        await workers.until_committed(step * RECORDS // 6)
        victim = chance.choice(sorted(workers.running))
        await workers.end(victim, signal.SIGKILL)
        await workers.start(victim)
    await workers.until_committed(RECORDS)
    await assert_counted_exactly_once(log)


async def test_a_paused_worker_cannot_write_after_its_lease(workers: Workers, log: Log) -> None:
    await workers.start("a")
    await workers.start("b")
    await feed(log)
    await workers.until_committed(RECORDS // 5)
    workers.running["a"].send_signal(signal.SIGSTOP)
    await workers.until_committed(RECORDS)
    workers.running["a"].send_signal(signal.SIGCONT)
    await feed(log)
    await workers.until_committed(2 * RECORDS)
    await assert_counted_exactly_once(log, 2 * RECORDS)


@pytest.mark.heavy
async def test_workers_come_and_go_without_losing_a_record(workers: Workers, log: Log) -> None:
    await workers.start("a")
    await feed(log)
    await workers.until_committed(RECORDS // 6)
    await workers.start("b")
    await workers.start("c")
    await workers.until_committed(RECORDS // 2)
    await workers.end("a", signal.SIGTERM)
    await workers.until_committed(RECORDS)
    await assert_counted_exactly_once(log)


@pytest.mark.heavy
async def test_a_worker_whose_event_loop_is_stuck_is_evicted_and_fenced(
    workers: Workers, log: Log, tmp_path: Path
) -> None:
    """The heartbeat thread lives, but lets the lease expire once the loop is blocked longer than a rebalance."""
    workers.environment["COUNTING_REBALANCE_S"] = "1"
    mark = tmp_path / "blocked"
    await workers.start("a")
    await workers.start("b")
    await workers.until_all_are_ready()
    await log.append([Record("in", 0, BLOCK, bytes(mark), 1)])
    await feed(log)
    await workers.until_committed(RECORDS + 1)
    # The second worker processed the event while the first was blocked. Release the first with its event in flight.
    mark.unlink()
    await feed(log)
    await workers.until_committed(2 * RECORDS + 1)
    assert all(process.returncode is None for process in workers.running.values())
    await assert_counted_exactly_once(log, 2 * RECORDS)


async def test_a_worker_whose_disk_is_full_ends_with_a_clear_error_and_the_next_goes_on(
    workers: Workers, log: Log
) -> None:
    records = 30 * RECORDS  # The rows take more space on disk than the limit.
    await feed(log, records)
    await workers.start("a", file_bytes_max=32_000)
    process = workers.running["a"]
    assert await asyncio.wait_for(process.wait(), DEADLINE_S) != 0, workers.logs()
    del workers.running["a"]
    said = (workers.directory / "a.log").read_text(errors="replace")
    assert "StoreFailedError" in said, workers.logs()
    assert "the table store at" in said
    assert "What it holds is in the log, too." in said
    await workers.start("a")
    await workers.until_committed(records)
    await assert_counted_exactly_once(log, records)
    assert await DeadLetters(log, "counting-dead-letters").all() == []
