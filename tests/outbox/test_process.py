"""`astratrade relay` as an operator runs it: on a real broker and database, with outages, a flush and a restore."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from faust_redis.log import Log, LogError
from sqlalchemy import update

from api.identity.accounts import StatusError, create_account
from api.identity.store.database import IdentityStore
from api.identity.store.tables import OUTBOX
from deploy.server.embedded import EmbeddedServer
from deploy.server.server_binary import find_binary
from tests.e2e.children import Child
from tests.outbox.database import event_of, now, published, versions
from tests.outbox.folding import change_account, wait_until_folds_are_equal
from tests.ports import free_port
from tests.source import PYTHON_PATH

RELAY = (sys.executable, "-P", "-m", "deploy.cli.main", "relay")
WITHIN_S = 40.0


class World:
    """A broker, a database and a relay process."""

    def __init__(self, directory: Path, url: str) -> None:
        self.directory = directory
        self.url = url
        self.server = EmbeddedServer(directory / "data", find_binary())
        self.port = free_port()
        self.written: dict[str, int] = {}
        self._children: list[Child] = []

    def start(self, **settings: str) -> Child:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ASTRA_")},
            "PYTHONPATH": PYTHON_PATH,
            "ASTRA_BROKER_URL": self.server.url,
            "ASTRA_DATABASE_URL": self.url,
            "ASTRA_DATA_DIR": str(self.directory / "data"),
            "ASTRA_RELAY_PORT": str(self.port),
            **settings,
        }
        child = Child(f"relay-{len(self._children)}", RELAY, environment, self.directory)
        self._children.append(child)
        return child

    def stop(self) -> None:
        for child in self._children:
            child.kill()

    async def change(self, *names: str) -> None:
        """Emit an event for each name, with the next version of it, in one transaction."""
        async with opened(self.url) as store, store.work(now()) as work:
            for name in names:
                self.written[name] = self.written.get(name, 0) + 1
                work.emit(event_of(name, self.written[name]))

    async def change_accounts(self, times: int) -> None:
        """Create real accounts, and change them."""
        choice = random.Random(times)
        async with opened(self.url) as store:
            async with store.work(now()) as work:
                created = [await create_account(work, username=f"name-{choice.getrandbits(40)}") for _ in range(3)]
            for _ in range(times):
                with suppress(StatusError):  # it is suspended already, or not suspended
                    async with store.work(now()) as work:
                        await change_account(work, choice.choice(created).id, choice)

    async def wait_until_folds_are_equal(self) -> None:
        await wait_until_folds_are_equal(self.server.url, "astra", self.url)

    async def wait_until_equal(self) -> None:
        """Wait until the log holds each version of each name once, in order."""
        expected = {name: list(range(1, last + 1)) for name, last in self.written.items()}
        found: Mapping[str, Any] = {}
        with suppress(TimeoutError):
            async with asyncio.timeout(WITHIN_S), Log(self.server.url, "astra") as log:
                while found != expected:
                    await asyncio.sleep(0.05)
                    with suppress(LogError):
                        found = versions(await published(log))
        assert found == expected

    async def probe(self, path: str) -> httpx.Response:
        async with httpx.AsyncClient(trust_env=False, verify=False) as client:
            return await client.get(f"http://127.0.0.1:{self.port}{path}")

    async def wait_until_ready(self, status: int) -> dict[str, Any]:
        """Wait until `/readyz` answers with a status, and return its body."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                with suppress(httpx.TransportError):
                    response = await self.probe("/readyz")
                    if response.status_code == status:
                        body: dict[str, Any] = response.json()
                        return body
                await asyncio.sleep(0.05)

    def kill_server(self) -> None:
        os.kill(self.server.pid, signal.SIGKILL)
        while self.server.exit_code is None:
            time.sleep(0.01)

    async def start_server(self) -> None:
        self.server.launch()
        while not self.server.ready():  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[IdentityStore]:
    store = IdentityStore(url)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, database_url)
    with world.server:
        yield world
        world.stop()


async def test_the_process_publishes_serves_its_probes_and_ends_at_a_signal(world: World) -> None:
    await world.change("a", "b")
    relay = world.start()
    await world.wait_until_equal()
    await world.change("a")
    await world.wait_until_equal()
    assert (await world.wait_until_ready(200))["status"] == "publishing"
    assert (await world.probe("/livez")).status_code == 200
    metrics = (await world.probe("/metrics")).text
    assert "astra_relay_published_total 3.0" in metrics
    assert "astra_relay_position 3.0" in metrics
    assert "astra_relay_lost_total 0.0" in metrics
    assert relay.stop()
    assert relay.exit_code == 0


@pytest.mark.slow
async def test_the_process_waits_for_a_broker_that_is_away(world: World) -> None:
    await world.change("a")
    relay = world.start()
    await world.wait_until_equal()
    world.kill_server()
    await world.change("a", "b")
    body = await world.wait_until_ready(503)
    assert body["status"] == "waits"
    assert world.server.url in body["detail"]
    assert body["events_behind"] == 2
    assert body["seconds_behind"] > 0
    await world.start_server()
    await world.wait_until_equal()
    await world.wait_until_ready(200)
    assert relay.output().count("publishing waits") == 1


@pytest.mark.heavy
async def test_another_database_ends_the_process_with_one_line(world: World) -> None:
    await world.change("a")
    world.start().log_file.touch()
    await world.wait_until_equal()
    async with opened(world.url) as store, store.engine.begin() as connection:
        await connection.execute(update(OUTBOX.head).values(incarnation="0123456789ab"))
    world.port = free_port()
    second = world.start()
    async with asyncio.timeout(WITHIN_S):
        while second.exit_code is None:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
    assert second.exit_code == 1
    assert second.output().splitlines()[-1].startswith("astratrade: the log holds 1 events of the outbox ")
    assert "Traceback" not in second.output()


@pytest.mark.slow
async def test_a_flushed_log_and_a_restored_one_get_what_they_lack(world: World) -> None:
    """FLUSHALL; then the broker's files of an earlier time."""
    world.start()
    await world.change("a", "b", "a")
    await world.change_accounts(20)
    await world.wait_until_equal()
    await world.wait_until_folds_are_equal()
    files, kept = world.server.directory / "appendonlydir", world.directory / "kept"
    async with Log(world.server.url, "astra") as log:
        await log.redis.flushall()
    await world.wait_until_equal()
    await world.wait_until_folds_are_equal()
    shutil.copytree(files, kept)  # the broker writes each command before it answers
    for number in range(30):
        await world.change("a", f"user-{number % 3}")
    await world.change_accounts(30)
    await world.wait_until_equal()
    await world.wait_until_folds_are_equal()
    world.kill_server()
    shutil.rmtree(files)
    shutil.copytree(kept, files)
    await world.start_server()
    await world.wait_until_equal()
    await world.wait_until_folds_are_equal()
    await world.change("b")
    await world.change_accounts(5)
    await world.wait_until_equal()
    await world.wait_until_folds_are_equal()
