"""The test driver runs every part of an app in virtual time."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import faust
import pytest
from faust_redis import Batch, TransientError, batch_agent
from faust_redis.log import TopicSpec
from faust_redis.testing import TestDriver, TestRecord

STORES = ("memory://", "faust-redis-rocksdb://")


def make_app(store: str = "memory://", partitions: int = 4, **settings: Any) -> Any:
    return faust.App("app", broker="redis://unused", store=store, topic_partitions=partitions, **settings)


@pytest.mark.parametrize("store", STORES)
def test_an_agent_counts_in_a_table_and_sends_on(store: str) -> None:
    app = make_app(store)
    words = app.topic("words", key_type=str, value_type=str)
    counts = app.topic("counts", key_type=str, value_type=int)
    table = app.Table("totals", default=int, key_type=str, value_type=int)

    @app.agent(words)
    async def count(stream: Any) -> None:
        async for word in stream:
            table[word] += 1
            await counts.send(key=word, value=table[word])

    with TestDriver(app) as driver:
        for word in ("ada", "bob", "ada"):
            driver.pipe("words", word, key=word)
        assert driver.table("totals") == {"ada": 2, "bob": 1}
        assert [each.value for each in driver.read("counts") if each.key == "ada"] == [1, 2]


def test_records_come_back_as_they_went_in() -> None:
    app = make_app(partitions=2)

    @app.agent(app.topic("in", key_type=str, value_type=str))
    async def read(stream: Any) -> None:
        async for _ in stream:
            pass

    with TestDriver(app) as driver:
        driver.pipe("in", "one", key="k", timestamp=12.5, headers={"a": "b"}, partition=1)
        driver.topic("in").pipe("two", key="k", timestamp=datetime(2026, 1, 1, tzinfo=UTC), partition=1)
        assert driver.topic("in").read() == [
            TestRecord("k", "one", 12.5, {"a": b"b"}, 1, 0, 1),
            TestRecord("k", "two", 1_767_225_600.0, {}, 1, 1, 2),
        ]


@pytest.mark.parametrize("store", STORES)
def test_a_batch_agent_gets_records_that_were_piped_together(store: str) -> None:
    app, sizes = make_app(store, partitions=1), []
    table = app.Table("totals", default=int, key_type=str, value_type=int)

    @batch_agent(app, app.topic("in", key_type=str, value_type=int))
    async def add(batch: Batch[int]) -> None:
        sizes.append(len(batch))
        for each in batch:
            table[each.key] += each.value

    with TestDriver(app) as driver:
        driver.pipe_all("in", [("ada", 1), ("ada", 2), ("bob", 3)])
        assert driver.table(table) == {"ada": 3, "bob": 3}
        assert sizes == [3]


@pytest.mark.parametrize("store", STORES)
def test_a_tumbling_window_closes_when_event_time_has_passed(store: str) -> None:
    app, closed = make_app(store), []

    def on_close(key: Any, value: Any) -> None:
        closed.append((key, value))

    table = app.Table("hits", default=int, key_type=str, value_type=int, on_window_close=on_close)
    hits = table.tumbling(60, expires=120, key_index=False).relative_to_stream()

    @app.agent(app.topic("in", key_type=str, value_type=str))
    async def count(stream: Any) -> None:
        async for key, _ in stream.items():  # noqa: PERF102
            hits[key] += 1

    with TestDriver(app) as driver:
        driver.pipe("in", "x", key="ada", timestamp=600)
        driver.pipe("in", "x", key="ada", timestamp=610)
        assert driver.table("hits") == {("ada", (600.0, 659.9)): 2}
        driver.advance_event_time(100)
        assert not closed
        driver.advance_event_time(100)
        assert closed == [(("ada", (600.0, 659.9)), 2)]
        assert driver.table("hits") == {}


def test_wall_clock_time_closes_windows_of_an_idle_partition() -> None:
    app, closed = make_app(), []
    table = app.Table("hits", default=int, on_window_close=lambda key, value: closed.append(value))
    hits = table.hopping(60, 30, expires=120).relative_to_stream()

    @app.agent(app.topic("in", key_type=str, value_type=str))
    async def count(stream: Any) -> None:
        async for key, _ in stream.items():  # noqa: PERF102
            hits[key] += 1

    with TestDriver(app) as driver:
        driver.pipe("in", "x", key="ada")
        assert list(driver.table("hits").values()) == [1, 1]
        driver.advance(300)
        assert closed == [1, 1]


def test_a_set_table_holds_sets() -> None:
    app = make_app()
    seen = app.SetTable("seen", key_type=str, value_type=str)

    @app.agent(app.topic("in", key_type=str, value_type=str))
    async def collect(stream: Any) -> None:
        async for key, value in stream.items():
            seen[key].add(value)

    with TestDriver(app) as driver:
        for value in ("a", "b", "a"):
            driver.pipe("in", value, key="ada")
        assert driver.table("seen") == {"ada": {"a", "b"}}


def test_timers_and_crontabs_run_when_their_time_comes() -> None:
    app, ran = make_app(), []

    @app.timer(10)
    async def tick() -> None:
        ran.append("tick")

    @app.timer(10, on_leader=True)
    async def leader() -> None:
        ran.append("leader")

    @app.crontab("0 * * * *")
    async def hourly() -> None:
        ran.append(f"{datetime.fromtimestamp(time.time(), UTC):%H:%M}")

    with TestDriver(app, start=datetime(2026, 5, 1, 11, 59, 30, tzinfo=UTC)) as driver:
        assert driver.now == datetime(2026, 5, 1, 11, 59, 30, tzinfo=UTC).timestamp()
        assert ran == []
        driver.advance(10)
        assert sorted(ran) == ["leader", "tick"]
        driver.advance(21)
        assert "12:00" in ran


def test_group_by_sends_records_through_a_repartition_topic() -> None:
    app = make_app()
    table = app.Table("by_country", default=int, key_type=str, value_type=int)

    @app.agent(app.topic("orders", key_type=str))
    async def total(stream: Any) -> None:
        async for order in stream.group_by(lambda order: order["country"], name="country"):
            table[order["country"]] += order["amount"]

    with TestDriver(app) as driver:
        driver.pipe("orders", {"country": "SE", "amount": 2}, key="1")
        driver.pipe("orders", {"country": "SE", "amount": 3}, key="2")
        assert driver.table("by_country") == {"SE": 5}


def test_ask_returns_what_an_agent_yields() -> None:
    app = make_app(reply_create_topic=True)

    @app.agent(app.topic("add", value_type=int))
    async def add(stream: Any) -> Any:
        async for value in stream:
            yield value + 1

    with TestDriver(app) as driver:
        assert driver.run(add.ask(1)) == 2


def test_one_agent_may_send_to_another_and_wait_for_time() -> None:
    app = make_app()
    out = app.topic("out", value_type=float)

    @app.agent(app.topic("first", value_type=str), sink=[out])
    async def first(stream: Any) -> Any:
        async for _ in stream:
            began = time.monotonic()
            await asyncio.sleep(30)
            yield time.monotonic() - began

    with TestDriver(app) as driver:
        driver.pipe("first", "x")
        [record] = driver.read("out")
        assert record.value == pytest.approx(30, abs=0.001)


def test_an_event_that_fails_becomes_a_dead_letter_and_others_go_on() -> None:
    app, tries = make_app(), []
    table = app.Table("done", default=int, key_type=str, value_type=int)

    @app.agent(app.topic("in", key_type=str, value_type=str))
    async def work(stream: Any) -> None:
        async for key, value in stream.items():
            table[key] += 1
            tries.append(value)
            if value == "poison":
                raise ValueError("it is poison")
            if value == "flaky" and tries.count(value) < 3:
                raise TransientError("try again")

    with TestDriver(app) as driver:
        for value in ("good", "poison", "flaky"):
            driver.pipe("in", value, key="ada")
        [letter] = driver.dead_letters()
        assert letter.value == b'"poison"'
        assert "it is poison" in letter.error
        assert driver.table("done") == {"ada": 2}
        assert tries.count("flaky") == 3


class Order(faust.Record):
    """A model with a value of its own type."""

    amount: int


def test_models_go_in_and_come_out() -> None:
    app = make_app()
    orders = app.topic("orders", value_type=Order)
    big = app.topic("big", value_type=Order)

    @app.agent(orders, sink=[big])
    async def pick(stream: Any) -> Any:
        async for order in stream.filter(lambda order: order.amount > 1):
            yield order

    with TestDriver(app) as driver:
        driver.pipe(orders, Order(amount=1))
        driver.pipe("orders", Order(amount=5))
        assert [each.value for each in driver.read("big")] == [Order(amount=5)]


def test_several_apps_share_a_broker_each_in_its_own_group() -> None:
    def make(name: str, source: str, target: str) -> Any:
        app: Any = faust.App(name, broker="redis://unused", store="memory://", topic_partitions=1)
        out = app.topic(target, value_type=str)
        seen = app.Table("seen", default=int)

        @app.agent(app.topic(source, value_type=str))
        async def forward(stream: Any) -> None:
            async for value in stream:
                seen[value] += 1
                await out.send(value=f"{value} {name}")

        return app

    first, second = make("first", "a", "b"), make("second", "b", "c")
    with TestDriver(first, second, topics=[TopicSpec("c", 1)]) as driver:
        driver.pipe("a", "from")
        assert [each.value for each in driver.read("c")] == ["from first second"]
        assert driver.table(second.tables["seen"]) == {"from first": 1}
        with pytest.raises(ValueError, match="several apps have a table 'seen'"):
            driver.table("seen")


def test_a_key_with_rows_in_several_partitions_is_asked_for_by_partition() -> None:
    app = make_app("faust-redis-rocksdb://", partitions=2)
    table = app.Table("totals", default=int, key_type=str, value_type=int)

    @app.agent(app.topic("in", value_type=str))
    async def count(stream: Any) -> None:
        async for _ in stream:
            table["all"] += 1

    with TestDriver(app) as driver:
        for partition in (0, 0, 1):
            driver.pipe("in", "x", partition=partition)
        assert [driver.table("totals", partition=partition) for partition in (0, 1)] == [{"all": 2}, {"all": 1}]
        with pytest.raises(ValueError, match="rows in several partitions"):
            driver.table("totals")
