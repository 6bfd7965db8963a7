"""Archive under load with a short hot span: the broker's memory stays flat, and nothing is lost.

    python -m tests.archive.soak [--minutes 30] [--rate 100] [--hot 30] [--kept 60]

A broker, a worker for all domains and an archiver run as processes. Fills are appended at a rate, at simulated times:
100 fills are some 11 hours. Old rows leave after so many simulated days. The archiver is killed once a minute, in turn
with a stop of some seconds. At the end all files are compared, a reader from the first offset sees every record once,
and a replay of the log, most of it from the archive, gives the rows of the worker.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from faust_redis.archive import TieredLog
from faust_redis.archive.archiver import Archiver
from faust_redis.archive.storage import Storage
from faust_redis.archive.verify import verify
from faust_redis.log import Log, TopicPartition

from agents.rulebook import packaged_text
from deploy.bench.installation import Installation
from deploy.bench.load import START, Load
from deploy.server import process
from streams.times import DAY_US
from streams.topology import changelog_topic
from tables.domains import TOPOLOGY
from tables.gamification import GAMIFICATION_BOARDS, GAMIFICATION_DAYS, GAMIFICATION_TRADES
from tables.trading import TRADING_TRADES

EVERY_S: Final = 10.0
USERS: Final = 200
PARTITIONS: Final = 4
KILL_EVERY_S: Final = 60.0
STOPPED_S: Final = 8.0
GROWTH_MAX: Final = 1.25
"""Memory of events in the last third, as a multiple of that in the second one: the first fills the hot span."""
MIB: Final = 1 << 20
ROWS_GROWTH_MAX: Final = 1.25
"""Memory of rows that leave, and of their rankings, likewise. The first third must last longer than rows are kept."""
LEAVING: Final = (TRADING_TRADES, GAMIFICATION_TRADES, GAMIFICATION_BOARDS, GAMIFICATION_DAYS)
KEYS_AT_ONCE: Final = 1_000
FILLS_A_TICK: Final = 20
LINE: Final = "{:>6} {:>9} {:>6} {:>9} {:>10} {:>10} {:>9} {:>9} {:>9} {:>9} {:>7}"
HEAD: Final = (
    "s",
    "fills",
    "days",
    "hot MiB",
    "rows MiB",
    "else MiB",
    "archive",
    "files",
    "waiting",
    "RSS MiB",
    "kills",
)


@dataclass(frozen=True, slots=True)
class Sample:
    """What one look saw, in bytes and records."""

    at_s: float
    fills: int
    days: int
    hot: int
    rows: int
    other: int
    archived: int
    files: int
    waiting: int
    rss: int
    kills: int

    def line(self) -> str:
        """Return it for the table."""
        sizes = [f"{size / MIB:.1f}" for size in (self.hot, self.rows, self.other, self.archived)]
        return LINE.format(
            f"{self.at_s:.0f}",
            self.fills,
            self.days,
            *sizes,
            self.files,
            self.waiting,
            f"{self.rss / MIB:.0f}",
            self.kills,
        )


def environment(installation: Installation) -> dict[str, str]:
    """Return the variables of a process of the installation."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ASTRA_")}
    return inherited | installation.settings.environment()


class ArchiverProcess:
    """The archiver, started again when it was killed."""

    def __init__(self, installation: Installation, directory: Path) -> None:
        self._environment = environment(installation)
        self._output = directory / "archive.log"
        self.kills = 0
        self._start()

    def _start(self) -> None:
        argv = [sys.executable, "-P", "-m", "deploy.cli.main", "archive"]
        with self._output.open("ab") as output:
            self.child = process.spawn(argv, env=self._environment, output=output)

    async def disturb(self) -> None:
        """Kill it, or stop it for some seconds, in turn; start it again."""
        for number in itertools.count():
            await asyncio.sleep(KILL_EVERY_S)
            if number % 2:
                os.kill(self.child.pid, signal.SIGSTOP)
                await asyncio.sleep(STOPPED_S)
                os.kill(self.child.pid, signal.SIGCONT)
                continue
            process.kill(self.child)
            self.kills += 1
            self._start()

    def rss(self) -> int:
        """Return its resident memory in bytes."""
        pages = int(Path(f"/proc/{self.child.pid}/statm").read_text("utf-8").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def stop(self) -> None:
        """End it."""
        process.stop(self.child, 10.0)


class Soak:
    """One run."""

    def __init__(self, installation: Installation, archiver: ArchiverProcess, rate: float) -> None:
        self._installation = installation
        self._archiver = archiver
        self._rate = rate
        self._load = Load(1, PARTITIONS)
        self.fills = 0

    async def run(self, seconds: float) -> list[Sample]:
        """Append fills at the rate; return what was seen meanwhile."""
        samples: list[Sample] = []
        async with self._installation.log() as log:
            for _ in range(USERS):
                for record in self._load.user():
                    await log.append([record])
            filling = asyncio.create_task(self._fill(log))
            disturbing = asyncio.create_task(self._archiver.disturb())
            begun = time.monotonic()
            print(LINE.format(*HEAD), flush=True)
            while (passed := time.monotonic() - begun) < seconds:
                await asyncio.sleep(EVERY_S)
                samples.append(await self._look(log, passed + EVERY_S))
                print(samples[-1].line(), flush=True)
                for task in (filling, disturbing):
                    if task.done():
                        task.result()
            for task in (filling, disturbing):
                task.cancel()
            await asyncio.gather(filling, disturbing, return_exceptions=True)
            await self._installation.wait_until_quiet(log)
        return samples

    async def _fill(self, log: Log) -> None:
        make, begun = self._load.maker("fill"), time.monotonic()
        for number in itertools.count():
            await asyncio.sleep(max(0.0, begun + number / self._rate - time.monotonic()))
            ticks = self._load.tick() if number % FILLS_A_TICK == 0 else []
            for record in (*make(), *ticks):
                await log.append([record])
            self.fills += 1

    async def _look(self, log: Log, at_s: float) -> Sample:
        hot = 0
        for topic in await log.topics():
            for partition in range((await log.topic(topic)).spec.partitions):
                hot += int(await log.redis.memory_usage(log.keys.stream(topic, partition), samples=0) or 0)
        used = int((await log.redis.info("memory"))["used_memory_dataset"])
        archive = Archiver(log, Storage(str(self._installation.settings.archive_url)))
        backlogs = [one for info in await archive.topics() for one in (await archive.backlogs(info)).values()]
        manifests = [one.archived for one in backlogs if one.archived is not None]
        return Sample(
            at_s,
            self.fills,
            (self._load.now - START) // DAY_US,
            hot,
            (rows := await _rows_that_leave(log, self._installation.settings.app_id)),
            used - hot - rows,
            sum(one.size for one in manifests),
            sum(len(one.segments) for one in manifests),
            sum(one.size for one in backlogs),
            self._archiver.rss(),
            self._archiver.kills,
        )

    async def faults(self) -> list[str]:
        """Return what is wrong with the archive, and with what a reader from the first offset sees."""
        settings = self._installation.settings
        place = str(settings.archive_url)
        found: list[str] = []
        async with self._installation.log() as log:
            archive = Archiver(log, Storage(place))
            for info in await archive.topics():
                async for one in verify(archive, info):
                    found += [f"{one.tp}: {fault}" for fault in one.faults]
        async with TieredLog(log.url, settings.namespace, archive=place, compacted=True) as both:
            for topic in [*TOPOLOGY.topics, *[name for name in await both.topics() if name.endswith("-changelog")]]:
                for partition, end in (await both.end_offsets(topic)).items():
                    if (read := await _read(both, TopicPartition(topic, partition))) != end:
                        found.append(f"{topic}:{partition} has {read} records from the first offset on, not {end}")
        return found


async def _read(log: Log, tp: TopicPartition) -> int:
    """Return how many consecutive records a reader from the first offset sees."""
    offset = 0
    while records := (await log.fetch({tp: offset}, count=2_000)).get(tp):
        if [one.offset for one in records] != list(range(offset, offset + len(records))):
            break
        offset += len(records)
    return offset


async def _rows_that_leave(log: Log, app_id: str) -> int:
    """Return the bytes of the snapshots and rankings of the tables whose old rows leave."""
    keys: list[bytes] = []
    for table in LEAVING:
        for kind in ("snap", "rank"):
            match = f"{log.keys.prefix}{kind}:{changelog_topic(app_id, table.name)}:*"
            keys += [key async for key in log.redis.scan_iter(match=match, count=KEYS_AT_ONCE)]
    size = 0
    for first in range(0, len(keys), KEYS_AT_ONCE):
        asked = log.redis.pipeline(transaction=False)
        for key in keys[first : first + KEYS_AT_ONCE]:
            asked.memory_usage(key, samples=0)
        size += sum(one or 0 for one in await asked.execute())
    return size


def differs(installation: Installation) -> list[str]:
    """Replay the whole log, and return what differs from the rows of the worker."""
    argv = [sys.executable, "-P", "-m", "deploy.cli.main", "upgrade", "--check"]
    done = subprocess.run(argv, env=environment(installation), capture_output=True, text=True, check=False)
    return [] if done.returncode == 0 else [f"the replay ended with {done.returncode}: {done.stdout}{done.stderr}"]


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    arguments = argparse.ArgumentParser(prog="python -m tests.archive.soak", description=__doc__.partition("\n")[0])
    arguments.add_argument("--minutes", type=float, default=30.0)
    arguments.add_argument("--rate", type=float, default=100.0, help="fills a second")
    arguments.add_argument("--hot", type=float, default=30.0, help="seconds that the broker keeps records")
    arguments.add_argument("--kept", type=int, default=60, help="simulated days that rows are kept")
    return arguments


def with_kept(days: int) -> str:
    """Return the packaged rule book with another number of days that rows are kept."""
    text, count = re.subn(r"(?m)^kept_days = \d+$", f"kept_days = {days}", packaged_text())
    assert count == 1, "the rule book says once how long rows are kept"
    return text


def main(arguments: argparse.Namespace) -> int:
    """Run; return 0 when memory was flat and nothing was lost."""
    with tempfile.TemporaryDirectory(prefix="astratrade-soak-") as name:
        directory, hot_ms = Path(name), int(arguments.hot * 1000)
        rulebook = directory / "rulebook.toml"
        rulebook.write_text(with_kept(arguments.kept), "utf-8")
        own = {
            "rulebook": rulebook,
            "retention_ms": hot_ms,
            "tail_ms": hot_ms,
            "clock_retention_ms": hot_ms,
            "archive": str(directory / "archive"),
            "archive_interval_s": max(1, int(arguments.hot / 3)),
            "lease_ms": 5_000,
            "heartbeat_ms": 500,
        }
        with Installation(directory, partitions=PARTITIONS, **own) as installation:
            archiver = ArchiverProcess(installation, directory)
            try:
                soak = Soak(installation, archiver, arguments.rate)
                samples = asyncio.run(soak.run(60 * arguments.minutes))
                faults = asyncio.run(soak.faults()) + differs(installation)
            finally:
                archiver.stop()
    third = len(samples) // 3
    second, rest = samples[third : 2 * third], samples[2 * third :]
    last, grown = samples[-1], False
    for what, name, most in (("events and changes", "hot", GROWTH_MAX), ("rows that leave", "rows", ROWS_GROWTH_MAX)):
        before, after = (statistics.mean(getattr(one, name) for one in some) for some in (second, rest))
        print(f"{what} on the broker: {before / MIB:.1f} MiB in the second third, {after / MIB:.1f} in the last")
        grown |= after > most * before
    print(f"{last.archived / max(1, last.fills):.0f} bytes a fill in {last.files} files, {last.kills} kills")
    for fault in faults:
        print(fault)
    return int(bool(faults) or grown)


if __name__ == "__main__":
    sys.exit(main(parser().parse_args()))
