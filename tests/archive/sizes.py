"""Measure the bytes that a fill takes in the archive: `python -m tests.archive.sizes [--fills 4000]`.

A worker for all domains processes fills of 200 users, as `astratrade bench memory` makes them. The log is archived
whole after a half and after all of them; the difference is what the second half takes.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Final

from faust_redis.archive.archiver import Archiver
from faust_redis.archive.storage import Storage
from faust_redis.log import Log

from deploy.bench.installation import Installation
from deploy.bench.load import Load
from tables.domains import TOPOLOGY

USERS: Final = 200
PARTITIONS: Final = 4
RATE: Final = 200.0


async def sizes(log: Log, directory: Path) -> Counter[str]:
    """Archive the whole log; return the bytes of the files, and the records, of events and of changes."""
    archiver, found = Archiver(log, Storage(str(directory))), Counter[str]()
    for info in await archiver.topics():
        kind = "events" if info.spec.name in TOPOLOGY.topics else "changes"
        for partition in range(info.spec.partitions):
            while (backlog := (await archiver.backlogs(info))[partition]).size:
                segment = (await archiver.archive(info, partition, backlog)).segments[-1]
                found[f"{kind} bytes"] += segment.size
                found[f"{kind} records"] += segment.end - segment.first
        await log.redis.delete(log.keys.archived(info.spec.name))
    return found


async def measure(installation: Installation, directory: Path, fills: int) -> dict[str, float]:
    """Return what a fill of the second half takes."""
    load = Load(1, PARTITIONS)
    seen: list[Counter[str]] = []
    async with installation.log() as log:
        for _ in range(USERS):
            for record in load.user():
                await log.append([record])
        for half in (0, 1):
            for _ in range(fills // 2):
                await asyncio.sleep(1 / RATE)
                for record in load.fill():
                    await log.append([record])
            await installation.wait_until_quiet(log)
            seen.append(await sizes(log, directory / f"archive-{half}"))
    return {name: (seen[1][name] - seen[0][name]) / (fills // 2) for name in sorted(seen[1])}


def main(arguments: argparse.Namespace) -> int:
    """Print what a fill takes."""
    with tempfile.TemporaryDirectory(prefix="astratrade-sizes-") as name:
        directory = Path(name)
        with Installation(directory, partitions=PARTITIONS, archive=str(directory / "unused")) as installation:
            found = asyncio.run(measure(installation, directory, arguments.fills))
    for what, a_fill in found.items():
        print(f"{what:<16} {a_fill:8.1f} a fill")
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    arguments = argparse.ArgumentParser(prog="python -m tests.archive.sizes", description=__doc__.partition("\n")[0])
    arguments.add_argument("--fills", type=int, default=4_000)
    return arguments


if __name__ == "__main__":
    sys.exit(main(parser().parse_args()))
