"""An archiver in a process of its own, which kills or stops itself at a step: `URL NAMESPACE ARCHIVE STEP SIGNAL`."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from faust_redis.archive.archiver import Archiver
from faust_redis.archive.storage import Storage
from faust_redis.archive.upkeep import Upkeep
from faust_redis.log import Log, TopicPartition
from faust_redis.log.archived import ManifestMovedError

from tests.archive.world import archive_all


class FailingStorage(Storage):
    """Ends the process when a file is written for the half."""

    def __init__(self, url: str, end: Callable[[str], None]) -> None:
        super().__init__(url)
        self._end = end

    def write(self, path: str, write: Callable[[Any], None]) -> int:
        def half(file: Any) -> None:
            whole = io.BytesIO()
            write(whole)
            file.write(whole.getvalue()[: whole.tell() // 2])
            file.flush()
            self._end("writing")
            file.write(whole.getvalue()[whole.tell() // 2 :])

        return super().write(path, half)


async def main(url: str, namespace: str, archive: str, step: str, name: str) -> None:
    number = signal.Signals[name]

    def end(reached: str) -> None:
        if reached == step:
            os.kill(os.getpid(), number)

    async def report(reached: str, _: TopicPartition, /) -> None:
        end(reached)

    async with Log(url, namespace) as log:
        kills_half = step == "writing"
        storage = FailingStorage(archive, end) if kills_half else Storage(archive)
        archiver = Archiver(log, storage, report)
        try:
            if step == "merging":
                storage = FailingStorage(archive, lambda _: end("merging"))
                archiver = Archiver(log, storage, report)
                [info] = await archiver.topics()
                await Upkeep(archiver, 0).merge(info, 0)
            await archive_all(archiver)
        except ManifestMovedError:
            print("moved", flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
