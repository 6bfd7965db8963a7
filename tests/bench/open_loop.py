"""The producer of the latency part, in its own process: append each event when it is due, and note the time.

Run as `python -m tests.bench.open_loop LOAD`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from array import array
from dataclasses import asdict, dataclass
from pathlib import Path

from faust_redis.log import Log

from tests.bench import payload

TICK_S = 0.001
"""How often it appends what is due: how late an event may be even when nothing is slow.

Without this pause, a quick broker would get an append for each few events, and the load would take most of a core.
"""

RECORDS_MAX = 200
"""Events of one append: what a commit of a worker may carry, too."""

LEAD_S = 0.1


@dataclass(frozen=True, kw_only=True)
class Load:
    """Events numbered from `first`, at a fixed rate. `out` gets two doubles for each: when due, when appended."""

    url: str
    namespace: str
    topic: str
    partitions: int
    first: int
    count: int
    per_second: float
    seed: int
    out: str

    def dumps(self) -> str:
        """Encode the load as a command-line argument."""
        return json.dumps(asdict(self))


def moments(out: Path) -> tuple[list[float], list[float]]:
    """Return when each event was due, and when its append began (`time.monotonic`, which processes share)."""
    numbers = array("d")
    numbers.frombytes(out.read_bytes())
    return list(numbers[::2]), list(numbers[1::2])


async def produce(load: Load) -> None:
    """Append all events of a load, none before it is due."""
    waiting = payload.records(load.topic, load.partitions, load.count, load.seed, load.first)
    noted = array("d")
    async with Log(load.url, load.namespace) as log:
        await log.topic(load.topic)
        begun = tick = time.monotonic() + LEAD_S
        done = 0
        while done < load.count:
            await asyncio.sleep(max(0.0, tick - time.monotonic()))
            now = time.monotonic()
            tick = max(tick + TICK_S, now)
            due = min(load.count, done + RECORDS_MAX, int((now - begun) * load.per_second) + 1)
            if due <= done:
                continue
            for number in range(done, due):
                noted.extend((begun + number / load.per_second, now))
            await log.append(waiting[done:due])
            done = due
    temporary = Path(load.out).with_suffix(".new")
    temporary.write_bytes(noted.tobytes())
    temporary.replace(load.out)


if __name__ == "__main__":
    asyncio.run(produce(Load(**json.loads(sys.argv[1]))))
