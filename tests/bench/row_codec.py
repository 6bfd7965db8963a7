"""The cost of reading and writing rows: bytes of a row, and microseconds of CPU, by table.

    python -m tests.bench.row_codec

The rows are those that fills of weeks lead to. A fill costs what its reads and writes of each table cost.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from faust_redis.log.partitioner import partition_for

from streams.events import encode
from streams.topology import TableSpec
from tables.domains import TOPOLOGY
from tests.bench.fill_load import made_fills
from tests.bench.rules_speed import PARTITIONS, Partition
from tests.faults.model import command_of

FILLS = 6_000
BATCH = 50
ROWS_MAX = 3_000
ROUNDS = 7


class Counted(dict[bytes, bytes]):
    """A table that counts the rows read and written."""

    reads = writes = 0

    def __getitem__(self, key: bytes) -> bytes:
        row = super().__getitem__(key)
        self.reads += 1
        return row

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self.writes += 1
        super().__setitem__(key, value)


def tables_after(fills: int) -> dict[str, list[Counted]]:
    """Return the tables of each partition after so many fills."""
    tables: dict[str, list[Counted]] = defaultdict(list)
    commands: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
    for event in map(command_of, made_fills(fills, users=300, seed=7)):
        commands[partition_for(event.partitionkey.encode(), PARTITIONS)].append(encode(event))

    def opened(spec: TableSpec[Any]) -> Counted:
        tables[spec.name].append(table := Counted())
        return table

    for part in commands:
        Partition(opened, defaultdict(float), {}).take(part, BATCH)
    return tables


def microseconds(do: Callable[[Any], object], values: Iterable[Any]) -> float:
    """Return the CPU of one call, the best of some rounds."""
    values = list(values)
    best = float("inf")
    for _ in range(ROUNDS):
        begun = time.process_time()
        for value in values:
            do(value)
        best = min(best, time.process_time() - begun)
    return 1e6 * best / len(values)


def main() -> None:
    total = 0.0
    print("table                     rows  bytes  read us write us  reads writes  us a fill")  # noqa: T201
    for name, parts in tables_after(FILLS).items():
        model: Any = TOPOLOGY.table(name).model
        stored = [row for part in parts for row in part.values()]
        if model is None or not stored:
            continue
        some = stored[:ROWS_MAX]
        read, write = microseconds(model.load, some), microseconds(model.dump, map(model.load, some))
        reads, writes = sum(part.reads for part in parts) / FILLS, sum(part.writes for part in parts) / FILLS
        cost = reads * read + writes * write
        total += cost
        size = sum(map(len, stored)) / len(stored)
        print(  # noqa: T201
            f"{name:<24}{len(stored):>6}{size:>7.0f}{read:>9.2f}{write:>9.2f}{reads:>7.2f}{writes:>7.2f}{cost:>11.2f}"
        )
    print(f"all rows: {total:.2f} us a fill")  # noqa: T201


if __name__ == "__main__":
    main()
