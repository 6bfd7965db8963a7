"""Time that the indexer takes to read many blocks of a real node, with fees settled in some of them.

    python -m tests.bench.indexing [--blocks 2000] [--every 50] [--open]

Without `--open`, Ethereum has accepted all blocks, as after a long absence. Node, broker and indexer share the machine;
CPU is that of the indexer alone. The figures are printed only if the log has what the node's chain has.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faust_redis.log import Log

from deploy.server.embedded import EmbeddedServer
from deploy.server.server_binary import find_binary
from tests.bench.machine import describe, lines
from tests.chain.deployed import Chain
from tests.chain.fees import Fees
from tests.chain.indexing import amounts, amounts_on_chain, catch_up, events_of, indexer_of
from tests.support.devnet import devnet, find_devnet


def main() -> int:
    """Measure once and print a line."""
    parser = argparse.ArgumentParser(prog="tests.bench.indexing", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--blocks", type=int, default=2_000)
    parser.add_argument("--every", type=int, default=50, help="fees are settled in every so many blocks")
    parser.add_argument("--open", action="store_true", help="no block is final")
    options = parser.parse_args()
    sys.stdout.write("\n".join([*lines(describe()), ""]))
    with tempfile.TemporaryDirectory() as directory, chain_of(Path(directory)) as fees:
        fill(fees, options.blocks, options.every)
        node = fees.chain.node
        if not options.open:
            node.ask("devnet_acceptOnL1", starting_block_id="latest")
        with EmbeddedServer(Path(directory) / "broker", find_binary()) as server:
            asyncio.run(measure(fees, server.url, node.height()))
    return 0


@contextmanager
def chain_of(directory: Path) -> Iterator[Fees]:
    """Run a node with the fee contracts."""
    program = find_devnet()
    if program is None:
        sys.exit("no starknet-devnet is found: python -m tests.chain builds it")
    with devnet(program, directory, "--accounts", "8") as running:
        yield Fees.deploy(Chain.at(running.url))


def fill(fees: Fees, blocks: int, every: int) -> None:
    """Make blocks."""
    node = fees.chain.node
    for number in range(blocks):
        if number % every == 0:
            fees.settle({"trading": 700 + number})
        else:
            node.ask("devnet_createBlock")


async def measure(fees: Fees, broker_url: str, height: int) -> None:
    """Read all blocks with an empty log, and print how long it took."""
    log = Log(broker_url, "bench")
    async with indexer_of(fees, log, fees.chain.node.url) as indexer:
        began, cpu = time.monotonic(), cpu_s()
        await catch_up(indexer)
        took, used = time.monotonic() - began, cpu_s() - cpu
        assert indexer.counts.cursor == height
        events = await events_of(log)
        assert amounts(events) == amounts_on_chain(fees), "the log does not have what the chain has"
    await log.close()
    sys.stdout.write(
        f"{height + 1} blocks, {indexer.counts.accepted} facts, {indexer.counts.open_blocks} open: {took:.1f} s, "
        f"{used:.1f} s of CPU, {(height + 1) / took:.0f} blocks/s\n"
    )


def cpu_s() -> float:
    """Return the CPU seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
