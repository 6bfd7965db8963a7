"""The outcome of one run: what the fills cost, and what the server keeps of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from redis import Redis

from tests.bench.resource_usage import Spent, resident_kib
from tests.peers.product.contestants import Server

KIB = 1_024


@dataclass(frozen=True, slots=True)
class Raced:
    """The cost of the measured fills, and the bytes that the server keeps for each fill; None for no visible server."""

    spent: Spent
    kept_bytes: float | None


def kept(server: Server, address: str, pid: int, directory: Path) -> Callable[[], int] | None:
    """Return a function that reads how many bytes a server keeps: memory used, or files of its data directory."""
    match server:
        case "own" | "redis":
            return lambda: used_memory(address)
        case "tansu" if pid:
            return lambda: resident_kib(pid) * KIB
        case "postgres" | "noida" if pid:
            return lambda: files_bytes(directory)
    return None


def used_memory(url: str) -> int:
    """Return the bytes that a Redis has allocated."""
    with Redis.from_url(url) as redis:
        return int(redis.info("memory")["used_memory"])


def files_bytes(directory: Path) -> int:
    """Return the size of all files under a directory."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
