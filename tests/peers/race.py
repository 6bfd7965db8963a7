"""One run of one contestant: a broker, the topic, its process and its report; then check its count."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import tempfile
import time
from pathlib import Path
from typing import Any

from deploy.server import process
from tests.bench.drain import Job as OurJob
from tests.bench.drain import drain
from tests.bench.payload import counted
from tests.bench.resource_usage import Spent, peak_mib
from tests.peers import brokers
from tests.peers.apps.job import Job
from tests.peers.contestants import Contestant
from tests.source import PYTHON_PATH

OUR_STORE = "faust-redis-rocksdb://"
WARM_UP_SHARE = 10
START_S = 90.0
SLOWER_THAN_EXPECTED = 20
"""A run may take so many times what its pace lets expect."""

POLL_S = 0.05
STOP_S = 10.0
LOG_CHARS = 1_500


class RaceError(Exception):
    """A contestant did not finish, or counted wrong; the message says what."""


def race(contestant: Contestant, python: Path | None, *, events: int, seed: int, named: str | None) -> Spent:
    """Run a contestant once, after a warm-up on a tenth as many events.

    Args:
        contestant: The contestant.
        events: How many events to count.
        python: The interpreter of its environment; None for ours.
        named: ``host:port`` of a Kafka to use instead of the test brokers.

    Raises:
        RaceError: when it does not finish, or its final table does not match the events.
    """
    warm_up = max(1, events // WARM_UP_SHARE)
    if python is None:
        return drain(
            OurJob(kind="table", style=contestant.option, store=OUR_STORE, events=events, warm_up=warm_up), seed
        )
    topic = f"peers-{secrets.token_hex(4)}"
    group = f"{topic}-group"
    records = brokers.records(topic, warm_up + events, seed)
    with tempfile.TemporaryDirectory() as text:
        directory = Path(text)
        with brokers.broker(contestant.broker, named, directory) as (address, pid):
            brokers.fill(contestant.broker, address, topic, group, records)
            job = Job(
                broker=address,
                topic=topic,
                group=group,
                option=contestant.option,
                warm_up=warm_up,
                events=events,
                broker_pid=pid,
                directory=str(directory / "state"),
                out=str(directory / "report"),
            )
            Path(job.directory).mkdir()
            try:
                module = f"tests.peers.apps.{contestant.environment}_app"
                within_s = START_S + SLOWER_THAN_EXPECTED * job.events / contestant.pace
                report = run_app(contestant.name, module, python, job, within_s=within_s)
            finally:
                if named is not None and contestant.broker != "redis":
                    asyncio.run(brokers.forget(named, topic))
            broker_mib = peak_mib(pid) if pid else 0.0
    counts, wanted = report.pop("results"), counted(records)
    if counts != wanted:
        raise RaceError(f"{contestant.name} counted {sum(counts.values()):,} events, expected {wanted.total():,}")
    return Spent(broker_mib=broker_mib, **report)


def run_app(name: str, module: str, python: Path, job: Job, *, within_s: float) -> dict[str, Any]:
    """Run a contestant's app until it has written its report, then stop it; return the report.

    Raises:
        RaceError: when the app ends or the time is over before there is a report.
    """
    argv, log = [str(python), "-m", module, job.dumps()], Path(f"{job.out}.log")
    environment = {**os.environ, "PYTHONPATH": PYTHON_PATH, "PYTHONDONTWRITEBYTECODE": "1"}
    with log.open("wb") as output:
        child = process.spawn(argv, env=environment, output=output)
    try:
        deadline = time.monotonic() + within_s
        while not Path(job.out).exists():
            if child.poll() is not None or time.monotonic() > deadline:
                why = "it took too long" if child.poll() is None else f"it ended with {child.poll()}"
                words = log.read_text(errors="replace")[-LOG_CHARS:]
                raise RaceError(f"{name} did not finish, {why}:\n{words}")
            time.sleep(POLL_S)
        report: dict[str, Any] = json.loads(Path(job.out).read_text())
        return report
    finally:
        process.stop(child, STOP_S)
