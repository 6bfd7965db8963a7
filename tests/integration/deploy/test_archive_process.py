"""`astratrade archive` as an operator runs it: two processes, of which the leader is killed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from faust_redis.log import Log

from deploy.admin.doctor.archiving import archiving
from tests.archive.world import BOTH, SPEC, TOPIC, fill, plain, read_all, tiered, trim
from tests.contract.harness import until
from tests.e2e.children import Child
from tests.ports import free_port
from tests.source import PYTHON_PATH

ARCHIVE = (sys.executable, "-P", "-m", "deploy.cli.main", "archive")


class Process:
    """An archiver's process."""

    def __init__(self, name: str, url: str, namespace: str, directory: Path) -> None:
        self.port = free_port()
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ASTRA_")},
            "PYTHONPATH": PYTHON_PATH,
            "ASTRA_BROKER_URL": url,
            "ASTRA_NAMESPACE": namespace,
            "ASTRA_ARCHIVE": str(directory / "archive"),
            "ASTRA_ARCHIVE_PORT": str(self.port),
            "ASTRA_ARCHIVE_INTERVAL_S": "1",
            "ASTRA_LEASE_MS": "2000",
            "ASTRA_HEARTBEAT_MS": "200",
        }
        self.child = Child(name, ARCHIVE, environment, directory)

    def ready(self) -> dict[str, Any]:
        """Return the body of `/readyz`; an empty one while it does not answer."""
        try:
            return dict(httpx.get(f"http://127.0.0.1:{self.port}/readyz", trust_env=False).json())
        except httpx.TransportError:
            return {}

    def metrics(self) -> str:
        return httpx.get(f"http://127.0.0.1:{self.port}/metrics", trust_env=False).text


@pytest.fixture
def start(broker_url: str, namespace: str, tmp_path: Path) -> Iterator[Callable[[str], Process]]:
    started: list[Process] = []

    def begin(name: str) -> Process:
        started.append(Process(name, broker_url, namespace, tmp_path))
        return started[-1]

    yield begin
    for process in started:
        process.child.kill()


async def test_the_process_archives_a_second_one_takes_over_and_it_ends_at_a_signal(
    start: Callable[[str], Process], log: Log, tmp_path: Path
) -> None:
    await log.create_topic(SPEC)
    await fill(log, 200)
    first = start("first")
    await until(lambda: first.ready().get("status") == "archives" and first.ready().get("records") == 400)
    second = start("second")
    await until(lambda: "waits for archive-" in str(second.ready().get("status")))
    first.child.kill()
    await fill(log, 100, 200)
    await until(lambda: second.ready().get("records") == 200)
    assert f'astra_archive_offset{{partition="0",topic="{TOPIC}"}} 300.0' in second.metrics()
    whole = plain(await read_all(log, BOTH[0]))
    await trim(log)
    async with tiered(log, tmp_path / "archive") as both:
        assert plain(await read_all(both, BOTH[0])) == whole
    assert second.child.stop()
    assert second.child.exit_code == 0


async def test_a_place_that_is_away_is_named_and_archiving_goes_on_when_it_is_back(
    start: Callable[[str], Process], log: Log, tmp_path: Path
) -> None:
    await log.create_topic(SPEC)
    await fill(log, 100)
    (tmp_path / "archive").write_bytes(b"")
    assert await said(log, "warn", "no archiver runs")
    process = start("archive")
    await until(lambda: "cannot write" in str(process.ready().get("detail")))
    await until(lambda: said(log, "warn", "nothing is archived: cannot write"))
    (tmp_path / "archive").unlink()
    await until(lambda: process.ready().get("status") == "archives" and process.ready().get("records") == 200)
    await until(lambda: said(log, "ok", "archived topics: 1"))


async def said(log: Log, level: str, text: str) -> bool:
    """Return whether the doctor says something of the archive."""
    finding = await archiving(log)
    return finding.level == level and text in finding.found
