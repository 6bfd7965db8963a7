"""One namespace on several brokers: partitions are spread over shards, and records for another shard are forwarded."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from faust_redis.admin import Admin
from faust_redis.depths import depths_of
from faust_redis.log import Log, Record, Shard, TopicPartition, TopicSpec
from faust_redis.log.address import split_options
from faust_redis.log.integrity import repair_partition
from faust_redis.log.partitioner import partition_for
from faust_redis.log.records import OFFSET_UNKNOWN

from tests.contract.harness import App, Broker, running, until

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.only_on_redis("Kafka has brokers and transactions of its own"),
]

SHARDS = 3
PARTITIONS = 6
USERS = [f"user-{number}" for number in range(12)]
INT: Any = int  # Faust accepts any type here, but its annotation names only some.


def worker(broker: Broker, shard: int, name: str = "m") -> App:
    """Return the app of a worker of one shard."""
    first = broker.url.update_query(shard=str(shard))
    return broker.app(
        member=f"{name}{shard}",
        broker=[first, *[broker.url] * (SHARDS - 1)],
        topic_partitions=PARTITIONS,
        store="faust-redis-rocksdb://",
        reply_create_topic=False,
    )


class Member:
    """A worker of one shard. It counts what each user sends, and passes every event on to the next user."""

    def __init__(self, broker: Broker, shard: int, name: str = "m") -> None:
        self.app: Any = worker(broker, shard, name)
        self.incoming = self.app.topic(broker.name("in"), key_type=str, value_type=INT, partitions=PARTITIONS)
        self.outgoing = self.app.topic(broker.name("out"), key_type=str, value_type=INT, partitions=PARTITIONS)
        self.sent = sent = self.app.Table("sent", default=int, partitions=PARTITIONS)
        self.got = got = self.app.Table("got", default=int, partitions=PARTITIONS)

        @self.app.agent(self.incoming)
        async def pass_on(stream: Any) -> None:
            async for key, value in stream.items():
                sent[key] += value
                following = USERS[(USERS.index(key) + 1) % len(USERS)]
                await self.outgoing.send(key=following, value=value)

        @self.app.agent(self.outgoing)
        async def receive(stream: Any) -> None:
            async for key, value in stream.items():
                got[key] += value


@pytest.fixture(autouse=True)
def partitions_of_keys() -> None:
    """Leave keys their partitions: here workers of all shards run."""


@pytest.fixture
async def shards(broker: Broker) -> AsyncIterator[list[Log]]:
    """Return the clients of the shards of the test's namespace; the shards share a server."""
    async with AsyncExitStack() as stack:
        address, options = split_options(str(broker.url))
        logs = [Log(address, options["namespace"], shard=Shard(number, SHARDS)) for number in range(SHARDS)]
        yield [await stack.enter_async_context(log) for log in logs]


async def _records(shards: list[Log], topic: str) -> list[tuple[bytes | None, bytes | None]]:
    found = []
    for log in shards:
        for partition in log.partitions_of(await log.topic(topic)):
            at = TopicPartition(topic, partition)
            found += [(one.key, one.value) for one in (await log.fetch({at: 0}, count=10_000)).get(at, [])]
    return found


async def test_a_record_for_another_shard_arrives_as_it_was_sent_and_its_offset_is_not_known(
    broker: Broker, shards: list[Log]
) -> None:
    member, place = Member(broker, 0), TopicPartition(broker.name("out"), 1)
    async with running(member.app):
        sent = await member.outgoing.send(
            key="k", value=7, timestamp=1234.567, headers={"a": b"1"}, partition=place.partition
        )
        delivered = await sent
        await until(lambda: _is_there(shards[1], place.topic, 1))
    assert (tuple(delivered.topic_partition), delivered.offset) == (tuple(place), OFFSET_UNKNOWN)
    [record] = (await shards[1].fetch({place: 0}))[place]
    assert (record.key, record.value, record.timestamp_ms) == (b"k", b"7", 1_234_567)
    assert record.headers == (("a", b"1"),)


async def test_groups_of_a_stream_are_counted_on_the_shards_of_their_keys(broker: Broker, shards: list[Log]) -> None:
    apps, tables = [worker(broker, shard) for shard in range(SHARDS)], []
    for app in apps:
        counts = app.Table("counts", default=int, partitions=PARTITIONS)
        tables.append(counts)

        @app.agent(app.topic(broker.name("words"), key_type=str, value_type=str))
        async def count(stream: Any, counts: Any = counts) -> None:
            async for word in stream.group_by(lambda word: word, name="word"):
                counts[word] += 1

    async with running(*apps):
        for number in range(90):
            await (
                apps[0]
                .topic(broker.name("words"), key_type=str, value_type=str)
                .send(key=str(number), value=USERS[number % 9])
            )
        await until(lambda: sum(sum(table.values()) for table in tables) == 90)
        for shard, table in enumerate(tables):
            own = {user for user in USERS[:9] if _partition(user) % SHARDS == shard}
            assert dict(table.items()) == dict.fromkeys(own, 10)


async def test_a_worker_names_what_another_shard_refuses(broker: Broker, shards: list[Log]) -> None:
    topic = broker.name("out")
    sender = next(user for user in USERS if _partition(user) % SHARDS == 0 != _partition(_after(user)) % SHARDS)
    await shards[_partition(_after(sender)) % SHARDS].create_topic(TopicSpec(topic, 1))
    member = Member(broker, 0)
    async with running(member.app):
        await member.incoming.send(key=sender, value=1)
        why = f"records for another shard wait: topic '{topic}' has 1 partitions, and its records were sent to"
        await until(lambda: _why_not_ready(shards[0], member.app.conf.id, why))


async def test_a_damaged_partition_of_another_shard_is_named_by_the_worker_whose_records_wait(
    broker: Broker, shards: list[Log]
) -> None:
    topic = broker.name("out")
    sender = next(user for user in USERS if _partition(user) % SHARDS == 0 != _partition(_after(user)) % SHARDS)
    damaged = TopicPartition(topic, _partition(_after(sender)))
    other = shards[damaged.partition % SHARDS]
    member = Member(broker, 0)
    async with running(member.app):
        await member.incoming.send(key=sender, value=1)
        await until(lambda: _is_there(other, topic, 1))  # the forwarder has created the topic on the other shard
        await other.redis.xadd(other.keys.stream(*damaged), {"x": "1"})
        await member.incoming.send(key=sender, value=2)
        group = member.app.conf.id
        await until(lambda: _why_not_ready(shards[0], group, f"topics repair {topic} {damaged.partition}"))
        depths = depths_of(member.app)
        assert depths is not None
        assert depths.partitions_damaged == 1
        assert await repair_partition(other, damaged)
        await until(lambda: _is_there(other, topic, 2))
        await until(lambda: _why_not_ready(shards[0], group, ""))


def _after(user: str) -> str:
    return USERS[(USERS.index(user) + 1) % len(USERS)]


def _partition(user: str) -> int:
    return partition_for(user.encode(), PARTITIONS)


async def _is_there(log: Log, topic: str, count: int) -> bool:
    return topic in await log.topics() and len(await _records([log], topic)) == count


async def _why_not_ready(log: Log, group: str, why: str) -> bool:
    described = await Admin(log).describe_group(group)
    return why in described.why_not_ready if why else described.ready


async def test_what_crosses_shards_arrives_once(broker: Broker, shards: list[Log]) -> None:
    members = [Member(broker, shard) for shard in range(SHARDS)]
    async with running(*(each.app for each in members)):
        topic = broker.name("in")
        for number in range(240):
            key = USERS[number % len(USERS)].encode()
            partition = partition_for(key, PARTITIONS)
            await shards[partition % SHARDS].append([Record(topic, partition, key, b"%d" % number, 0)])

        async def all_arrived() -> bool:
            return len(await _records(shards, broker.name("out"))) >= 240

        await until(all_arrived)
        await asyncio.sleep(0.5)
    out = await _records(shards, broker.name("out"))
    assert Counter(int(value or b"") for _, value in out) == Counter(range(240))
    for number, user in enumerate(USERS):
        own = [int(value or b"") for key, value in out if key == user.encode()]
        assert own == [n for n in range(240) if (n + 1) % len(USERS) == number]  # in order
