"""An agent's sends inside of an event, by Faust's way and the fast path: the same records, in the same commit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import faust
import msgspec
import pytest
from faust.sensors import Sensor
from faust.streams import current_event
from faust.types import TP, FutureMessage
from faust_redis.driver.commit.committer import OutputDroppedError
from faust_redis.driver.sending.fast_topics import Sent
from faust_redis.log import Log, StoredRecord
from faust_redis.log.records import TopicPartition
from faust_redis.typed import Typed

from tests.contract.harness import FIRST, PARTITIONS, SECOND, Broker, running, until

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.only_on_redis("the short way is our driver's"),
]

INT: Any = int  # Faust accepts any type here, but its annotation names only some.


class Click(faust.Record):
    """A value with a type."""

    user: str
    amount: float


class Zipped(faust.Record, serializer="json|binary"):
    """A value with a codec of its own."""

    user: str


class Point(msgspec.Struct):
    """A struct."""

    x: int


TOPICS: dict[str, dict[str, Any]] = {
    "any": {},
    "str": {"key_type": str, "value_type": str},
    "bytes": {"key_type": bytes, "value_type": bytes},
    "json": {"key_serializer": "json", "value_serializer": "json"},
    "raw": {"value_serializer": "raw"},
    "record": {"key_type": str, "value_type": Click},
    "binary": {"value_serializer": "json|binary"},
    "struct": {"schema": Typed(Point)},
}
CASES: list[tuple[str, dict[str, Any]]] = [
    ("any", {"key": "k", "value": {"a": [1, 2.5, None]}}),
    ("any", {"key": b"\xff", "value": b"as it is"}),
    ("any", {"key": "k", "value": Decimal("1.50")}),
    ("any", {"key": "k", "value": Zipped(user="u")}),
    ("any", {"key": "k", "value": None}),
    ("any", {"key": "k"}),
    ("any", {"key": "k", "value": 1, "timestamp": 1_700_000_000.1234}),
    ("any", {"key": "k", "value": 1, "timestamp": 0}),
    ("any", {"key": "k", "value": 1, "partition": PARTITIONS[3]}),
    ("any", {"value": 1, "partition": FIRST}),
    ("any", {"key": "k", "value": 1, "headers": {}}),
    *(("str", {"key": f"key-{number}", "value": "ä"}) for number in range(2 * len(PARTITIONS))),
    ("bytes", {"key": b"\x00", "value": b"\xff"}),
    ("bytes", {"key": b"k", "value": None}),
    ("json", {"key": {"a": 1}, "value": "text"}),
    ("json", {"key": b"{}", "value": ("a", 1)}),
    ("raw", {"key": "k", "value": "text"}),
    ("raw", {"key": "k", "value": None}),
    ("record", {"key": "k", "value": Click(user="u", amount=1.5)}),
    ("binary", {"key": "k", "value": {"a": 1}}),
    ("struct", {"key": "k", "value": Point(1)}),
    ("struct", {"key": None, "value": Point(2), "partition": SECOND}),
]


class Sender:
    """An app with one agent, which runs the test's body, and a topic that already has records."""

    def __init__(self, broker: Broker, **settings: Any) -> None:
        self.broker = broker
        self.app = broker.app(**settings)
        self.topic = self.app.topic(broker.name("in"), value_type=INT)
        self.out = self.app.topic(broker.name("out"), key_type=str, value_type=INT)

    async def handle(self, *bodies: Callable[[], Awaitable[Any]]) -> list[Any]:
        """Run each body inside of an event of its own; return what each raised or returned, once all are committed."""
        ended: list[Any] = []

        @self.app.agent(self.topic)
        async def each(stream: Any) -> None:
            async for number in stream:
                try:
                    ended.append(await bodies[number]())
                except Exception as exc:
                    ended.append(exc)
                    raise

        async with running(self.app):
            await self.out.send(value=0)
            for number in range(len(bodies)):
                await self.topic.send(value=number, partition=FIRST)
            await until(lambda: self.committed() == len(bodies))
        return ended

    def committed(self) -> int:
        consumer: Any = self.app.consumer
        return int(consumer.driver.tracker.committed(TP(self.topic.get_topic_name(), FIRST)))


async def records(log: Log, topic: str) -> list[tuple[int, StoredRecord]]:
    """Return all records of a topic with their partitions."""
    places = {TopicPartition(topic, partition): 0 for partition in PARTITIONS}
    found = await log.fetch(places, count=1_000)
    return [(place.partition, record) for place in sorted(found) for record in found[place]]


async def test_the_fast_path_appends_the_same_records_as_faust(broker: Broker, log: Log) -> None:
    sender = Sender(broker)
    topics = {
        variant: {
            name: sender.app.topic(broker.name(f"{variant}-{name}"), **settings) for name, settings in TOPICS.items()
        }
        for variant in ("faust", "short", "soon")
    }

    warm_up: dict[str, Any] = {"key_serializer": "raw", "value_serializer": "raw", "partition": PARTITIONS[2]}
    warm_up |= {"key": b"warm", "value": b"warm"}

    async def body() -> None:
        for name, warm in topics["short"].items():
            for topic in (warm, topics["soon"][name]):
                await topic.send(**warm_up)
            await topics["faust"][name].send(**warm_up)
        for name, given in CASES:
            assert not isinstance(await topics["faust"][name].send(**given, force=True), Sent), given
            assert isinstance(await topics["short"][name].send(**given), Sent), given
            assert isinstance(topics["soon"][name].send_soon(**given), Sent), given

    assert await sender.handle(body) == [None]
    for name in TOPICS:
        expected, short, soon = [await records(log, topics[variant][name].get_topic_name()) for variant in topics]
        assert len(expected) == 1 + sum(1 for case, _ in CASES if case == name)
        for other in (short, soon):
            assert [(p, r.offset, r.key, r.value, r.headers) for p, r in other] == [
                (p, r.offset, r.key, r.value, r.headers) for p, r in expected
            ]
            assert all(abs(a[1].timestamp_ms - b[1].timestamp_ms) < 5_000 for a, b in zip(other, expected, strict=True))
        times = [
            [r.timestamp_ms for _, r in found if r.timestamp_ms < 1_700_000_001_000] for found in (expected, short)
        ]
        assert times[0] == times[1]
        assert name != "any" or len(times[0]) == 2


async def test_a_value_that_cannot_be_encoded_raises_as_in_faust(broker: Broker) -> None:
    sender = Sender(broker)
    struct = sender.app.topic(broker.name("struct"), schema=Typed(Point))
    raised: list[list[str]] = [[], []]

    async def body() -> None:
        await struct.send(value=Point(1))
        for number, force in enumerate((True, False)):
            for topic, given in (
                (sender.out, {"key": 5, "value": 1}),
                (sender.out, {"key": "k", "value": object()}),
                (struct, {"value": object()}),
            ):
                with pytest.raises(Exception, match=r".+") as error:
                    await topic.send(**given, force=force)
                raised[number].append(f"{type(error.value).__name__}: {error.value}".split(" at 0x")[0])

    assert await sender.handle(body) == [None]
    assert raised[0] == raised[1]


async def test_sends_that_need_fausts_way_use_it(broker: Broker, log: Log) -> None:
    sender = Sender(broker)
    app, out = sender.app, sender.out
    new = app.topic(broker.name("new"), value_type=INT)
    called_back: list[Any] = []
    given: list[dict[str, Any]] = [
        {"headers": {"h": b"1"}},
        {"headers": [("h", b"1")]},
        {"schema": faust.Schema(value_type=INT)},
        {"key_serializer": "raw"},
        {"value_serializer": "json"},
        {"callback": called_back.append},
        {"force": True},
    ]
    later: list[Any] = []

    async def body() -> None:
        event = current_event()
        assert event is not None
        assert isinstance(await out.send(value=1), Sent)
        assert isinstance(await event.send(out, key="k", value=1), Sent)
        assert isinstance(await app.send(out, key="k", value=1), Sent)
        for each in given:
            assert not isinstance(await out.send(key="k", value=1, **each), Sent), each
            assert not isinstance(out.send_soon(key="k", value=1, **each), Sent), each
        assert not isinstance(out.send_soon(key="k", value=1, eager_partitioning=True), Sent)
        for topic in (new, out.derive(suffix="-2")):
            assert not isinstance(await topic.send(value=1), Sent)
            assert isinstance(await topic.send(value=1), Sent)
        later.append(asyncio.create_task(after(event)))

    async def after(event: Any) -> None:
        await until(lambda: sender.committed() == 1)
        assert current_event() is event
        assert not isinstance(await out.send(value=1), Sent)
        assert not isinstance(out.send_soon(value=1), Sent)

    async def second() -> None:
        await asyncio.wait_for(later[0], 10)

    assert await sender.handle(body, second) == [None, None]
    found = await records(log, out.get_topic_name())
    assert len(found) == 1 + 3 + 2 * len(given) + 1 + 2
    assert sum(1 for _, record in found if record.headers) == 4
    assert len(called_back) == 2
    assert len(await records(log, new.get_topic_name())) == 2


async def test_sensors_see_each_message_on_the_fast_path(broker: Broker) -> None:
    topics: list[str] = []

    class Counting(Sensor):
        def on_send_initiated(self, *args: Any, **_: Any) -> None:
            topics.append(args[1])

    sender = Sender(broker)
    sender.app.sensors.add(Counting())

    async def body() -> None:
        for value in range(3):
            assert isinstance(await sender.out.send(value=value), Sent)

    assert await sender.handle(body) == [None]
    assert topics.count(sender.out.get_topic_name()) == 1 + 3


async def test_fausts_monitor_counts_sends_on_the_fast_path(broker: Broker) -> None:
    sender = Sender(broker)
    name = sender.out.get_topic_name()
    counted: list[int] = []

    async def body() -> None:
        monitor = sender.app.monitor
        for force in (True, False):
            before = monitor.messages_sent, monitor.messages_sent_by_topic[name]
            for value in range(3):
                await sender.out.send(value=value, force=force)
                sender.out.send_soon(value=value, force=force)  # Faust counts none of these.
            after = monitor.messages_sent, monitor.messages_sent_by_topic[name]
            counted.extend(now - then for now, then in zip(after, before, strict=True))

    assert await sender.handle(body) == [None]
    assert counted == [3, 3, 3, 3]


async def test_a_delivery_comes_with_the_commit_and_gives_the_records_offset(broker: Broker, log: Log) -> None:
    sender = Sender(broker)
    deliveries: list[Any] = []
    metadata_found: list[Any] = []

    async def body() -> None:
        deliveries.append(await sender.out.send(key="a", value=7, timestamp=12.5))
        deliveries.append(sender.out.send_soon(key="b", value=8))
        assert all(isinstance(delivery, Sent) and not delivery.done() for delivery in deliveries)
        message = deliveries[1].message
        assert isinstance(deliveries[1], FutureMessage)
        assert (message.channel, message.key, message.value, message.headers) == (sender.out, b"b", b"8", {})

    async def second() -> None:
        metadata_found.extend(await asyncio.gather(*deliveries))

    assert await sender.handle(body, second) == [None, None]
    topic = sender.out.get_topic_name()
    places = {record.value: (partition, record.offset) for partition, record in await records(log, topic)}
    for metadata, value, timestamp in zip(metadata_found, (b"7", b"8"), (12.5, None), strict=True):
        assert (metadata.partition, metadata.offset) == places[value]
        assert metadata.topic_partition == TP(topic, metadata.partition)
        assert (metadata.topic, metadata.timestamp) == (topic, timestamp)


async def test_sends_of_a_failed_event_are_dropped(broker: Broker, log: Log) -> None:
    sender = Sender(broker)
    deliveries: list[Any] = []

    async def body() -> None:
        deliveries.append(await sender.out.send(key="k", value=1))
        deliveries.append(sender.out.send_soon(key="k", value=2))
        assert all(isinstance(delivery, Sent) for delivery in deliveries)
        raise ValueError("poison")

    async def good() -> None:
        await sender.out.send(key="k", value=3)

    [failed, _] = await sender.handle(body, good)
    assert isinstance(failed, ValueError)
    assert all(isinstance(delivery.exception(), OutputDroppedError) for delivery in deliveries)
    found = await records(log, sender.out.get_topic_name())
    assert sorted(record.value or b"" for _, record in found) == [b"0", b"3"]


async def test_yielded_values_reach_their_sinks_by_the_fast_path(
    broker: Broker, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []
    monkeypatch.setattr(Sent, "settle", _noting(Sent.settle, made))
    app = broker.app()
    topic = app.topic(broker.name("in"), value_type=INT)
    out = app.topic(broker.name("out"), value_type=INT)

    @app.agent(topic, sink=[out])
    async def double(stream: Any) -> Any:
        async for value in stream:
            yield 2 * value

    async with running(app):
        for value in range(5):
            await topic.send(value=value, partition=FIRST)
        await until(lambda: len(made) == 4)  # The first send goes Faust's way.
    assert sorted(record.value or b"" for _, record in await records(log, out.get_topic_name())) == [
        b"0", b"2", b"4", b"6", b"8",
    ]  # fmt: skip


def _noting(method: Any, made: list[Any]) -> Any:
    def noting(self: Any, *args: Any) -> None:
        made.append(self)
        method(self, *args)

    return noting


async def test_a_listener_of_sends_sees_each_and_may_add_headers(broker: Broker, log: Log) -> None:
    app = broker.app()
    incoming = app.topic(broker.name("in"), value_type=INT)
    outgoing = app.topic(broker.name("out"), value_type=INT)
    seen: list[bytes | None] = []

    @app.on_produce_message.connect(weak=False)
    def trace(_app: faust.App, key: Any, value: bytes | None, headers: list[tuple[str, bytes]], **_: Any) -> None:
        seen.append(value)
        headers.append(("trace", b"1"))

    @app.agent(incoming)
    async def forward(stream: faust.StreamT[int]) -> None:
        async for number in stream:
            await outgoing.send(value=number)
            outgoing.send_soon(value=-number)

    async with running(app):
        for number in (1, 2, 3):
            await incoming.send(value=number)

        async def found() -> list[StoredRecord]:
            offsets = {TopicPartition(broker.name("out"), p): 0 for p in PARTITIONS}
            stored = [record for records in (await log.fetch(offsets)).values() for record in records]
            return stored if len(stored) == 6 else []

        records = await until(found)
    assert {record.headers for record in records} == {(("trace", b"1"),)}
    assert sorted(int(value or b"0") for value in seen) == [-3, -2, -1, 1, 1, 2, 2, 3, 3]


async def test_a_send_through_another_app_is_written_at_once_and_not_with_the_event(broker: Broker, log: Log) -> None:
    app, other = broker.app(), broker.app("other")
    incoming = app.topic(broker.name("in"), value_type=INT)
    elsewhere = other.topic(broker.name("out"), value_type=INT)
    done: list[int] = []

    @app.agent(incoming)
    async def forward(stream: faust.StreamT[int]) -> None:
        async for number in stream:
            await (await elsewhere.send(value=number))
            done.append(number)

    async with running(other, app):
        for number in (1, 2, 3):
            await incoming.send(value=number)
        await until(lambda: sorted(done) == [1, 2, 3])
    assert sum((await log.end_offsets(broker.name("out"))).values()) == 3
