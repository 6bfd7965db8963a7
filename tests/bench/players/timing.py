"""Time calls one after another, and the CPU that they cost the broker."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

from deploy.server.embedded import EmbeddedServer
from tests.bench.figures import Figure, figure, percentile
from tests.bench.resource_usage import cpu_seconds

US: Final = 1_000_000
MS: Final = 1_000

Read = Callable[[Any], Awaitable[object]]


async def timed(server: EmbeddedServer, what: str, read: Read, arguments: Iterable[Any]) -> dict[str, float]:
    """Return median and 99th percentile of a call with each argument, and its mean CPU on the broker."""
    begun, took = cpu_seconds(server.pid), []
    for argument in arguments:
        at = time.perf_counter()
        await read(argument)
        took.append(time.perf_counter() - at)
    return {
        f"{what} p50 ms": MS * percentile(took, 50),
        f"{what} p99 ms": MS * percentile(took, 99),
        f"{what} broker us": US * (cpu_seconds(server.pid) - begun) / len(took),
    }


async def broker_us(server: EmbeddedServer, write: Read, batches: Iterable[Any], count: int) -> float:
    """Return the microseconds of CPU that writes of some batches cost the broker, by the things written."""
    begun = cpu_seconds(server.pid)
    for batch in batches:
        await write(batch)
    return US * (cpu_seconds(server.pid) - begun) / count


def figures(values: Mapping[str, float]) -> dict[str, Figure]:
    """Return values of one run as figures."""
    return {name: figure([value]) for name, value in values.items()}
