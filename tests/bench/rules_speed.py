"""The domains alone, over dictionaries: rules, codec and rows of fills on one core, without driver, commit or store.

    python -m tests.bench.rules_speed [--profile]

Prints microseconds of CPU a fill by domain, and rows written a fill by table, at several batch sizes.
"""

import cProfile
import pstats
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from faust_redis.log.partitioner import partition_for

from agents.financial.domain import Financial
from agents.gamification.domain import Gamification
from agents.rulebook import packaged_rulebook
from agents.trading.domain import Trading
from agents.wiring import Together, handle_batch, partitioner
from deploy.replay.fills import Fill, read_fills
from deploy.run.gc_tuning import relax_collector
from streams.events import encode
from streams.events.recent import Recent
from streams.topics import GAMIFICATION_EVENTS, PARTITIONS_DEFAULT, TRADING_EVENTS
from tables.domains import TOPOLOGY
from tables.typed import OpenTable
from tests.bench.fill_load import in_one_hour, made_fills
from tests.e2e.files import full_file
from tests.faults.model import command_of

PARTITIONS = 4
BATCHES = (1, 50, 500)
MADE = 20_000


@dataclass
class Batch:
    """A batch of records of one partition that collects its sends, by topic."""

    values: list[bytes]
    partition: int = 0
    sent: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))

    def send(self, topic: str, *, key: bytes, value: bytes, partition: int, timestamp_ms: int) -> None:
        del key, partition, timestamp_ms
        self.sent[topic].append(value)


class Counted(dict[bytes, bytes]):
    """A table that counts its writes."""

    def __init__(self, puts: Counter[str], name: str) -> None:
        super().__init__()
        self._puts, self._name = puts, name

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._puts[self._name] += 1
        super().__setitem__(key, value)


class Partition:
    """The domains of one partition, stage by stage over batches, as the driver calls them."""

    def __init__(
        self,
        open_table: OpenTable,
        spent: dict[str, float],
        profiles: dict[str, cProfile.Profile],
        codec: Recent | None = None,
    ) -> None:
        rulebook, codec = packaged_rulebook(), codec or Recent()
        self._spent, self._profiles = spent, profiles
        trading = Trading(open_table, rulebook)
        game, money = Gamification(open_table, rulebook), Financial(open_table, rulebook)
        self.units_of_work = (trading.tables, game.tables, money.tables)
        does = partial(
            handle_batch,
            decode=codec.decode,
            encode=codec.encode,
            outputs={topic: topic for topic in TOPOLOGY.topics},
            partition_of=partitioner(PARTITIONS_DEFAULT),
        )
        self._trading = partial(
            does, decode=codec.decode_from_client, handle=Together(trading.commands), tables=trading.tables
        )
        self._game = partial(does, handle=Together(game.traded_together), tables=game.tables)
        self._money = partial(does, handle=Together(money.traded_together), tables=money.tables)
        self._levels = partial(does, handle=trading.gamified, tables=trading.tables)

    def take(self, commands: list[bytes], size: int) -> None:
        for start in range(0, len(commands), size):
            executed = self._do("trading", self._trading, commands[start : start + size], size)[TRADING_EVENTS]
            earned = self._do("gamification", self._game, executed, size)[GAMIFICATION_EVENTS]
            self._do("levels", self._levels, earned, size)
            self._do("financial", self._money, executed, size)

    def _do(self, name: str, do: Any, values: list[bytes], size: int) -> dict[str, list[bytes]]:
        sent: dict[str, list[bytes]] = defaultdict(list)
        for start in range(0, len(values), size):
            batch = Batch(values[start : start + size])
            profile = self._profiles.get(name)
            if profile:
                profile.enable()
            begun = time.process_time()
            do(batch)
            self._spent[name] += time.process_time() - begun
            if profile:
                profile.disable()
            for topic, records in batch.sent.items():
                sent[topic] += records
        return sent


def by_partition(fills: Iterable[Fill]) -> list[list[bytes]]:
    """Return the commands that report some fills, by partition."""
    commands: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
    for fill in fills:
        event = command_of(fill)
        commands[partition_for(event.partitionkey.encode(), PARTITIONS)].append(encode(event))
    return commands


def measure(name: str, fills: Iterable[Fill], size: int, profiles: dict[str, cProfile.Profile]) -> None:
    commands = by_partition(fills)
    count = sum(map(len, commands))
    puts: Counter[str] = Counter()
    spent: dict[str, float] = defaultdict(float)
    for part in commands:
        Partition(lambda _: {}, spent, profiles).take(part, size)
        Partition(lambda spec: Counted(puts, spec.name), defaultdict(float), {}).take(part, size)
    total = sum(spent.values())
    parts = ", ".join(f"{domain} {1e6 * one / count:.1f}" for domain, one in spent.items())
    rows = sum(puts.values()) / count
    print(f"{name}, batches of {size}: {count / total:,.0f} fills/s; {1e6 * total / count:.1f} us a fill ({parts})")  # noqa: T201
    print(f"    {rows:.1f} rows a fill: {', '.join(f'{table} {n / count:.2f}' for table, n in puts.most_common())}")  # noqa: T201


def main(arguments: list[str]) -> None:
    relax_collector()  # as a worker does
    profiled = "--profile" in arguments
    made = made_fills(MADE, users=300, seed=7)
    loads = {"real fills": list(read_fills(full_file()).fills), "made fills": made, "busy hour": in_one_hour(made)}
    for name, fills in loads.items():
        for size in BATCHES:
            domains = ("trading", "gamification", "financial", "levels") if profiled and size == BATCHES[-1] else ()
            profiles = {domain: cProfile.Profile() for domain in domains}
            measure(name, fills, size, profiles)
            for domain, profile in profiles.items():
                print(f"--- {domain}")  # noqa: T201
                pstats.Stats(profile).sort_stats("tottime").print_stats(18)


if __name__ == "__main__":
    main(sys.argv[1:])
