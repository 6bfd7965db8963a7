"""Sensors of any kind see every event, table access and send, on the fast path and on Faust's own way."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from faust.sensors import Monitor, Sensor
from faust_redis import Batch, batch_agent
from faust_redis.driver.delivery.direct_queues import DirectQueue
from faust_redis.driver.faust_api.stream import Stream
from faust_redis.driver.sending.fast_topics import FastTopic
from faust_redis.driver.state.fast_tables import FastTable

from tests.contract.harness import FIRST, Broker, running, until

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.only_on_redis("the fast path is our driver's"),
]

INT: Any = int
RECORDS = 30


class Counting(Sensor):
    """A sensor that counts its calls, and checks that each end gets the value that its beginning returned."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()
        self.values: list[Any] = []

    def on_message_in(self, tp: Any, offset: int, message: Any) -> None:
        assert (message.tp, message.offset) == (tp, offset)
        self.counts["message_in"] += 1

    def on_message_out(self, tp: Any, offset: int, message: Any) -> None:
        assert (message.tp, message.offset) == (tp, offset)
        self.counts["message_out"] += 1

    def on_topic_buffer_full(self, tp: Any) -> None:
        self.counts["buffer_full"] += 1

    def on_stream_event_in(self, tp: Any, offset: int, stream: Any, event: Any) -> Any:
        self.counts["event_in"] += 1
        self.values.append(event.value)
        return {"offset": offset}

    def on_stream_event_out(self, tp: Any, offset: int, stream: Any, event: Any, state: Any = None) -> None:
        assert state == {"offset": offset}
        self.counts["event_out"] += 1

    def on_table_get(self, table: Any, key: Any) -> None:
        self.counts["table_get"] += 1

    def on_table_set(self, table: Any, key: Any, value: Any) -> None:
        self.counts["table_set"] += 1

    def on_table_del(self, table: Any, key: Any) -> None:
        self.counts["table_del"] += 1

    def on_send_initiated(self, producer: Any, topic: str, message: Any, keysize: int, valsize: int) -> Any:
        if topic.endswith("-out"):
            self.counts["send_begun"] += 1
        return topic

    def on_send_completed(self, producer: Any, state: Any, metadata: Any) -> None:
        assert metadata.topic == state
        if state.endswith("-out"):
            self.counts["send_done"] += 1

    def on_commit_initiated(self, consumer: Any) -> Any:
        self.counts["commit_begun"] += 1
        return self.counts["commit_begun"]

    def on_commit_completed(self, consumer: Any, state: Any) -> None:
        assert isinstance(state, int)
        self.counts["commit_done"] += 1


class CountingMonitor(Monitor):
    """A monitor of an app's own, which gets every call as any other sensor does."""


EXPECTED = dict.fromkeys(
    ("message_in", "message_out", "event_in", "event_out", "table_get", "table_set", "send_begun", "send_done"), RECORDS
)


async def play(app: Any, topic: Any, out: Any, sums: Any, sensor: Counting) -> int:
    """Send records to an app and wait until its sensors have all calls; return how many used a direct queue."""
    put, direct = DirectQueue.put, 0

    def counting(self: DirectQueue, events: list[Any]) -> None:
        nonlocal direct
        direct += len(events)
        put(self, events)

    app.sensors.add(sensor)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DirectQueue, "put", counting)
        async with running(app):
            await asyncio.gather(*[await topic.send(key="k", value=i, partition=FIRST) for i in range(RECORDS)])
            await until(lambda: sensor.counts["send_done"] == RECORDS and sensor.counts["message_out"] == RECORDS)
            assert sums["k"] == sum(range(RECORDS))
            assert type(sums) is FastTable
            assert type(out) is FastTopic
            assert out.fast_path is not None
    return direct


@pytest.mark.parametrize("monitor", [Monitor, CountingMonitor])
async def test_an_event_agent_keeps_the_fast_path_and_its_sensors(broker: Broker, monitor: Any) -> None:
    app = broker.app(store="faust-redis-rocksdb://", Monitor=monitor)
    topic, out = app.topic(broker.name("in"), value_type=INT), app.topic(broker.name("x-out"), value_type=INT)
    sums, sensor = app.Table("sums", default=int), Counting()
    plain: list[bool] = []

    @app.agent(topic)
    async def add(stream: Any) -> None:
        assert isinstance(stream, Stream)
        plain.append(stream._is_plain())
        async for value in stream:
            sums["k"] += value
            await out.send(key="k", value=value)

    assert await play(app, topic, out, sums, sensor) == RECORDS
    sensor.counts["table_get"] -= 1  # Do not count the test's own read.
    assert plain == [True]
    assert {name: sensor.counts[name] for name in EXPECTED} == EXPECTED
    assert sorted(sensor.values) == list(range(RECORDS))
    assert sensor.counts["commit_begun"] == sensor.counts["commit_done"] >= 1
    counts = app.monitor
    assert counts.messages_received_total >= RECORDS
    assert counts.messages_sent_by_topic[out.get_topic_name()] == RECORDS


async def test_a_batch_agent_works_with_any_sensor(broker: Broker) -> None:
    app = broker.app(store="faust-redis-rocksdb://")
    topic, out = app.topic(broker.name("in"), value_type=INT), app.topic(broker.name("x-out"), value_type=INT)
    sums, sensor = app.Table("sums", default=int), Counting()
    sizes: list[int] = []

    @batch_agent(app, topic)
    async def add(batch: Batch[int]) -> None:
        sizes.append(len(batch))
        await asyncio.sleep(0.02)  # More records arrive meanwhile.
        for value in batch.values:
            sums["k"] += value
            await out.send(key="k", value=value)

    assert await play(app, topic, out, sums, sensor) == RECORDS
    sensor.counts["table_get"] -= 1  # Do not count the test's own read.
    assert sum(sizes) == RECORDS
    assert max(sizes) > 1
    assert {name: sensor.counts[name] for name in EXPECTED} == EXPECTED
    assert sorted(sensor.values) == list(range(RECORDS))


async def test_a_stream_with_processors_tells_its_sensors_as_faust_does(broker: Broker) -> None:
    app = broker.app()
    topic, sensor, seen = app.topic(broker.name("in"), value_type=INT), Counting(), []
    app.sensors.add(sensor)

    @app.agent(topic)
    async def look(stream: Any) -> None:
        async for value in stream.filter(lambda value: value % 2 == 0):
            seen.append(value)  # noqa: PERF401 - the stream never ends

    async with running(app):
        for value in range(10):
            await topic.send(value=value, partition=FIRST)
        await until(lambda: sensor.counts["message_out"] == 10)
    assert seen == [0, 2, 4, 6, 8]
    assert sensor.counts["event_in"] == sensor.counts["event_out"] == sensor.counts["message_in"] == 10


async def test_sensors_see_that_the_queue_of_an_agent_is_full(broker: Broker) -> None:
    app = broker.app(stream_buffer_maxsize=4)
    topic, sensor, go_on, seen = app.topic(broker.name("in"), value_type=INT), Counting(), asyncio.Event(), []
    app.sensors.add(sensor)

    @app.agent(topic)
    async def look(stream: Any) -> None:
        async for value in stream:
            await go_on.wait()
            seen.append(value)

    async with running(app):
        await asyncio.gather(*[await topic.send(value=value, partition=FIRST) for value in range(RECORDS)])
        await until(lambda: sensor.counts["buffer_full"])
        go_on.set()
        await until(lambda: len(seen) == RECORDS)
    assert app.monitor.topic_buffer_full
