"""The contestants of the product's job: app, server and option of each, its pace, and how its job differs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Job = Literal["first", "windows"]
JOBS: tuple[Job, ...] = get_args(Job)
"""The first job, or the same with windows: candles, hours of activity and of fees, days of users."""

Server = Literal["own", "postgres", "tansu", "noida", "redis", "none"]

SERVERS: dict[Server, str] = {
    "own": "Valkey",
    "postgres": "PostgreSQL 18",
    "tansu": "Tansu, in memory",
    "noida": "noida-db",
    "redis": "Valkey",
    "none": "none",
}


KAFKAS: tuple[Server, ...] = ("tansu", "noida")


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """One way to do the product's job.

    Attributes:
        app: The module under `tests.peers.product.apps`; empty for ours.
        windows_app: The module that also does the windows; empty for ours, and for a peer that does not do them.
        environment: A list of `tests/peers/environments`; empty for the interpreter that runs the race.
        option: The argument of the app.
        server: The server that keeps its results.
        guarantee: How a crash may affect the results.
        differs: How the job differs from ours by design.
        pace: The expected fills per second, which bounds how long a run may take.
    """

    name: str
    app: str
    environment: str
    option: str
    server: Server
    guarantee: str
    differs: str
    pace: int
    windows_app: str = ""

    def does(self, job: Job) -> bool:
        """Return whether the contestant does a job. Ours always does both."""
        return job == "first" or not self.app or bool(self.windows_app)

    def module(self, job: Job) -> str:
        """Return the name of the module that does a job."""
        return self.windows_app if job == "windows" else self.app


OURS = Contestant(
    name="ours",
    app="",
    environment="",
    option="",
    server="own",
    guarantee="exactly once",
    differs="",
    pace=1_000,
)


def _postgres(fills: int) -> Contestant:
    return Contestant(
        name=f"PostgreSQL, {fills} a transaction",
        app="postgres_app",
        environment="postgres",
        option=str(fills),
        server="postgres",
        guarantee="exactly once",
        differs="no partitions, no feeds; fills come from a file",
        pace=300,
        windows_app="postgres_windows",
    )


IN_KAFKA = "a reader adds fees and ranks boards"


def _faust(name: str, option: str, server: Server, guarantee: str, pace: int) -> Contestant:
    return Contestant(
        name=name,
        app="faust_app",
        environment="faust",
        option=option,
        server=server,
        guarantee=guarantee,
        differs=IN_KAFKA,
        pace=pace,
    )


FAUSTS = (
    _faust("Faust, memory", "at_least_once memory", "tansu", "at least once", 200),
    _faust("Faust, RocksDB", "at_least_once rocksdb", "tansu", "at least once", 200),
    _faust("Faust, exactly_once", "exactly_once memory", "noida", "exactly once but for tables", 100),
)

QUIX = Contestant(
    name="Quix Streams, exactly-once",
    app="quix_app",
    environment="quix",
    option="exactly-once",
    server="noida",
    guarantee="exactly once",
    differs=f"{IN_KAFKA}; fees are kept by user",
    pace=500,
)

REDIS = Contestant(
    name="redis-py script",
    app="redis_app",
    environment="redis",
    option="",
    server="redis",
    guarantee="exactly once",
    differs="no partitions, so one worker at most; scores are floats, exact to 2^53; ties are ordered at read",
    pace=1_000,
    windows_app="redis_windows",
)

PLAIN = Contestant(
    name="dictionaries",
    app="plain_app",
    environment="",
    option="",
    server="none",
    guarantee="none",
    differs="keeps nothing; fills come from a file",
    pace=5_000,
    windows_app="plain_windows",
)

PEERS = (*map(_postgres, (1, 20, 500)), *FAUSTS, QUIX, REDIS, PLAIN)

CONTESTANTS = (OURS, *PEERS)

ALL_PEERS_DIFFER = (
    "No peer seals periods, records late fills, forgets ids of old fills, takes practice orders, ranks days of"
    " streaks, has social, user and NFT domains or feeds subscribers."
)
DIFFER: dict[Job, str] = {
    "first": "No peer keeps windows, as ours does.",
    "windows": "No peer deletes old windows, or finds that a fill comes too late for one.",
}
