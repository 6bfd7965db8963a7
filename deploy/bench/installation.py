"""A broker and a worker for a measurement, in a directory of their own: no setting of the user reaches them."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from faust_redis.log import Log, TopicPartition

from deploy.errors import DeployError
from deploy.retention_settings import NO_ARCHIVE
from deploy.run.readiness import missing_for_readiness
from deploy.server import process
from deploy.server.embedded import EmbeddedServer
from deploy.server.server_binary import find_binary
from deploy.settings import Settings
from tables.domains import TOPOLOGY

READY_S: Final = 120.0
QUIET_S: Final = 300.0
POLL_S: Final = 0.05
LOG_CHARS: Final = 3_000
YEARS_MS: Final = 10 * 365 * 86_400_000
"""Nothing is trimmed during a measurement."""


class Installation:
    """A broker and one worker for all domains. Start and stop them with `with`, from the main thread."""

    def __init__(self, directory: Path, *, partitions: int, **settings: Any) -> None:
        """Prepare it; `settings` replace those of a measurement, which keeps all and archives nothing."""
        self._log_file = directory / "worker.log"
        self.server = EmbeddedServer(directory / "data", find_binary())
        kept = dict.fromkeys(("retention_ms", "tail_ms", "clock_retention_ms"), YEARS_MS)
        own: dict[str, Any] = (
            {"data_dir": directory / "data", "partitions": partitions, "archive": NO_ARCHIVE} | kept | settings
        )
        self.settings = Settings.model_construct(**own)

    def __enter__(self) -> Self:
        self.server.start()
        try:
            self.settings = self.settings.with_log_url(self.server.url)
            self._worker = self._start_worker()
            self._wait_until_ready()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if hasattr(self, "_worker"):
            process.kill(self._worker)
        self.server.stop()

    def log(self) -> Log:
        """Return a client of the log."""
        return Log(self.server.url, self.settings.namespace, owner=self.settings.app_id)

    async def wait_until_quiet(self, log: Log) -> None:
        """Wait until every domain has committed all that was appended, and all that followed.

        Raises:
            DeployError: the worker has ended, or this takes longer than five minutes.
        """
        deadline = time.monotonic() + QUIET_S
        while await self._waits(log):
            self._check(deadline, "process the load")
            await asyncio.sleep(POLL_S)

    async def _waits(self, log: Log) -> bool:
        """Return whether a group has records to process. Offsets are read first, so that nothing hides in between."""
        consumed = TOPOLOGY.consumed(self.settings.app_id)
        committed = {group: await log.committed(group) for group in consumed}
        ends = {topic: await log.end_offsets(topic) for topic in TOPOLOGY.topics}
        return any(
            committed[group].get(TopicPartition(topic, partition), 0) < end
            for group, topics in consumed.items()
            for topic in topics
            for partition, end in ends[topic].items()
        )

    def _start_worker(self) -> process.Child:
        inherited = {name: value for name, value in os.environ.items() if not name.upper().startswith("ASTRA_")}
        argv = [sys.executable, "-P", "-m", "deploy.cli.main", "worker"]
        with self._log_file.open("ab") as output:
            return process.spawn(argv, env=inherited | self.settings.environment(), output=output)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_S
        while missing_for_readiness(self.settings, dict.fromkeys(TOPOLOGY.names, 1)) is not None:
            self._check(deadline, "become ready")
            time.sleep(POLL_S)

    def _check(self, deadline: float, what: str) -> None:
        ended = self._worker.poll() is not None
        if ended or time.monotonic() > deadline:
            why = "it ended" if ended else "it took too long"
            said = self._log_file.read_text("utf-8", errors="replace")[-LOG_CHARS:]
            raise DeployError(f"the worker did not {what}: {why}\n{said}")
