"""Recovery restores tables from snapshot and tail: complete, of the right log, and without needless reads."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from faust.exceptions import ImproperlyConfigured
from faust.types import TP
from faust_redis.driver.state.plain import check_stores
from faust_redis.driver.state.restore import Restorer
from faust_redis.driver.state.stores import Checkpoint
from faust_redis.log import Log
from faust_redis.log.retention import TAIL_MS
from faust_redis.log.shards import WHOLE
from faust_redis.rocksdb.database import Database

from tests.backup import dump, restore
from tests.contract.harness import DEADLINE_S, PARTITIONS, SHARDS, Broker, running, until

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.only_on_redis("reading tables from snapshots is our driver's"),
]

INT: Any = int
ROCKS, MEMORY = "faust-redis-rocksdb://", "memory://"
KEYS = 300


class Summing:
    """An application that sums values by key in one table."""

    def __init__(self, broker: Broker, member: str, store: str, **settings: Any) -> None:
        self.app = broker.app(member=member, store=store, **settings)
        self.topic = self.app.topic(broker.name("in"), key_type=str, value_type=INT)
        self.sums = self.app.Table("sums", default=int)
        self.changelog = f"{broker.name('app')}-sums-changelog"
        self.hold = asyncio.Event()
        self.hold.set()

        @self.app.agent(self.topic)
        async def add(stream: Any) -> None:
            async for key, value in stream.items():
                self.sums[key] += value
                await self.hold.wait()

    async def send(self, value: int, keys: int = KEYS) -> None:
        await asyncio.gather(*[await self.topic.send(key=f"k{i}", value=value) for i in range(keys)])

    async def until_sum(self, expected: int) -> None:
        await until(lambda: sum(self.sums.values()) == expected)
        await until(lambda: not cast("Any", self.app.transport).driver.committer.tracker.busy())
        await self.app.consumer.commit()

    @property
    def restored(self) -> int:
        """Return the rows and records that were read to restore the tables last time."""
        return int(cast("Any", self.app.transport).driver.restorer.restored)

    @property
    def total(self) -> int | None:
        """Return how many there were in all."""
        return cast("int | None", cast("Any", self.app.transport).driver.restorer.total)


async def trim_to_the_last(log: Log, topic: str) -> None:
    for p in PARTITIONS:
        await log.redis.execute_command("XTRIM", log.keys.stream(topic, p), "MAXLEN", 1)


@pytest.mark.parametrize("store", [ROCKS, MEMORY])
async def test_a_trimmed_changelog_is_read_from_its_snapshot(broker: Broker, log: Log, store: str) -> None:
    first = Summing(broker, "m1", store)
    async with running(first.app):
        await first.send(1)
        await first.until_sum(KEYS)
        await first.send(1)
        await first.until_sum(2 * KEYS)
    await trim_to_the_last(log, first.changelog)
    second = Summing(broker, "m2", store)
    async with running(second.app):
        assert dict(second.sums.items()) == {f"k{i}": 2 for i in range(KEYS)}
        # The reader gets each key once, and the last record of each tail.
        assert KEYS <= second.restored <= KEYS + len(PARTITIONS)
        assert second.total == second.restored, "the total of a finished partition is the number of rows read"
        await second.send(1)
        await second.until_sum(3 * KEYS)


async def test_a_deleted_row_does_not_come_back_from_a_snapshot(broker: Broker, log: Log) -> None:
    first = Summing(broker, "m1", ROCKS)
    deletions = first.app.topic(broker.name("in"), key_type=str, value_type=INT)
    assert deletions is not None
    async with running(first.app):
        await first.send(1)
        await first.until_sum(KEYS)
    other = Summing(broker, "m2", ROCKS)

    @other.app.agent(other.app.topic(broker.name("gone"), key_type=str, value_type=INT))
    async def delete(stream: Any) -> None:
        async for event in stream.events():
            del other.sums[event.key]

    async with running(other.app):
        await asyncio.gather(*[await other.app.topic(broker.name("gone"), key_type=str, value_type=INT).send(
            key=f"k{i}", value=0) for i in range(100)])  # fmt: skip
        await other.until_sum(KEYS - 100)
    await trim_to_the_last(log, first.changelog)
    third = Summing(broker, "m1", ROCKS)  # The app starts with its old local rows.
    async with running(third.app):
        assert sorted(third.sums.keys()) == sorted(f"k{i}" for i in range(100, KEYS))


async def test_a_worker_with_local_rows_reads_only_the_tail(broker: Broker) -> None:
    first = Summing(broker, "m1", ROCKS)
    async with running(first.app):
        await first.send(1)
        await first.until_sum(KEYS)
    other = Summing(broker, "m2", ROCKS)
    async with running(other.app):
        await other.send(5, keys=10)
        await other.until_sum(KEYS + 50)
    back = Summing(broker, "m1", ROCKS)
    async with running(back.app):
        assert back.restored == 10
        assert sum(back.sums.values()) == KEYS + 50


async def test_a_commit_without_rows_leaves_the_checkpoint_of_a_table(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    """A worker that comes back, processes events that change nothing and is killed has no table to rebuild."""

    def application() -> tuple[Summing, Any]:
        one = Summing(broker, "one", ROCKS, topic_partitions=SHARDS)
        quiet = one.app.Table("quiet", default=int, partitions=SHARDS)
        looked = one.app.topic(broker.name("looked"), key_type=str, value_type=INT, partitions=SHARDS)

        @one.app.agent(looked)
        async def look(stream: Any) -> None:
            async for _ in stream:
                for table in (one.sums, quiet):
                    cast("Any", table).put_many(())

        return one, looked

    first, _ = application()
    async with running(first.app):
        await first.send(1)
        await first.until_sum(KEYS)
    for _ in range(2):
        again, looked = application()
        async with running(again.app):
            await looked.send(key="k", value=1)
            await again.until_sum(KEYS)
        assert again.restored == 0
    assert "rebuilding" not in caplog.text


async def test_rows_of_a_log_that_was_restored_to_an_earlier_state_are_dropped_though_it_has_grown_since(
    broker: Broker, log: Log
) -> None:
    """The incarnation is the same and the log reaches further than the local rows: only the writers tell them apart."""
    first = Summing(broker, "m1", ROCKS)
    async with running(first.app):
        await first.send(1)
        await first.until_sum(KEYS)
    backup = await dump(log)
    lost = Summing(broker, "m1", ROCKS)
    async with running(lost.app):
        await lost.send(1_000)
        await lost.until_sum(KEYS + KEYS * 1_000)
    await restore(log, backup)
    other = Summing(broker, "m2", ROCKS)
    async with running(other.app):
        for value in (2, 3):
            await other.send(value)
        await other.until_sum(KEYS * 6)
    back = Summing(broker, "m1", ROCKS)
    async with running(back.app):
        assert dict(back.sums.items()) == {f"k{i}": 6 for i in range(KEYS)}


async def test_rows_of_a_snapshot_that_was_half_read_are_not_trusted(broker: Broker, log: Log) -> None:
    first = Summing(broker, "m1", ROCKS)
    async with running(first.app):
        await first.send(1)
        await first.until_sum(KEYS)
    second = Summing(broker, "m2", ROCKS)
    database = Database.acquire(second.app.conf.tabledir / "rocksdb")
    for p in PARTITIONS:  # A worker that was killed while it read leaves its rows in this state.
        database.write("sums", p, [(b'"left"', b"7")], None)
    database.release()
    async with running(second.app):
        assert dict(second.sums.items()) == {f"k{i}": 1 for i in range(KEYS)}


async def test_a_rebalance_interrupts_the_reading_of_a_snapshot_and_the_next_assignment_starts_over(
    broker: Broker, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Summing(broker, "m1", ROCKS)
    async with running(first.app):
        await first.send(1)
        await first.until_sum(KEYS)
    reading, tries = asyncio.Event(), []
    whole = Restorer.restore

    async def slow_at_first(self: Restorer, tps: set[TP]) -> None:
        tries.append(len(tps))
        if len(tries) == 1:
            await self._copy(*next((tp, s) for tp in sorted(tps) for t, s in stores(self) if t == tp.topic))
            reading.set()
            await asyncio.Event().wait()
        await whole(self, tps)

    def stores(restorer: Restorer) -> Any:
        return restorer.stores().items()

    monkeypatch.setattr(Restorer, "restore", slow_at_first)
    second, third = Summing(broker, "m2", ROCKS), Summing(broker, "m3", ROCKS)
    second.app.finalize()
    starting = asyncio.create_task(second.app.start())
    try:
        await asyncio.wait_for(reading.wait(), DEADLINE_S)
        assert second.app.rebalancing
        async with running(third.app):
            await until(lambda: not second.app.rebalancing)
            assert len(tries) >= 3
            rows = dict(second.sums.items()) | dict(third.sums.items())
            assert rows == {f"k{i}": 1 for i in range(KEYS)}
    finally:
        await second.app.stop()
        await starting


@pytest.mark.parametrize("store", [ROCKS, MEMORY])
async def test_an_events_table_writes_are_undone_before_it_is_processed_again(
    broker: Broker, log: Log, store: str
) -> None:
    summing = Summing(broker, "m1", store)
    async with running(summing.app):
        await summing.send(1, keys=10)
        await summing.until_sum(10)
        summing.hold.clear()
        await summing.send(1, keys=1)
        await until(lambda: sum(summing.sums.values()) == 11)
        transport, generation = cast("Any", summing.app.transport), summing.app.consumer_generation_id
        transport.driver.fencing.fence("its lease ran out")
        await until(lambda: summing.app.consumer_generation_id > generation)
        summing.hold.set()
        await until(lambda: not summing.app.rebalancing)
        await summing.send(1, keys=10)
        await summing.until_sum(21)


async def test_rows_of_another_log_are_recognised_by_its_writer(broker: Broker, log: Log) -> None:
    first = Summing(broker, "m1", ROCKS)
    async with running(first.app):
        await first.send(1)
        await first.until_sum(KEYS)
        store = cast("Any", first.sums).data
        checkpoints = [store.checkpoint(TP(first.changelog, p)) for p in PARTITIONS]
    assert all(isinstance(at, Checkpoint) and at.writer for at in checkpoints)


async def test_a_store_that_writes_before_the_commit_is_refused(broker: Broker) -> None:
    summing = Summing(broker, "m1", "rocksdb://?driver=rocksdict")
    summing.app.finalize()
    with pytest.raises(ImproperlyConfigured, match="faust-redis-rocksdb://"):
        check_stores(summing.app, WHOLE)
    starting = asyncio.create_task(summing.app.start())
    try:
        with pytest.raises(ImproperlyConfigured):
            await asyncio.wait_for(starting, DEADLINE_S)
    finally:
        await summing.app.stop()


@pytest.mark.one_broker("global tables need all partitions on one broker")
async def test_only_changelogs_with_a_snapshot_are_trimmed_soon(broker: Broker, log: Log) -> None:
    app = broker.app()
    topic = app.topic(broker.name("in"), key_type=str, value_type=INT, retention=7200.0)
    tables = {"plain": app.Table("plain", default=int), "set": app.SetTable("set"), "all": app.GlobalTable("all")}

    @app.agent(topic)
    async def ignore(stream: Any) -> None:
        async for _ in stream:
            pass

    async with running(app):
        kept = {name: (await log.topic(f"{app.conf.id}-{name}-changelog")).spec.retention_ms for name in tables}
        assert kept == {"plain": TAIL_MS, "set": 0, "all": 0}
        assert (await log.topic(broker.name("in"))).spec.retention_ms == 7_200_000
