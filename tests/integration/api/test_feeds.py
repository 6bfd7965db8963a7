"""Live feeds: a snapshot, then every change; resumable without gap or duplicate; a slow client delays no other."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from faust_redis.dead_letters import DeadLetter
from faust_redis.log import Log, Record, TopicPartition
from faust_redis.log.partitioner import partition_for

from api.kit.feeds import follower as followers
from api.kit.feeds import session as sessions
from streams import topics
from streams.events import AnyEvent, Event
from streams.events.gamification import LevelUp, StreakUpdated, XPGained
from streams.events.trading import TradeExecuted
from streams.ids import new_id
from streams.times import Instant
from streams.topology import changelog_topic
from streams.units import USD_UNIT, Quantity, Usd
from tables.boards import group
from tables.gamification import GAMIFICATION_PROGRESS, Progress
from tables.trading import TRADING_PORTFOLIO, Portfolio
from tests.integration.api.sse import Reader, events, serving
from tests.integration.api.support import PARTITIONS, PROGRESS_IDS, Worker, auth
from tests.integration.api.test_ingress import assert_problem

TABLE = GAMIFICATION_PROGRESS.name


def progress(xp: int) -> Progress:
    return Progress(xp=xp, max_leverage=10)


def xp_of(reader: Reader) -> dict[str, int]:
    return {user: row["xp"] for user, row in reader.table.items()}


def has(expected: dict[str, int]) -> Callable[[Reader], bool]:
    return lambda reader: xp_of(reader) == expected and reader.last_id is not None


def xp_gained(user: str, n: int) -> AnyEvent:
    data = XPGained(amount=n, multiplier_ppm=0, source="trade", source_event_id="s", total_xp=n)
    return Event.first(
        data, event_id=new_id(Instant(n * 1_000_000)), time=Instant(n * 1_000_000), key=user, rules_version=1
    )


def executed(user: str, market: str, n: int) -> AnyEvent:
    data = TradeExecuted(
        trade_id=f"t-{n}", fill_id=f"f-{n}", venue="v", market=market, side="buy", mode="live", price=Quantity.of(1),
        size=Quantity.of(n), notional_usd=Usd.of(1), fee_usd=Usd(0), closed_pnl_usd=Usd(0), closes=False,
    )  # fmt: skip
    return Event.first(
        data, event_id=new_id(Instant(n * 1_000_000)), time=Instant(n * 1_000_000), key=user, rules_version=1
    )


async def test_a_snapshot_then_every_change(server: httpx.AsyncClient, worker: Worker) -> None:
    await worker.put_user(TABLE, "alice", progress(10))
    reader = Reader(server, "/v1/feed/progress")
    reading = asyncio.create_task(reader.read(has({"alice": 25, "bob": 5})))
    await reader.current.wait()
    assert xp_of(reader) == {"alice": 10}
    await worker.put_user(TABLE, "alice", progress(25))
    await worker.put_user(TABLE, "bob", progress(5))
    await reading
    assert "resync" not in reader.names


async def test_a_damaged_partition_does_not_stop_the_feed_of_the_others(
    server: httpx.AsyncClient, worker: Worker, log: Log
) -> None:
    damaged = partition_for(b"alice", PARTITIONS)
    other = next(user for user in (f"u-{n}" for n in range(99)) if partition_for(user.encode(), PARTITIONS) != damaged)
    await worker.put_user(TABLE, "alice", progress(10))
    reader = Reader(server, "/v1/feed/progress")
    reading = asyncio.create_task(reader.read(has({"alice": 10, other: 3})))
    await reader.current.wait()
    await log.redis.xadd(log.keys.stream(changelog_topic("astratrade", TABLE), damaged), {"x": "1"})
    for n in range(1, 4):
        await worker.put_user(TABLE, other, progress(n))
    await reading
    assert "resync" not in reader.names


async def test_random_disconnects_lose_and_repeat_nothing(
    server: httpx.AsyncClient, served_app: FastAPI, worker: Worker
) -> None:
    # The feed sends many small deltas, so that the disconnects fall between them.
    served_app.state.api.hub.followers["xp"].round_s = 0
    chance = random.Random(7)
    reader = Reader(server, "/v1/feed/xp", {"last": 1}, key="id")
    await worker.emit(topics.GAMIFICATION_EVENTS, xp_gained("first", 1))
    await reader.read(lambda r: r.last_id is not None)
    total = 400

    connected = asyncio.Event()

    async def write() -> None:
        for n in range(2, total + 1):
            await worker.emit(topics.GAMIFICATION_EVENTS, xp_gained(f"u-{chance.randrange(50)}", n))
            if chance.randrange(20) == 0:  # Leave some changes to send after the next connection.
                await connected.wait()
                connected.clear()

    writing = asyncio.create_task(write())
    connections = 0
    async with asyncio.timeout(30):
        while len(reader.received) < total:
            await reader.read(lambda r: len(r.received) >= total, at_most=1)
            connections += 1
            connected.set()
    await writing
    assert sorted(row["amount"] for row in reader.received) == list(range(1, total + 1))
    assert connections > 5
    assert "resync" not in reader.names
    assert reader.names.count("snapshot") == 2


async def test_a_table_kept_across_disconnects_equals_the_table(server: httpx.AsyncClient, worker: Worker) -> None:
    chance = random.Random(11)
    expected: dict[str, int] = {}
    reader = Reader(server, "/v1/feed/progress")

    async def write() -> None:
        for n in range(1, 300):
            user = f"u-{chance.randrange(20)}"
            await worker.put_user(TABLE, user, progress(n))
            expected[user] = n

    writing = asyncio.create_task(write())
    while not writing.done():
        await reader.read(lambda _: False, at_most=chance.randrange(1, 8))
    await writing
    await reader.read(has(expected))
    assert "resync" not in reader.names


@pytest.mark.parametrize("spoil", ["epoch", "rolled_back", "malformed", "trimmed"])
async def test_a_gap_that_cannot_be_filled_says_resync_and_starts_afresh(
    server: httpx.AsyncClient, worker: Worker, log: Log, spoil: str
) -> None:
    for n in range(1, 5):
        await worker.put_user(TABLE, "alice", progress(n))
    topic, partition = changelog_topic("astratrade", TABLE), worker.partition("alice")
    epoch = (await log.topic(topic)).incarnation
    offsets = ".".join(f"{p}-0" for p in range(PARTITIONS))
    ids = {
        "epoch": f"other:{offsets}",
        "rolled_back": f"{epoch}:" + offsets.replace(f"{partition}-0", f"{partition}-99"),
        "trimmed": f"{epoch}:{offsets}",
    }
    await log.redis.xtrim(log.keys.stream(topic, partition), minid="0-4", approximate=False)
    last_id = PROGRESS_IDS.seal(ids[spoil]) if spoil in ids else "nonsense"
    reader = Reader(server, "/v1/feed/progress", last_id=last_id)
    await reader.read(has({"alice": 4}))
    assert reader.names[:2] == ["resync", "snapshot"]
    assert reader.resyncs == [spoil]


async def test_a_topic_made_anew_under_a_feed_says_resync(server: httpx.AsyncClient, worker: Worker, log: Log) -> None:
    await worker.put_user(TABLE, "alice", progress(1))
    reader = Reader(server, "/v1/feed/progress")
    reading = asyncio.create_task(reader.read(has({"alice": 2, "bob": 1})))
    await reader.current.wait()
    keys = [key async for key in log.redis.scan_iter(match=f"{{{log.keys.namespace}}}*")]
    await log.redis.delete(*keys)
    await worker.create_topics()
    await worker.put_user(TABLE, "alice", progress(2))
    await worker.put_user(TABLE, "bob", progress(1))
    await reading
    assert reader.resyncs == ["epoch"]


async def test_a_record_that_a_feed_cannot_read_does_not_end_it(
    server: httpx.AsyncClient, worker: Worker, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followers, "RETRY_MAX_S", 0.01)
    await worker.put_user(TABLE, "alice", progress(1))
    reader = Reader(server, "/v1/feed/progress", {"user": ["alice"]})
    reading = asyncio.create_task(reader.read(has({"alice": 2})))
    await reader.current.wait()
    await log.append([Record(changelog_topic("astratrade", TABLE), 0, b"\xff", b"{}", 0)])
    while reader.resyncs != ["failed"] or not reader.last_id:
        await asyncio.wait({reading}, timeout=0.01)
        assert not reading.done(), reading.exception()
    await worker.put_user(TABLE, "alice", progress(2))
    await reading
    assert reader.names[-1] == "delta"


async def test_only_the_users_asked_for(server: httpx.AsyncClient, worker: Worker) -> None:
    for user in ("alice", "bob", "carol"):
        await worker.put_user(TABLE, user, progress(1))
    reader = Reader(server, "/v1/feed/progress", {"user": ["alice", "bob"]})
    reading = asyncio.create_task(reader.read(has({"alice": 2, "bob": 1})))
    await reader.current.wait()
    await worker.put_user(TABLE, "carol", progress(2))
    await worker.put_user(TABLE, "alice", progress(2))
    await reading
    assert all(row["user_id"] != "carol" for row in reader.received)


async def test_a_portfolio_is_its_owners(server: httpx.AsyncClient, worker: Worker) -> None:
    assert_problem(await server.get("/v1/feed/portfolio"), 401, "unauthenticated")
    for user, balance in (("alice", 1), ("bob", 2)):
        row = Portfolio(practice_balance=balance * USD_UNIT, updated_at=0)
        await worker.put_user(TRADING_PORTFOLIO.name, user, row)
    reader = Reader(server, "/v1/feed/portfolio", {"headers": auth("alice")}, key="practice_balance_usd")
    reading = asyncio.create_task(reader.read(lambda r: "3.00" in r.table))
    await reader.current.wait()
    for user, balance in (("bob", 4), ("alice", 3)):
        row = Portfolio(practice_balance=balance * USD_UNIT, updated_at=0)
        await worker.put_user(TRADING_PORTFOLIO.name, user, row)
    await reading
    assert set(reader.table) == {"1.00", "3.00"}


async def test_the_top_of_a_board_follows_every_change(server: httpx.AsyncClient, worker: Worker) -> None:
    board = group("volume", "BTC", "all")
    for n in range(5):
        await worker.rank(board, f"u-{n}", n * USD_UNIT)
    reader = Reader(server, "/v1/feed/boards", {"board": "volume", "market": "BTC", "top": 3})

    def top(reader: Reader) -> list[str]:
        return [row["user_id"] for row in sorted(reader.table.values(), key=lambda row: row["rank"])]

    await reader.read(lambda r: r.last_id is not None)
    assert top(reader) == ["u-4", "u-3", "u-2"]
    reading = asyncio.create_task(reader.read(lambda r: top(r) == ["u-0", "u-3", "u-2"]))
    await worker.rank(group("volume", "global", "all"), "u-1", 99 * USD_UNIT)
    await worker.rank(board, "u-0", 10 * USD_UNIT)
    await worker.rank(board, "u-4", -USD_UNIT)
    await reading
    assert "resync" not in reader.names


async def test_however_many_watch_a_board_a_change_is_read_once(
    server: httpx.AsyncClient, served_app: FastAPI, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = group("volume", "BTC", "all")
    await worker.rank(board, "u", USD_UNIT)
    readers = [Reader(server, "/v1/feed/boards", {"board": "volume", "market": "BTC"}) for _ in range(8)]

    def leads(user: str) -> Callable[[Reader], bool]:
        return lambda reader: any(row["rank"] == 1 for row in reader.table.values() if row["user_id"] == user)

    reading = [asyncio.create_task(reader.read(leads("v"))) for reader in readers]
    await asyncio.gather(*[reader.current.wait() for reader in readers])
    tables, reads = served_app.state.api.hub.tables, 0
    page = tables.page

    async def counted(*args: Any, **options: Any) -> Any:
        nonlocal reads
        reads += 1
        return await page(*args, **options)

    monkeypatch.setattr(tables, "page", counted)
    await worker.rank(board, "v", 2 * USD_UNIT)
    await asyncio.gather(*reading)
    assert reads == 1


async def test_the_tape_has_executions_of_the_market_alone(server: httpx.AsyncClient, worker: Worker) -> None:
    await worker.emit(topics.TRADING_EVENTS, *(executed(f"u-{n}", "BTC" if n % 2 else "ETH", n) for n in range(20)))
    reader = Reader(server, "/v1/feed/trades", {"market": "BTC", "last": 5}, key="size")
    await reader.read(lambda r: r.last_id is not None)
    assert [row["size"] for row in reader.received] == [str(n) for n in (11, 13, 15, 17, 19)]
    reading = asyncio.create_task(reader.read(lambda r: "21" in r.table))
    await worker.emit(topics.TRADING_EVENTS, executed("a", "ETH", 20), executed("a", "BTC", 21))
    await reading
    assert "20" not in reader.table


async def test_the_tape_shows_an_execution_once_though_it_was_replayed_for_a_group(
    server: httpx.AsyncClient, worker: Worker, log: Log
) -> None:
    appended = await worker.emit(topics.TRADING_EVENTS, executed("a", "BTC", 1))
    place = TopicPartition(topics.TRADING_EVENTS, worker.partition("a"))
    [record] = (await log.fetch({place: appended.offsets[0]}))[place]
    letter = DeadLetter(
        "demo-gamification", place.topic, place.partition, record.offset, record.key, record.value,
        record.timestamp_ms, record.headers, "no", 1, "agent",
    )  # fmt: skip
    await log.append([letter.replay_record(letter.partition)])
    await worker.emit(topics.TRADING_EVENTS, executed("a", "BTC", 2))
    reader = Reader(server, "/v1/feed/trades", {"market": "BTC", "last": 5}, key="size")
    await reader.read(lambda r: r.last_id is not None)
    assert [row["size"] for row in reader.received] == ["1", "2"]


async def test_the_xp_feed_leaves_streaks_out(server: httpx.AsyncClient, worker: Worker) -> None:
    streak = StreakUpdated(kind="trading", days=1, best=1, action="started")
    level = LevelUp(old=1, new=2, max_leverage=15)
    for n, data in enumerate((streak, level)):
        event: AnyEvent = Event.first(data, event_id=new_id(Instant(n)), time=Instant(n), key="alice", rules_version=1)
        await worker.emit(topics.GAMIFICATION_EVENTS, event)
    reader = Reader(server, "/v1/feed/xp", key="type")
    await reader.read(lambda r: r.last_id is not None)
    assert set(reader.table) == {"LevelUp"}


async def test_a_quiet_feed_says_so_and_its_mark_can_be_resumed_from(
    server: httpx.AsyncClient, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "PROGRESS_EVERY_S", 0.05)
    reader = Reader(server, "/v1/feed/progress", {"user": ["alice"]})
    await worker.put_user(TABLE, "bob", progress(1))
    await reader.read(lambda r: r.names.count("progress") == 2)
    assert reader.last_id is not None
    assert f"{worker.partition('bob')}-1" in PROGRESS_IDS.open(reader.last_id)
    await worker.put_user(TABLE, "alice", progress(3))
    await reader.read(has({"alice": 3}))
    assert reader.names.count("snapshot") == 2


async def test_feeds_end_at_once_when_the_server_stops(served_app: FastAPI, worker: Worker) -> None:
    async with serving(served_app) as (url, server), httpx.AsyncClient(base_url=url) as client:
        reader = Reader(client, "/v1/feed/progress")
        reading = asyncio.create_task(reader.read(lambda _: False))
        await reader.current.wait()
        server.should_exit = True
        async with asyncio.timeout(3):
            with pytest.raises(StopAsyncIteration):
                await reading


async def test_a_client_that_reads_nothing_slows_no_other_and_is_told_to_start_afresh(
    served_app: FastAPI, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "PENDING_CHANGES_MAX", 2_000)
    total = 40_000
    async with serving(served_app) as (url, _), httpx.AsyncClient(base_url=url) as client, stuck_client(url) as stuck:
        reader = Reader(client, "/v1/feed/xp", key="id")
        async with aclosing(events(client, reader.path)) as stream:
            while not reader.current.is_set():
                reader.take(await anext(stream))
            for start in range(0, total, 500):
                gained = (xp_gained(f"u-{n % 50}", n) for n in range(start + 1, start + 501))
                await worker.emit(topics.GAMIFICATION_EVENTS, *gained)
                while len(reader.received) < start + 500:
                    reader.take(await anext(stream))
        assert "resync" not in reader.names
        [slow] = [session for session in served_app.state.api.hub.sessions if session.subscriber.lost]
        assert slow.subscriber.lost == "slow"
        async with asyncio.timeout(10):
            received = await stuck.read()
        assert b'event: resync\ndata: {"why":"slow"}\nid: \n\n' in received


@asynccontextmanager
async def stuck_client(url: str) -> AsyncIterator[asyncio.StreamReader]:
    """Connect a client that requests a feed and then reads nothing until the test does."""
    host, port = url.removeprefix("http://").split(":")
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, (host, int(port)))
    reader, writer = await asyncio.open_connection(sock=connection, limit=1_024)
    writer.write(b"GET /v1/feed/xp HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    await reader.readline()
    try:
        yield reader
    finally:
        writer.close()
        await writer.wait_closed()


async def test_wrong_feeds_are_problems(server: httpx.AsyncClient) -> None:
    assert_problem(await server.get("/v1/feed/nothing"), 404, "not-found")
    assert_problem(await server.get("/v1/feed/boards"), 422, "validation")
    assert_problem(await server.get("/v1/feed/boards", params={"board": "xp", "period": "x"}), 422, "validation")
    answer = await server.get("/v1/feed/positions", headers={"Authorization": "Bearer x"})
    assert_problem(answer, 401, "unauthenticated")
