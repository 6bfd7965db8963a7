"""A community whose topics get more partitions while it lives, on the cluster of the rules' tests."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any, Final

from faust_redis.resizing import Split

from streams.events.financial import ReportDeposit, Withdraw, deposit_key
from streams.events.user import SponsorCall, VerificationChanged
from tables.domains import TOPOLOGY
from tables.resizing.moving import divided
from tables.resizing.rules import RawRows
from tests.community.behaviour.life import Life, Plan
from tests.community.chain_facts import ChainFacts
from tests.community.cluster_life import ClusterBackend
from tests.community.cluster_run import CLASSES
from tests.community.oracle import Community
from tests.community.rulebook import rulebook
from tests.unit.agents.cluster import Cluster, Worker

PARTITIONS: Final = 4
Tables = Mapping[str, Mapping[int, RawRows]]
"""The rows of all tables, by table and partition."""

AFTER: Final = "2026-01-05T12:00:00Z"
"""When the small community's life is over."""


def tables_of(cluster: Cluster) -> Tables:
    """Return the rows of all tables of the cluster's domains, as they are stored."""
    return {
        spec.name: {
            partition: {key.decode(): raw for key, raw in workers[name].maps[spec.name].items()}
            for partition, workers in enumerate(cluster.workers)
        }
        for name in cluster.workers[0]
        for spec in TOPOLOGY.domain(name).tables
    }


def resized(tables: Tables, split: Split) -> dict[str, dict[int, dict[str, bytes]]]:
    """Return the rows of all tables in `new` partitions, from those in `old` ones.

    Raises:
        NotReadyError: the rows cannot be divided now.
        MisplacedError: a row is not in the partition of its owner.
    """
    after: dict[str, dict[int, dict[str, bytes]]] = defaultdict(lambda: {one: {} for one in range(split.new)})
    for parent in range(split.old):
        rows = {table: parts.get(parent, {}) for table, parts in tables.items()}
        for partition, found in divided(rows, split, parent).items():
            for table, some in found.items():
                after[table][partition] = some
    return after


def resize(cluster: Cluster, partitions: int) -> None:
    """Give a cluster that is at rest more partitions, with new workers. Events stay in the logs where they are."""
    assert not cluster.step(), "an event is in flight"
    after = resized(tables_of(cluster), Split(cluster.partitions, partitions))
    cluster.logs += [[] for _ in range(cluster.partitions, partitions)]
    cluster.partitions = partitions
    names = list(cluster.workers[0])
    cluster.workers = [
        {name: Worker(name, cluster.rulebook, at_least_once=False) for name in names} for _ in range(partitions)
    ]
    for partition, workers in enumerate(cluster.workers):
        for name, worker in workers.items():
            worker.position = len(cluster.logs[partition])
            for spec in TOPOLOGY.domain(name).tables:
                rows = after[spec.name][partition].items()
                worker.maps[spec.name].update((key.encode(), raw) for key, raw in rows)


@dataclass(slots=True)
class Resized:
    """A backend whose cluster gets more partitions at the end of some days.

    Attributes:
        numbers: The new number of partitions by day, from 0 on.
        lengths: How long the journal was then, by the new number.
        befores: The rows before each division.
    """

    backend: ClusterBackend
    numbers: Mapping[int, int]
    lengths: dict[int, int] = field(default_factory=dict)
    befores: list[Tables] = field(default_factory=list)

    def told(self, day: int, _: int) -> None:
        """Resize at the end of a day."""
        if day in self.numbers:
            self.lengths[self.numbers[day]] = len(self.backend.journal)
            self.befores.append(tables_of(self.backend.cluster))
            resize(self.backend.cluster, self.numbers[day])

    def oracle(self) -> Community:
        """Return the oracle's community after the same journal, divided at the same entries."""
        community, begin = Community(PARTITIONS), 0
        for partitions, length in self.lengths.items():
            community.apply_all(self.backend.journal[begin:length])
            community.divide(partitions)
            begin = length
        community.apply_all(self.backend.journal[begin:])
        return community


def live_resized(plan: Plan, numbers: Mapping[int, int]) -> Resized:
    """Let a community live on a cluster that gets more partitions at the end of some days."""
    run = Resized(ClusterBackend(PARTITIONS, plan.seed, Random(plan.seed)), numbers)
    asyncio.run(Life(plan, run.backend, run.told).live())
    return run


class Watched(Cluster):
    """A cluster that keeps its rows as they are whenever a table has some for the first time.

    Attributes:
        middles: The rows of these moments.
    """

    def __init__(self, random: Random) -> None:
        super().__init__(PARTITIONS, rulebook(), random=random)
        self.middles: list[Tables] = []
        self._unseen = {spec.name: spec.domain for spec in TOPOLOGY.tables}

    def step(self) -> bool:
        """Let one domain handle its next records in one partition. Return whether there were any."""
        any_left = super().step()
        new = [
            name for name, domain in self._unseen.items() if any(workers[domain].maps[name] for workers in self.workers)
        ]
        if new:
            self.middles.append(tables_of(self))
        for name in new:
            del self._unseen[name]
        return any_left


@cache
def middles() -> list[Tables]:
    """Return the rows of a small community at many moments, events in flight or not; the last one is at its end."""
    plan = Plan(users=14, days=9, seed=3, activity=0.4)
    backend = ClusterBackend(PARTITIONS, plan.seed)
    backend.cluster = cluster = Watched(Random(plan.seed))
    asyncio.run(Life(plan, backend, lambda _day, _people: None).live())
    _rare(cluster)
    return [*cluster.middles, tables_of(cluster)]


def _rare(cluster: Cluster) -> None:
    """Let happen what people of a small community do not do: large withdrawals, sponsored calls, settled fees."""
    for user in ("ada", "bob", "carol", "dave"):
        deposit: dict[str, Any] = {"user_id": user, "asset": "USD", "amount": "20000", "provider": "bank"}
        money = ReportDeposit.of({**deposit, "reference": f"large-{user}"})
        cluster.send(money, deposit_key(money.provider, money.reference), AFTER)
        cluster.send(VerificationChanged(user_id=user, tier="identity", before="unverified"), user, AFTER)
        large = {"withdrawal_id": f"w-{user}", "asset": "USD", "amount": "20000", "destination": "bank:account-1"}
        cluster.send(Withdraw.of(large), user, AFTER)
        call = SponsorCall(
            call_id=f"c-{user}", account="0x1", nonce="0x1", execute_after=0, execute_before=1, calls=(), signature=()
        )
        cluster.send(call, user, AFTER)
    facts = ChainFacts(Random(1))
    for name, data in [facts.next() for _ in range(20)]:
        fact = CLASSES[name].of(data)
        cluster.send(fact, data["contract"], AFTER)
