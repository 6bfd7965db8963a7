"""The contestants of the product's job: app, server and option of each, its pace, and how its job differs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Server = Literal["own", "postgres", "tansu", "noida", "redis", "none"]

SERVERS: dict[Server, str] = {
    "own": "Valkey",
    "postgres": "PostgreSQL 18",
    "tansu": "Tansu, in memory",
    "noida": "noida-db",
    "redis": "Valkey",
    "none": "none",
}


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """One way to do the product's job.

    Attributes:
        app: The module under `tests.peers.product.apps`; empty for ours.
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
)

PEERS = (*map(_postgres, (1, 20, 500)), PLAIN)

CONTESTANTS = (OURS, *PEERS)

ALL_PEERS_DIFFER = (
    "No peer seals periods, records late fills, forgets ids of old fills, takes practice orders or feeds subscribers."
)
