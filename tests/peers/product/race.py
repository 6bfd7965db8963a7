"""One run of one contestant: its server, the fills, its process and its report; then its results against the oracle."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from deploy.replay.fills import Fill
from tests.bench.resource_usage import Spent, peak_mib
from tests.e2e.facts import Facts
from tests.peers import brokers
from tests.peers.apps.job import Job as AppJob
from tests.peers.product import kafka_events, ours
from tests.peers.product.contestants import KAFKAS, OURS, Contestant, Job
from tests.peers.product.fills import Span, for_the_oracle, made, records
from tests.peers.product.raced import Raced, kept
from tests.peers.product.results import complaint, expected, facts_of
from tests.peers.race import SLOWER_THAN_EXPECTED, START_S, WARM_UP_SHARE, RaceError, run_app
from tests.support import postgres


@dataclass(frozen=True)
class Load:
    """A job on the fills of a round, the first of which warm up, and the results that they must have."""

    job: Job
    fills: list[Fill]
    warm_up: int
    wanted: Facts = field(repr=False)

    @classmethod
    def made(cls, job: Job, span: Span, count: int, seed: int) -> Load:
        """Return a load of so many measured fills, and a tenth as many before them."""
        warm_up = max(1, count // WARM_UP_SHARE)
        return cls.of(job, made(span, warm_up + count, seed), warm_up)

    @classmethod
    def of(cls, job: Job, fills: list[Fill], warm_up: int) -> Load:
        """Return a load of some fills."""
        return cls(job, fills, warm_up, expected(map(for_the_oracle, fills), job))


@dataclass(frozen=True)
class Place:
    """A running server: the address for its client, its pid (0 for none), and the directory of its data."""

    address: str
    pid: int
    data: Path


def race(who: Contestant, python: Path, load: Load) -> Raced:
    """Run a contestant once.

    Raises:
        RaceError: when it does not finish, or its results are not the oracle's.
    """
    if who == OURS:
        raced, found = ours.run(load.fills, load.warm_up, load.wanted, load.job)
    else:
        raced, found = _run_peer(who, python, load)
    if differs := complaint(load.wanted, found):
        raise RaceError(f"{who.name}: {differs}")
    if not raced.spent.events:
        raise RaceError(f"{who.name} took all fills at once, more than the warm-up of {load.warm_up}; race more fills")
    return raced


def _run_peer(who: Contestant, python: Path, load: Load) -> tuple[Raced, Facts]:
    with tempfile.TemporaryDirectory() as text:
        directory = Path(text)
        with _server(who, python, directory) as place:
            size = kept(who.server, place.address, place.pid, place.data)
            before = size() if size else 0
            topic = _fill(who, place.address, directory, load.fills)
            job = AppJob(
                broker=place.address,
                topic=topic,
                group=f"{topic}-group",
                option=who.option,
                warm_up=load.warm_up,
                events=len(load.fills) - load.warm_up,
                broker_pid=place.pid,
                directory=str(directory / "state"),
                out=str(directory / "report"),
            )
            Path(job.directory).mkdir()
            within_s = START_S + SLOWER_THAN_EXPECTED * job.total / who.pace
            module = f"tests.peers.product.apps.{who.module(load.job)}"
            report = run_app(who.name, module, python, job, within_s=within_s)
            results = report.pop("results")
            if who.server in KAFKAS:
                results["events"] = kafka_events.events(place.address, job.output)
            spent = Spent(broker_mib=peak_mib(place.pid) if place.pid else 0.0, **report)
            return Raced(spent, (size() - before) / job.total if size else None), facts_of(results)


@contextmanager
def _server(who: Contestant, python: Path, directory: Path) -> Iterator[Place]:
    match who.server:
        case "postgres":
            with postgres.server(python) as server:
                yield Place(server.conninfo, server.pid, server.data / "base")
        case "tansu" | "noida" | "redis":
            with brokers.broker(who.server, None, directory) as (address, pid):
                yield Place(address, pid, directory)
        case _:
            yield Place("", 0, directory)


def _fill(who: Contestant, address: str, directory: Path, fills: list[Fill]) -> str:
    """Put the fills where the contestant takes them: a topic's name, or the path of a file."""
    match who.server:
        case "tansu" | "noida" | "redis":
            topic = f"product-{secrets.token_hex(4)}"
            brokers.fill(who.server, address, topic, f"{topic}-group", records(topic, brokers.PARTITIONS, fills))
            return topic
        case _:
            path = directory / "fills.jsonl"
            path.write_bytes(b"\n".join(map(orjson.dumps, fills)))
            return str(path)
