"""`astratrade clock` as an operator runs it: two processes, of which the leader is killed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from faust_redis.log import Log, TopicPartition

from deploy.run.clock import tick_once
from deploy.settings import load
from streams import topics
from streams.events import decode
from streams.times import SECOND_US, Instant
from tests.e2e.children import Child
from tests.ports import free_port
from tests.source import PYTHON_PATH

CLOCK = (sys.executable, "-P", "-m", "deploy.cli.main", "clock")
WITHIN_S = 30.0


class Process:
    """A clock process."""

    def __init__(self, name: str, url: str, namespace: str, directory: Path) -> None:
        self.port = free_port()
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ASTRA_")},
            "PYTHONPATH": PYTHON_PATH,
            "ASTRA_BROKER_URL": url,
            "ASTRA_NAMESPACE": namespace,
            "ASTRA_CLOCK_PORT": str(self.port),
            "ASTRA_PARTITIONS": "2",
        }
        self.child = Child(name, CLOCK, environment, directory)

    def ready(self) -> dict[str, Any] | None:
        """Return the body of `/readyz`, or None while it does not answer 200."""
        try:
            answer = httpx.get(f"http://127.0.0.1:{self.port}/readyz", trust_env=False)
        except httpx.TransportError:
            return None
        return answer.json() if answer.is_success else None

    def metrics(self) -> str:
        return httpx.get(f"http://127.0.0.1:{self.port}/metrics", trust_env=False).text


def until(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + WITHIN_S
    while not (found := condition()):
        assert time.monotonic() < deadline, "not within the time"
        time.sleep(0.05)
    return found


@pytest.fixture
def start(broker_url: str, namespace: str, tmp_path: Path) -> Iterator[Callable[[str], Process]]:
    started: list[Process] = []

    def begin(name: str) -> Process:
        started.append(Process(name, broker_url, namespace, tmp_path))
        return started[-1]

    yield begin
    for process in started:
        process.child.kill()


async def seconds(log: Log, partition: int) -> list[int]:
    place = TopicPartition(topics.CLOCK, partition)
    return [decode(one.value).time // SECOND_US for one in (await log.fetch({place: 0})).get(place, [])]


async def test_the_process_ticks_serves_its_probes_and_ends_at_a_signal(
    start: Callable[[str], Process], log: Log, broker_url: str, namespace: str
) -> None:
    first = start("first")
    until(lambda: (first.ready() or {}).get("status") == "leads")
    second = start("second")
    until(lambda: (second.ready() or {}).get("status") == "waits")
    first.child.kill()
    until(lambda: (second.ready() or {}).get("status") == "leads")
    assert "astra_clock_leads 1.0" in second.metrics()
    assert second.child.stop()
    found = await seconds(log, 0)
    assert found == sorted(set(found)) == await seconds(log, 1)
    assert len(found) >= 2

    settings = load(broker_url=broker_url, namespace=namespace, partitions=2)
    await tick_once(settings, Instant((found[-1] - 10) * SECOND_US))
    await tick_once(settings, Instant((found[-1] + 10) * SECOND_US + 5))
    assert await seconds(log, 1) == [*found, found[-1] + 10]
