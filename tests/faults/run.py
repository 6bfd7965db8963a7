"""One run: play the script against the pipeline until all faults have ceased, then compare everything."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
from faust_redis.log import Shard, TopicPartition
from faust_redis.log.codec import topic_partition
from faust_redis.log.keys import Keys
from faust_redis.log.sharded import open_log
from redis.backoff import NoBackoff
from redis.retry import Retry

from deploy.replay.fills import read_fills
from streams import topics
from streams.topics import NAMESPACE
from tables.domains import TOPOLOGY
from tests.bench.group_progress import APP_ID
from tests.bench.synthetic import write_fills
from tests.e2e.children import Child
from tests.e2e.drained import wait_until_drained
from tests.e2e.facts import Facts, assert_equal, expected
from tests.e2e.pipeline import Pipeline
from tests.e2e.served import served
from tests.faults.actions import Action, act
from tests.faults.checks import findings
from tests.faults.cluster import Cluster
from tests.faults.local import local_rows_differ
from tests.faults.model import Model, model_of
from tests.faults.plan import API, SERVER, Fault, plan
from tests.oracle.fills import read_fills as read_for_oracle
from tests.oracle.fold import fold

PARTITIONS = 4
PARTITIONS_OF_SHARDS = 6
TICK_S = 0.02
QUIET_S = 60.0
"""How long nothing may be committed while something is left to do: longer than any fault, on a busy machine."""

DRAIN_S = 90.0
BROKER_LOOK_S = 0.3
PAGE_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of a run. With `minutes`, moments are shares of that time, and fills come at `rate` a second."""

    fills: int = 1_500
    users: int = 40
    faults: int = 10
    batch: int = 10
    minutes: float | None = None
    rate: float | None = None
    shards: int = 1

    @property
    def partitions(self) -> int:
        """Return how many partitions the topics have."""
        return PARTITIONS if self.shards == 1 else PARTITIONS_OF_SHARDS

    @classmethod
    def long(cls, minutes: float, shards: int, *, rate: float = 40.0, faults_a_minute: float = 8.0) -> "Shape":
        """Return the shape of a long run, with fills and faults until its minutes are over."""
        fills, faults = int(minutes * 60 * rate), int(minutes * faults_a_minute)
        return cls(fills=fills, users=60, faults=faults, minutes=minutes, rate=rate, shards=shards)


@dataclass(slots=True)
class Story:
    """The events of a run, each with the second at which it happened."""

    on_line: Callable[[str], None] = lambda _: None
    lines: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def say(self, text: str) -> None:
        line = f"{time.monotonic() - self.began:7.2f} s  {text}"
        self.lines.append(line)
        self.on_line(line)


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of records that the ingress has posted, of commands committed, and of everything committed."""

    posted: int = 0
    commands: int = 0
    everything: int = 0


class Watch:
    """The progress, read at the broker itself; it does not move while the broker is away."""

    def __init__(self, urls: Sequence[str]) -> None:
        shards = [Shard(number, len(urls)) for number in range(len(urls))]
        self._shards = [
            (
                redis.Redis.from_url(url, socket_timeout=BROKER_LOOK_S, retry=Retry(NoBackoff(), 0), protocol=2),
                Keys(shard.namespace(NAMESPACE)),
            )
            for url, shard in zip(urls, shards, strict=True)
        ]
        self._last = Progress()

    def look(self) -> Progress:
        posted: list[Any] = []
        committed: list[dict[TopicPartition, int]] = []
        try:
            for client, keys in self._shards:
                ends: Any = client.hvals(keys.ends(topics.TRADING_COMMANDS))
                posted += ends
                committed += [_committed(client, keys, group) for group in TOPOLOGY.groups(APP_ID).values()]
        except redis.RedisError:
            return self._last
        offsets = [(tp, offset) for group in committed for tp, offset in group.items()]
        commands = sum(offset for tp, offset in offsets if tp.topic == topics.TRADING_COMMANDS)
        self._last = Progress(sum(map(int, posted)), commands, sum(offset for _, offset in offsets))
        return self._last


def _committed(client: redis.Redis, keys: Keys, group: str) -> dict[TopicPartition, int]:
    committed: Any = client.hgetall(keys.offsets(group))
    return {topic_partition(name): int(offset) for name, offset in committed.items()}


class Run:
    """The main loop of a run."""

    def __init__(self, seed: int, shape: Shape, cluster: Cluster, story: Story) -> None:
        self.shape = shape
        self.cluster = cluster
        self.story = story
        self.due = list(plan(seed, shape.faults, shape.shards))
        self.acts: list[Action] = []
        self._chance = random.Random(f"acts {seed}")
        self._watch = Watch([server.url for server in cluster.pipeline.servers])
        self._began = self._moved = time.monotonic()
        self._progress = Progress()

    def go(self, replay: Child) -> None:
        """Run until the replay has ended, the script is through and every fault has ceased.

        Raises:
            AssertionError: a process ended that should live, the replay failed, or nothing moves any more.
        """
        while self.due or self.acts or replay.exit_code is None:
            self.cluster.check()
            assert replay.exit_code in {None, 0}, replay.last_words()
            self._look()
            while self.due and self._share(self.due[0]) >= self.due[0].at:
                self.acts.append(act(self.cluster, self.due.pop(0), self._chance))
            self.acts = [one for one in self.acts if next(one, self) is not self]
            time.sleep(TICK_S)

    def _look(self) -> None:
        progress = self._watch.look()
        if progress != self._progress:
            self._progress, self._moved = progress, time.monotonic()
        quiet = time.monotonic() - self._moved
        assert quiet < QUIET_S, f"nothing moved for {QUIET_S:.0f} s at {progress}; left to do: {self.due}, {self.acts}"

    def _share(self, fault: Fault) -> float:
        """Return the finished share of the run, in the measure of a fault."""
        if self.shape.minutes is not None:
            return (time.monotonic() - self._began) / (60 * self.shape.minutes)
        return (self._progress.posted if fault.by_posted else self._progress.commands) / self.shape.fills


@dataclass(slots=True)
class Outcome:
    """The result of a run: its failure (None when it held), its duration, its faults by kind and victim."""

    seed: int
    failure: str | None
    seconds: float
    faults: Counter[str]
    story: list[str]


def play(seed: int, shape: Shape, directory: Path, on_line: Callable[[str], None] = lambda _: None) -> Outcome:
    """Play a seed in a directory, which keeps all logs, data and the story."""
    story = Story(on_line)
    failure = None
    try:
        _play(seed, shape, directory, story)
    except Exception as exc:
        failure = "\n".join([f"{type(exc).__name__}: {exc}", *getattr(exc, "__notes__", [])])
    story.say(failure.splitlines()[0] if failure else "held")
    (directory / "story.txt").write_text("\n".join([*story.lines, failure or ""]), "utf-8")
    faults = Counter(f"{fault.kind} {_victim(fault)}" for fault in plan(seed, shape.faults, shape.shards))
    return Outcome(seed, failure, time.monotonic() - story.began, faults, story.lines)


def _victim(fault: Fault) -> str:
    return "server" if fault.victim.startswith(SERVER) else fault.victim if fault.victim == API else "worker"


def _play(seed: int, shape: Shape, directory: Path, story: Story) -> None:
    file = write_fills(directory / "fills.csv", fills=shape.fills, users=shape.users, seed=seed)
    right, model = expected(fold(read_for_oracle(file))), model_of(read_fills(file).fills, shape.partitions)
    with (
        Pipeline(
            directory, workers=0, api=False, partitions=shape.partitions, keep=True, shards=shape.shards
        ) as pipeline,
        Cluster(pipeline, story.say) as cluster,
    ):
        story.say("ready")
        Run(seed, shape, cluster, story).go(start_replay(pipeline, file, shape))
        story.say("all faults have ceased, the replay has ended")
        pipeline.wait_until_ready()
        wait_until_drained(pipeline, commands=shape.fills, within_s=DRAIN_S)
        story.say("all is committed")
        compare(pipeline, right, model)
        cluster.check()
        story.say("all is equal")
        cluster.kill_workers()
        found = asyncio.run(_local_findings(pipeline))
        assert not found, f"{len(found)} findings on workers' disks:\n" + "\n".join(found)


def start_replay(pipeline: Pipeline, file: Path, shape: Shape) -> Child:
    pace = [] if shape.rate is None else ["--rate", str(shape.rate)]
    return pipeline.start("replay", "replay", str(file), "--batch", str(shape.batch), *pace)


def compare(pipeline: Pipeline, right: Facts, model: Model) -> None:
    """Compare the log with the model, and the API's answers with the oracle."""
    found = asyncio.run(_findings(pipeline.broker_url, model))
    assert not found, f"{len(found)} findings in the log:\n" + "\n".join(found)
    assert_equal(right, served(pipeline.client("admin", "auditor"), right, page_rows=PAGE_ROWS))


async def _local_findings(pipeline: Pipeline) -> list[str]:
    async with open_log(pipeline.broker_url, NAMESPACE) as log:
        return await local_rows_differ(log, pipeline.directory / "workers")


async def _findings(url: str, model: Model) -> list[str]:
    async with open_log(url, NAMESPACE) as log:
        return await findings(log, model)
