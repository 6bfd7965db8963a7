"""The contestants: environment, app and option of each, the broker that it needs, and its expected speed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tests.bench.apps import STYLES

BrokerKind = Literal["tansu", "noida", "redis", "own"]

BROKERS: dict[BrokerKind, str] = {
    "tansu": "Tansu, in memory",
    "noida": "noida-db",
    "redis": "Valkey",
    "own": "Valkey",
}
KAFKAS: tuple[BrokerKind, ...] = ("tansu", "noida")
"""Those that another Kafka can take the place of."""


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """One way to do the job.

    Attributes:
        environment: A folder of `tests/peers/environments`; empty for ours.
        option: The argument of its app; for ours, the style of the agent.
        broker: Its broker unless another is named; ``own`` is the one that `python -m tests.bench` starts.
        state: Where the count is kept.
        guarantee: How a crash may affect the count.
        pace: Expected events per second. It sets the number of events, so that runs take about as long.
    """

    name: str
    environment: str
    option: str
    broker: BrokerKind
    state: str
    guarantee: str
    pace: int


PACES = {"event": 20_000, "batch": 100_000}

OURS = tuple(
    Contestant(
        name=f"ours, {style} agent",
        environment="",
        option=style,
        broker="own",
        state="RocksDB, changelog",
        guarantee="exactly once",
        pace=PACES[style],
    )
    for style in STYLES
)

PEERS = (
    Contestant(
        name="Faust",
        environment="faust",
        option="at_least_once memory",
        broker="tansu",
        state="memory, changelog",
        guarantee="at least once",
        pace=4_000,
    ),
    Contestant(
        name="Faust, RocksDB",
        environment="faust",
        option="at_least_once rocksdb",
        broker="tansu",
        state="RocksDB, changelog",
        guarantee="at least once",
        pace=3_000,
    ),
    Contestant(
        name="Faust, exactly_once",
        environment="faust",
        option="exactly_once memory",
        broker="noida",
        state="memory, changelog",
        guarantee="exactly once but for tables",
        pace=1_500,
    ),
    Contestant(
        name="Quix Streams",
        environment="quix",
        option="at-least-once",
        broker="tansu",
        state="RocksDB, changelog",
        guarantee="at least once",
        pace=70_000,
    ),
    Contestant(
        name="Quix Streams, exactly-once",
        environment="quix",
        option="exactly-once",
        broker="noida",
        state="RocksDB, changelog",
        guarantee="exactly once",
        pace=25_000,
    ),
    Contestant(
        name="FastStream",
        environment="faststream",
        option="event",
        broker="redis",
        state="a Redis hash",
        guarantee="at least once",
        pace=2_500,
    ),
    Contestant(
        name="FastStream, batches",
        environment="faststream",
        option="batch",
        broker="redis",
        state="a Redis hash",
        guarantee="at least once",
        pace=25_000,
    ),
    Contestant(
        name="Bytewax, recovery",
        environment="bytewax",
        option="recovery",
        broker="tansu",
        state="memory, SQLite each second",
        guarantee="at least once",
        pace=150_000,
    ),
    Contestant(
        name="Bytewax, memory",
        environment="bytewax",
        option="memory",
        broker="tansu",
        state="memory only",
        guarantee="none",
        pace=150_000,
    ),
)

CONTESTANTS = (*OURS, *PEERS)
