"""How long topics take no records when partitions are multiplied: rows of the boards of many players move.

A player has two rows with 35 standings. These are the dearest rows to move, since each standing leaves one entry of a
ranking and enters another.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from faust_redis.log import Log
from faust_redis.resizing import Resize

from deploy.admin.partitions import ProductLayout
from deploy.server.embedded import EmbeddedServer
from deploy.server.server_binary import find_binary
from tests.bench.parameters import Parameters
from tests.bench.players import product
from tests.bench.players.population import Population
from tests.bench.players.timing import figures
from tests.bench.result import Result

OLD: Final = 4
NEW: Final = 32


def measure(options: Parameters) -> Iterator[Result]:
    """Fill the boards of `players`, then give their topic 32 partitions instead of 4."""
    with tempfile.TemporaryDirectory() as directory, EmbeddedServer(Path(directory), find_binary()) as server:
        yield asyncio.run(_measured(server, options))


async def _measured(server: EmbeddedServer, options: Parameters) -> Result:
    async with Log(server.url, product.APP_ID) as log:
        await product.fill(log, Population(options.seed, OLD), options.players, OLD, options.say)
        cpu_s = time.process_time()
        done = await Resize(log, [product.TOPIC], {}, ProductLayout(product.APP_ID)).run(NEW)
        paused_s = done.paused_s or 0.0
        found = {
            "rows moved": float(done.rows),
            "pause s": paused_s,
            "rows a second": done.rows / paused_s,
            "command's CPU us a row": (time.process_time() - cpu_s) / done.rows * 1e6,
        }
        return Result(f"{OLD} to {NEW} partitions, boards of {options.players:,} players", figures(found))
