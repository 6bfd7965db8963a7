"""A broker that was restored to an earlier state: feeds and resuming clients notice, although it has grown since."""

from __future__ import annotations

import asyncio
import itertools
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from faust_redis.log import Appended, Log, Record

from api.app import create_app
from api.config import ApiConfig
from api.gamification.progress import PROGRESS_ROWS
from api.kit.feeds.follower import Follower
from streams.topology import changelog_topic
from tables.boards import group
from tables.financial import FINANCIAL_FEES, FeeTotal, fee_key
from tables.gamification import GAMIFICATION_PROGRESS, Progress
from tests.backup import Backup, dump, restore
from tests.integration.api.sse import EVENT_TIMEOUT_S, Reader, serving
from tests.integration.api.support import PROGRESS_IDS, SEALER, Worker
from tests.integration.api.test_operation import Broker

TABLE = GAMIFICATION_PROGRESS.name
TOPIC = changelog_topic("astratrade", TABLE)
PATH = "/v1/feed/progress"
RECORDS = 100


History = tuple[Worker, str, Backup]


async def put(worker: Worker, **xp: int) -> None:
    for user, amount in xp.items():
        await worker.put_user(TABLE, user, Progress(xp=amount, max_leverage=10))


def shown(reader: Reader) -> dict[str, int]:
    return {user: row["xp"] for user, row in reader.table.items()}


def shows(**xp: int) -> Callable[[Reader], bool]:
    return lambda reader: shown(reader) == xp and bool(reader.last_id)


def shows_again(**xp: int) -> Callable[[Reader], bool]:
    return lambda reader: bool(reader.resyncs) and shows(**xp)(reader)


@pytest.fixture(params=["as it was", "grown since"])
async def history(worker: Worker, log: Log, request: pytest.FixtureRequest) -> History:
    """Prepare a broker that holds alice's 1, a user whose row comes next and will be lost, and the later state.

    The later state is alice's 1 again, alone or as the last of more records than were lost.
    """
    names = (f"user-{n}" for n in itertools.count())
    lost = next(name for name in names if worker.partition(name) == worker.partition("alice"))
    await put(worker, alice=1)
    earlier = await dump(log)
    for xp in (5, 6, 1):
        await put(worker, alice=xp)
    grown = await dump(log)
    await restore(log, earlier)
    return worker, lost, earlier if request.param == "as it was" else grown


@pytest.mark.sample(1)
async def test_a_feed_notices_a_restored_broker_though_no_call_fails(
    server: httpx.AsyncClient, log: Log, history: History
) -> None:
    worker, lost, later = history
    reader = Reader(server, PATH)
    reading = asyncio.create_task(reader.read(shows_again(alice=1)))
    await reader.current.wait()
    await put(worker, **{lost: 9})
    while not shows(alice=1, **{lost: 9})(reader):
        await asyncio.wait({reading}, timeout=0.01)
        assert not reading.done(), reading.exception()
    await restore(log, later)
    await reading
    assert reader.resyncs == ["rolled_back"]


@pytest.mark.parametrize("event_name", ["snapshot", "delta"])
@pytest.mark.sample(2)
async def test_a_client_that_resumes_at_a_restored_broker_starts_afresh(
    server: httpx.AsyncClient, config: ApiConfig, log: Log, history: History, event_name: str
) -> None:
    """The other process knows nothing of the earlier reads."""
    worker, lost, later = history
    reader = Reader(server, PATH)
    if event_name == "delta":
        reading = asyncio.create_task(reader.read(lambda r: lost in r.table))
        await reader.current.wait()
    await put(worker, **{lost: 9})
    await (reading if event_name == "delta" else reader.read(lambda r: bool(r.last_id)))
    assert reader.names[-1] == event_name
    assert lost in reader.table
    await restore(log, later)
    async with serving(create_app(config)) as (url, _), httpx.AsyncClient(base_url=url) as reader.client:
        await reader.read(shows_again(alice=1))
    assert reader.resyncs == ["rolled_back"]


async def test_an_event_id_without_proof_of_its_log_is_accepted(server: httpx.AsyncClient, worker: Worker) -> None:
    await put(worker, alice=1)
    reader = Reader(server, PATH)
    await reader.read(shows(alice=1))
    assert reader.last_id is not None
    position, evidence, _ = PROGRESS_IDS.open(reader.last_id).partition("~")
    assert evidence
    reader.last_id = PROGRESS_IDS.seal(position)
    await put(worker, alice=2)
    await reader.read(shows(alice=2))
    assert not reader.resyncs


async def test_a_feed_notices_a_broker_that_came_back_with_an_earlier_file_and_has_grown_since(
    tmp_path: Path, config: ApiConfig
) -> None:
    with Broker(tmp_path / "broker") as broker:
        files = broker.server.directory / "appendonlydir"

        async def write(*xp: int) -> None:
            async with Log(broker.url, config.namespace) as log:
                worker = Worker(log, config.app_id)
                await worker.create_topics()
                for amount in xp:
                    await put(worker, alice=amount)

        def keep(name: str) -> None:
            broker.stop()
            shutil.copytree(files, tmp_path / name)
            broker.start()

        def put_back(name: str) -> None:
            broker.stop()
            shutil.rmtree(files)
            shutil.copytree(tmp_path / name, files)
            broker.start()

        await write(1)
        keep("earlier")
        await write(5, 6, 7)
        keep("grown")
        put_back("earlier")
        app = create_app(replace(config, log_url=broker.url))
        async with serving(app) as (url, _), httpx.AsyncClient(base_url=url) as client:
            reader = Reader(client, PATH)
            reading = asyncio.create_task(reader.read(shows(alice=7)))
            await reader.current.wait()
            await write(9)
            while not shows(alice=9)(reader):
                await asyncio.wait({reading}, timeout=0.01)
                assert not reading.done(), reading.exception()
            put_back("grown")
            await reading
        assert reader.resyncs == ["rolled_back"]


@dataclass(frozen=True)
class Shared:
    """A feed that the API reads once for all subscribers, and how a row gets into it."""

    name: str
    options: dict[str, str]
    key: str
    write: Callable[[Worker, str], Awaitable[Appended]]

    def reader(self, client: httpx.AsyncClient) -> Reader:
        return Reader(client, f"/v1/feed/{self.name}", self.options, self.key)

    async def with_one_that_will_be_lost(self, worker: Worker, log: Log) -> Backup:
        await self.write(worker, "stays")
        earlier = await dump(log)
        await self.write(worker, "lost")
        return earlier


def ranked(worker: Worker, user: str) -> Awaitable[Appended]:
    return worker.rank(group("volume", "BTC", "all"), user, len(user))


def paid(worker: Worker, beneficiary: str) -> Awaitable[Appended]:
    key = fee_key("trading", "USD", None, beneficiary)
    return worker.put(FINANCIAL_FEES.name, key, FeeTotal(amount=1, count=1), partition=0)


SHARED = [
    Shared("boards", {"board": "volume", "market": "BTC"}, "user_id", ranked),
    Shared("fees", {}, "beneficiary", paid),
]


@pytest.mark.parametrize("feed", SHARED, ids=lambda feed: feed.name)
async def test_a_shared_feed_shows_nothing_that_a_rollback_lost(
    server: httpx.AsyncClient, worker: Worker, log: Log, feed: Shared
) -> None:
    earlier = await feed.with_one_that_will_be_lost(worker, log)
    reader = feed.reader(server)
    reading = asyncio.create_task(reader.read(lambda r: set(r.table) == {"stays"} and bool(r.last_id)))
    await reader.current.wait()
    assert set(reader.table) == {"stays", "lost"}
    await restore(log, earlier)
    await reading
    assert reader.resyncs == ["rolled_back"]


@pytest.mark.parametrize("feed", SHARED, ids=lambda feed: feed.name)
async def test_a_shared_feed_shows_nothing_that_was_lost_while_it_had_no_subscriber(
    served_app: FastAPI, server: httpx.AsyncClient, worker: Worker, log: Log, feed: Shared
) -> None:
    earlier = await feed.with_one_that_will_be_lost(worker, log)
    stopped = asyncio.Event()
    follower = served_app.state.api.hub.followers[feed.name]
    forget = follower.on_stop

    def stop() -> None:
        forget()
        stopped.set()

    follower.on_stop = stop
    before, after = (feed.reader(server) for _ in range(2))
    await before.read(lambda r: bool(r.last_id))
    assert set(before.table) == {"stays", "lost"}
    async with asyncio.timeout(EVENT_TIMEOUT_S):
        await stopped.wait()
    await restore(log, earlier)
    await after.read(lambda r: bool(r.last_id))
    assert set(after.table) == {"stays"}


async def test_the_last_record_read_is_not_trimmed_while_a_feed_follows(log: Log, worker: Worker) -> None:
    """The last record that was read proves that the log is still the same."""
    await log.redis.hset(log.keys.topic(TOPIC), "retention_ms", 1)
    await log.append([Record(TOPIC, 0, b"k", b"%d" % n, 0) for n in range(RECORDS)])
    follower = Follower(log, TOPIC, PROGRESS_ROWS.feed.read(SEALER), PROGRESS_IDS)
    await follower._open()
    assert follower.delivered is not None
    await log.append([Record(TOPIC, 0, b"k", b"more", 0)])
    for _ in range(3):
        await log.trim(TOPIC, [0], 1_000)
        await asyncio.sleep(0.005)
    assert await follower._reason_to_resync(follower.delivered.position, follower.delivered.evidence) is None
    await log.release_read_lease(TOPIC, follower._name)
    assert await log.trim(TOPIC, [0], 1_000) == 1  # the entry that holds them all
    assert await follower._reason_to_resync(follower.delivered.position, follower.delivered.evidence) == "trimmed"
