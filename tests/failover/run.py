"""One fail-over under load: what was acknowledged and lost, how it was noticed, and whether everything counts once."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NamedTuple, cast

import httpx
from faust_redis.log import Log

from deploy.server.embedded import EmbeddedServer
from streams import topics
from streams.events import decode
from streams.events.trading import ReportFill, TradeExecuted
from streams.lineage import records
from streams.topics import NAMESPACE
from tests.e2e.drained import wait_until_drained
from tests.e2e.pipeline import Pipeline
from tests.e2e.waiting import eventually
from tests.failover.brokers import DOWN_AFTER_MS, Brokers, Fsync
from tests.failover.load import Load, Request, longest_gap, send_again
from tests.ports import free_port

FaultName = Literal["kill", "behind", "partition"]
"""``behind``: the primary is killed when its replica has been cut off from it for a second."""
LEASE_MS: Final = 5_000
WARM_UP_S: Final = 2.0
AFTER_S: Final = 1.0
PARTITION_S: Final = 8.0
BEHIND_S: Final = 1.0
PROMOTED_WITHIN_S: Final = 60.0
TOLD_WITHIN_S: Final = 10.0
VISIBLE_WITHIN_S: Final = 90.0
DRAINED_WITHIN_S: Final = 120.0
NOTICED: Final = re.compile(r"acknowledged|rolled back|earlier state|lost", re.IGNORECASE)

Say = Callable[[str], None]


class Case(NamedTuple):
    """One cell of the matrix."""

    min_replicas: int
    fsync: Fsync
    fault: FaultName
    down_after_ms: int = DOWN_AFTER_MS


@dataclass(frozen=True, slots=True)
class Result:
    """What a fail-over did.

    Attributes:
        acknowledged: Events that clients had an answer for.
        lost: Those of them that the log does not have after the fail-over.
        told: Those that the API reported as lost, by its metric.
        promoted_s: From the fault to the promotion.
        refused_s: The longest time without an accepted request.
        unseen_s: The longest time without a visible effect.
        failures: What should hold and does not.
    """

    case: Case
    acknowledged: int
    lost: int
    told: int
    promoted_s: float
    refused_s: float
    unseen_s: float
    failures: tuple[str, ...]


class Replicated(Pipeline):
    """The pipeline on a replicated broker."""

    def __init__(self, directory: Path, brokers: Brokers, workers: int) -> None:
        super().__init__(directory, workers=workers, lease_ms=LEASE_MS)
        self.server = cast("EmbeddedServer", brokers)  # what the pipeline uses of it, it has
        self.directory.mkdir(parents=True)
        self.metrics_port = free_port()

    def environment(self, **settings: str) -> dict[str, str]:
        """Return a child's environment, without limits and with a known port for metrics."""
        ours = {
            "ASTRA_METRICS_PORT": str(self.metrics_port),
            "ASTRA_RATE_LIMIT_FACTOR": "10000",
            "ASTRA_BEHIND_MAX_S": "0",
        }
        return super().environment(**{**ours, **settings})

    def lost_by_metric(self) -> int:
        """Return how many acknowledged events the API says are lost."""
        text = httpx.get(f"http://127.0.0.1:{self.metrics_port}/metrics").text
        found = re.search(r"^astra_api_acknowledged_lost_total (\S+)", text, re.MULTILINE)
        return int(float(found[1])) if found else 0


def run(case: Case, directory: Path, say: Say, *, workers: int = 2, returns: bool = True) -> Result:
    """Let a primary fail under load; see that a replica takes over and that the rows follow from the log.

    Args:
        case: The configuration and the fault.
        directory: Where files are.
        say: Prints a line.
        workers: Worker processes.
        returns: Whether a killed primary comes back, as a replica.
    """
    brokers = Brokers(
        directory / "brokers", min_replicas=case.min_replicas, fsync=case.fsync, down_after_ms=case.down_after_ms
    )
    with Replicated(directory, brokers, workers) as pipeline:
        with Load(pipeline) as load:
            time.sleep(WARM_UP_S)
            began, old = time.monotonic(), brokers.primary()
            promoted_s = fail(case, brokers, old, returns=returns)
            again = time.monotonic()
            eventually(lambda: load.visible_s[-1] > again, within_s=VISIBLE_WITHIN_S, what="effects are visible again")
            time.sleep(AFTER_S)
        say(f"{case}: promoted after {promoted_s:.1f} s, {len(load.accepted)} requests accepted")
        wait_until_drained(pipeline, commands=1, within_s=DRAINED_WITHIN_S)
        lost = asyncio.run(_missing(brokers.url, load.accepted))
        count = sum(len(request.events) for request in lost)
        eventually(lambda: pipeline.lost_by_metric() >= count, within_s=TOLD_WITHIN_S, what="the API reports the loss")
        told = pipeline.lost_by_metric()
        for line in sorted(_warnings(pipeline)):
            say(line)
        send_again(pipeline, lost)
        wait_until_drained(pipeline, commands=1, within_s=DRAINED_WITHIN_S)
        failures = asyncio.run(_check(brokers.url, load.accepted))
        failures += [line for line in [pipeline.run("upgrade", "--check").splitlines()[-1]] if ": 0 rows" not in line]
        return Result(
            case,
            sum(len(request.events) for request in load.accepted),
            count,
            told,
            promoted_s,
            longest_gap([request.accepted_s for request in load.accepted], began),
            longest_gap(load.visible_s, began),
            tuple(failures),
        )


def _warnings(pipeline: Pipeline) -> set[str]:
    """Return what the processes logged about the fail-over, each kind of line once."""
    lines = (line for child in pipeline.children for line in child.output().splitlines() if NOTICED.search(line))
    return {re.sub(r"\d+|[0-9a-f]{8,}", "N", re.sub(r"^\S+ \S+ ", "", line))[:160] for line in lines}


def fail(case: Case, brokers: Brokers, old: int, *, returns: bool) -> float:
    """Make the primary fail, and come back as a replica; return the seconds until another one was promoted."""
    if case.fault != "partition":
        [replica] = {*brokers.ports} - {old}
        if case.fault == "behind":
            brokers.cut_off(replica, old)
            time.sleep(BEHIND_S)
        brokers.kill(old)
        brokers.resume(replica)
        promoted_s = brokers.wait_for_another(old, PROMOTED_WITHIN_S)
        if not returns:
            return promoted_s
        brokers.start_server(old)
    else:
        began = time.monotonic()
        brokers.pause(old)
        promoted_s = brokers.wait_for_another(old, PROMOTED_WITHIN_S)
        time.sleep(max(0.0, PARTITION_S - (time.monotonic() - began)))
        brokers.resume(old)
    brokers.wait_for_replica(old, PROMOTED_WITHIN_S)
    return promoted_s


async def _ids(log: Log, topic: str) -> Counter[str]:
    found: Counter[str] = Counter()
    async for _, _, value in records(log, [topic], lambda _: None):
        event = decode(value)
        if isinstance(event.data, ReportFill):
            found[event.id] += 1
        elif isinstance(event.data, TradeExecuted):
            found[event.causationid or ""] += 1
    return found


async def _missing(url: str, accepted: list[Request]) -> list[Request]:
    """Return the accepted requests with an event that the log does not have."""
    async with Log(url, NAMESPACE) as log:
        kept = await _ids(log, topics.TRADING_COMMANDS)
    return [request for request in accepted if any(event not in kept for event in request.events)]


async def _check(url: str, accepted: list[Request]) -> list[str]:
    """Return what does not hold: each accepted fill is in the log, and it was executed once."""
    async with Log(url, NAMESPACE) as log:
        commands, executed = await _ids(log, topics.TRADING_COMMANDS), await _ids(log, topics.TRADING_EVENTS)
    events = [event for request in accepted for event in request.events]
    missing = [event for event in events if event not in commands]
    twice = [event for event, count in executed.items() if count != 1]
    never = [event for event in commands if event not in executed]
    failures = [(missing, "are in no log"), (twice, "were executed more than once"), (never, "were not executed")]
    return [f"{len(found)} events {what}: {found[:3]}" for found, what in failures if found]
