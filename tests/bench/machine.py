"""The environment of a measurement: date, load, machine, versions, our commit."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec

from deploy.bench.machine import cpu_model, memory_gib
from deploy.errors import DeployError
from deploy.server.server_binary import find_binary
from tests.bench import payload
from tests.bench.apps.events import Order

PACKAGES = ("faust-streaming", "mode-streaming", "redis", "hiredis", "rocksdict", "fastapi", "uvicorn", "orjson")
SOURCE = Path(__file__).parents[2]
GIT_TIMEOUT_S = 5.0
LOOP_EVENTS, LOOPS = 20_000, 9
UNKNOWN = "unknown"


def require_proc() -> None:
    """Refuse a machine on which the bench cannot measure.

    Raises:
        DeployError: when there is no /proc.
    """
    if not Path("/proc/self/stat").is_file():
        raise DeployError(
            f"python -m tests.bench reads CPU and memory from /proc, which {platform.system()} has not: use Linux"
        )


def describe() -> dict[str, str]:
    """Return everything that a figure depends on, except the options."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "load": f"{load()} over 1, 5, 15 minutes",
        "machine": f"{os.cpu_count()} cores, {cpu_model()}, {memory_gib():.0f} GiB, "
        f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        "broker": str(find_binary()),
        "libraries": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        "commit": commit(),
    }


def load() -> str:
    """Return the load averages over 1, 5 and 15 minutes: they show other processes that ran meanwhile."""
    return ", ".join(f"{average:.2f}" for average in os.getloadavg())


def bare_loop() -> float:
    """Return how many events a second a loop decodes and counts by key, with no log, store or commit, on one core.

    Other processes share cores and caches, which the load average does not show. This speed lets a reader compare
    figures of different moments and machines. The value is the median of several short runs.
    """
    values = [value for _, value in payload.events(LOOP_EVENTS, 1)]
    decode = msgspec.json.Decoder(Order).decode
    took_s = []
    for _ in range(LOOPS):
        counted: Counter[str] = Counter()
        begun = time.perf_counter()
        for value in values:
            counted[decode(value).key] += 1
        took_s.append(time.perf_counter() - begun)
    return LOOP_EVENTS / statistics.median(took_s)


def lines(machine: Mapping[str, str]) -> list[str]:
    """Return the description as printed lines."""
    return [f"{name:<10}{value}" for name, value in machine.items()]


def commit() -> str:
    """Return our commit, with a plus when files differ from it; `unknown` when this is no checkout."""
    head = _git("rev-parse", "--short", "HEAD")
    return UNKNOWN if head is None else head + ("+" if _git("status", "--porcelain") else "")


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(SOURCE), *arguments],
            capture_output=True,
            text=True,
            timeout=GIT_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
