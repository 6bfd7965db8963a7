"""The driver's promises where Faust's base classes have known defects, and how members share partitions."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from faust.types import TP
from faust_redis.driver.commit.committer import OutputDroppedError
from faust_redis.driver.delivery.seeker import Seeker
from faust_redis.log import Log, LogUnavailableError, Record, TopicPartition, TrimmedError

from tests.contract.harness import FIRST, PARTITIONS, Broker, running, until

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


INT: Any = int  # Faust accepts any type here, but its annotation names only some.


def committed(app: Any, topic: str) -> int:
    """Return how many events of a topic are committed, over all partitions."""
    offsets = app.consumer._committed_offset
    return sum(offsets[TP(topic, p)] or 0 for p in PARTITIONS if TP(topic, p) in offsets)


def sources(app: Any) -> set[TP]:
    """Return the partitions of the test's topic that an app processes (changelogs may have standbys elsewhere)."""
    return {tp for tp in app.consumer.assignment() if tp.topic.endswith("-in")}


@pytest.mark.only_on_redis("Faust's own driver forgets what was acked when a rebalance begins")
async def test_no_event_is_processed_again_after_a_rebalance(broker: Broker) -> None:
    handled: Counter[int] = Counter()
    apps = []
    for member in ("m1", "m2"):
        app = broker.app(member=member)
        topic = app.topic(broker.name("in"), value_type=INT)

        @app.agent(topic)
        async def keep(stream: Any) -> None:
            async for value in stream:
                handled[value] += 1

        apps.append((app, topic))
    (first, topic), (second, _) = apps
    async with running(first):
        for i in range(400):
            await topic.send(key=str(i), value=i)
        await until(lambda: len(handled) >= 200)
        async with running(second):
            await until(lambda: len(handled) == 400)
    assert set(handled.values()) == {1}


@pytest.mark.only_on_redis("Faust's own driver may commit past an event in flight")
async def test_a_commit_never_passes_an_event_in_flight(broker: Broker) -> None:
    app = broker.app()
    topic = app.topic(broker.name("in"), value_type=INT)
    release = asyncio.Event()
    done: list[int] = []

    @app.agent(topic, concurrency=2)
    async def slow_first(stream: Any) -> None:
        async for value in stream:
            if value == 0:
                await release.wait()
            done.append(value)

    async with running(app):
        for i in range(6):
            await topic.send(value=i, partition=FIRST)
        await until(lambda: len(done) == 5)
        await app.consumer.commit()
        assert committed(app, broker.name("in")) == 0
        release.set()
        await until(lambda: committed(app, broker.name("in")) == 6)


@pytest.mark.only_on_redis("Faust's own driver waits for agents without a deadline")
async def test_a_stuck_agent_holds_up_a_rebalance_only_for_a_limited_time(broker: Broker) -> None:
    stuck = asyncio.Event()
    handled: list[str] = []
    apps = []
    for member in ("m1", "m2"):
        app = broker.app(member=member, broker_rebalance_timeout=2.0)
        topic = app.topic(broker.name("in"), value_type=INT)

        @app.agent(topic)
        async def hang_once(stream: Any, member: str = member) -> None:
            async for _ in stream:
                if not stuck.is_set():
                    stuck.set()
                    await asyncio.Event().wait()
                handled.append(member)

        apps.append((app, topic))
    (first, topic), (second, _) = apps
    async with running(first):
        await topic.send(value=1, partition=FIRST)
        await stuck.wait()
        async with running(second):
            await until(lambda: sources(first) and sources(second) and not first.rebalancing)
            assert sources(first).isdisjoint(sources(second))


@pytest.mark.only_on_redis("a full buffer stalls Faust's own driver for a second each time")
async def test_small_buffers_do_not_stall_delivery(broker: Broker) -> None:
    app = broker.app(stream_buffer_maxsize=16)
    topic = app.topic(broker.name("in"), value_type=INT)
    got: list[int] = []

    @app.agent(topic)
    async def keep(stream: Any) -> None:
        async for value in stream:
            got.append(value)  # noqa: PERF401 - one at a time is the point

    async with running(app):
        for i in range(2000):
            await topic.send(value=i, partition=FIRST)
        # A stall of one second for each dozen events, as in the base class, would take minutes.
        await until(lambda: len(got) == 2000)
    assert got == list(range(2000))


@pytest.mark.only_on_redis("the test interferes with our driver's calls")
async def test_an_unreachable_broker_does_not_end_recovery(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    app = broker.app()
    topic = app.topic(broker.name("in"), key_type=str, value_type=INT)
    table = app.Table("sums", default=int)
    failures = iter(range(8))
    bounds_of = Seeker._bounds

    async def flaky(self: Any, original: Any, partitions: Any) -> Any:
        async def away_at_first(name: str) -> Any:
            if next(failures, None) is not None:
                raise LogUnavailableError("away, says the test")
            return await original(name)

        return await bounds_of(self, away_at_first, partitions)

    monkeypatch.setattr(Seeker, "_bounds", flaky)

    @app.agent(topic)
    async def add(stream: Any) -> None:
        async for key, value in stream.items():
            table[key] += value

    async with running(app):
        assert next(failures, None) is None
        await topic.send(key="k", value=1)
        await until(lambda: sum(table.values()) == 1)


@pytest.mark.fault("tansu", "each join waits half the rebalance timeout, so that two members take 20 s to share")
@pytest.mark.fault("noida", "one time in four, a changelog that is read after a hand-over brings nothing more")
async def test_members_share_partitions_and_hand_tables_over(broker: Broker) -> None:
    apps = []
    for member in ("m1", "m2"):
        app = broker.app(member=member)
        topic = app.topic(broker.name("in"), key_type=str, value_type=INT)
        sums = app.Table("sums", default=int)

        @app.agent(topic)
        async def add(stream: Any, sums: Any = sums) -> None:
            async for key, value in stream.items():
                sums[key] += value

        apps.append((app, topic, sums))
    (first, topic, sums), (second, _, other) = apps
    async with running(second):
        async with running(first):
            await until(lambda: sources(first) and sources(second) and not second.rebalancing)
            assert sources(first).isdisjoint(sources(second))
            assert len(sources(first) | sources(second)) == len(PARTITIONS)
            for i in range(100):
                await topic.send(key=f"k{i}", value=1)
            await until(
                lambda: committed(first, topic.get_topic_name()) + committed(second, topic.get_topic_name()) == 100
            )
            assert len(sums) > 0
            assert len(other) > 0
        await until(lambda: len(sources(second)) == len(PARTITIONS) and not second.rebalancing)
        assert sum(other.values()) == 100


@pytest.mark.only_on_redis("how long Kafka waits for others to join is a setting of the broker")
async def test_quick_joins_make_one_rebalance(broker: Broker) -> None:
    apps = []
    for member in ("m1", "m2", "m3"):
        app = broker.app(member=member)

        @app.agent(app.topic(broker.name("in"), value_type=INT))
        async def keep(stream: Any) -> None:
            async for _ in stream:
                pass

        app.finalize()
        apps.append(app)
    try:
        await asyncio.gather(*(app.start() for app in apps))
        await until(lambda: all(app.consumer.assignment() for app in apps))
        assert {app.consumer_generation_id for app in apps} == {1}
    finally:
        await asyncio.gather(*(app.stop() for app in apps))


@pytest.mark.only_on_redis("the atomic commit is our driver's")
async def test_outputs_and_offsets_become_visible_together(broker: Broker) -> None:
    app = broker.app()
    topic = app.topic(broker.name("in"), value_type=INT)
    out = app.topic(broker.name("out"), value_type=INT, key_type=str)
    release = asyncio.Event()
    sent = asyncio.Event()

    @app.agent(topic)
    async def relay(stream: Any) -> None:
        async for value in stream:
            await out.send(key="k", value=value)
            sent.set()
            await release.wait()

    async with running(app):
        await topic.send(value=7, partition=FIRST)
        await sent.wait()
        await app.producer.flush()
        highwaters = app.consumer.highwaters
        out_tps = [TP(out.get_topic_name(), p) for p in PARTITIONS]
        assert sum((await highwaters(*out_tps)).values()) == 0
        release.set()
        await until(lambda: committed(app, topic.get_topic_name()) == 1)
        assert sum((await highwaters(*out_tps)).values()) == 1


@pytest.mark.only_on_redis("fencing is our driver's")
async def test_an_event_that_outlives_its_generation_writes_nothing(broker: Broker) -> None:
    resume = asyncio.Event()
    began = asyncio.Event()
    ended: list[BaseException | None] = []
    apps = []
    for member in ("m1", "m2"):
        app = broker.app(member=member, broker_rebalance_timeout=2.0, store="faust-redis-rocksdb://")
        topic = app.topic(broker.name("in"), key_type=str, value_type=INT)
        sums = app.Table("sums", default=int)

        @app.agent(topic)
        async def slow(stream: Any, sums: Any = sums) -> None:
            async for key, value in stream.items():
                if not began.is_set():
                    began.set()
                    await resume.wait()
                    try:
                        sums[key] += value
                    except BaseException as exc:
                        ended.append(exc)
                        raise
                    ended.append(None)
                else:
                    sums[key] += value

        apps.append((app, topic, sums))
    (first, topic, sums), (second, _, other) = apps
    async with running(first):
        await topic.send(key="k", value=1, partition=FIRST)
        await began.wait()
        async with running(second):
            await until(lambda: sources(first) and sources(second) and not first.rebalancing)
            await until(lambda: sum(sums.values()) + sum(other.values()) == 1)
            resume.set()
            await until(lambda: ended)
            assert isinstance(ended[0], OutputDroppedError)
            assert sum(sums.values()) + sum(other.values()) == 1


@pytest.mark.only_on_redis("fencing is our driver's")
async def test_a_late_ack_does_not_count_for_the_event_delivered_again(broker: Broker) -> None:
    """The member loses its right to write while an event is in flight, and gets the same partition back."""
    app = broker.app()
    topic = app.topic(broker.name("in"), value_type=INT)
    releases = [asyncio.Event(), asyncio.Event()]
    began: list[int] = []

    @app.agent(topic, concurrency=2)
    async def slow(stream: Any) -> None:
        async for value in stream:
            attempt = len(began)
            began.append(value)
            await releases[attempt].wait()

    async with running(app):
        consumer: Any = app.consumer
        await topic.send(value=1, partition=FIRST)
        await until(lambda: len(began) == 1)
        consumer.driver.fencing.fence("its lease ran out")
        await until(lambda: len(began) == 2)
        releases[0].set()
        await asyncio.sleep(0.2)  # This is long enough for a wrong commit, of which there must be none.
        assert committed(app, topic.get_topic_name()) == 0
        assert consumer.driver.tracker.committed(TP(topic.get_topic_name(), FIRST)) == 0
        releases[1].set()
        await until(lambda: consumer.driver.tracker.committed(TP(topic.get_topic_name(), FIRST)) == 1)


@pytest.mark.only_on_redis("Faust's own driver waits for agents without a deadline")
async def test_an_event_that_only_one_of_two_agents_has_begun_holds_up_no_rebalance(broker: Broker) -> None:
    handled: dict[str, Counter[int]] = {"quick": Counter(), "slow": Counter()}
    apps = []
    for member in ("m1", "m2"):
        app = broker.app(member=member, broker_rebalance_timeout=60.0)
        topic = app.topic(broker.name("in"), value_type=INT)

        @app.agent(topic, name="quick")
        async def quick(stream: Any) -> None:
            async for event in stream.events():  # The agent's own variable keeps the event alive.
                handled["quick"][event.value] += 1

        @app.agent(topic, name="slow")
        async def slow(stream: Any) -> None:
            async for value in stream:
                await asyncio.sleep(0.15)
                handled["slow"][value] += 1

        apps.append((app, topic))
    (first, topic), (second, _) = apps
    async with running(first):
        for i in range(40):
            await topic.send(key=str(i), value=i)
        await until(lambda: len(handled["quick"]) == 40)
        async with running(second):
            await until(lambda: len(handled["slow"]) == 40)
    assert set(handled["slow"].values()) == {1}


@pytest.mark.only_on_redis("Faust's own driver continues at the earliest record")
async def test_events_that_were_removed_unprocessed_end_the_worker_and_are_not_passed_over(
    broker: Broker, log: Log
) -> None:
    app = broker.app()
    topic = app.topic(broker.name("in"), value_type=INT)
    app.agent(topic)(_ignore)
    async with running(app):
        await topic.send(value=0, partition=FIRST)
        await until(lambda: committed(app, broker.name("in")) == 1)
    for i in range(1, 10):
        await log.append([Record(broker.name("in"), FIRST, None, b"%d" % i, 0)])
    await log.redis.execute_command("XTRIM", log.keys.stream(broker.name("in"), FIRST), "MAXLEN", 2)
    again = broker.app()
    again.agent(again.topic(broker.name("in"), value_type=INT))(_ignore)
    again.finalize()
    await again.start()
    try:
        crash = await until(lambda: again.crash_reason)
        assert isinstance(crash, TrimmedError)
        assert "events 1 to 7" in str(crash)
        assert (await log.committed(broker.name("app")))[TopicPartition(broker.name("in"), FIRST)] == 1
    finally:
        await again.stop()


async def _ignore(stream: Any) -> None:
    async for _ in stream:
        pass


@pytest.mark.only_on_redis("the test interferes with our driver's calls")
async def test_a_fetch_in_flight_is_not_taken_for_a_broker_rollback(broker: Broker) -> None:
    app = broker.app()
    topic = app.topic(broker.name("in"), value_type=INT)

    @app.agent(topic)
    async def take(stream: Any) -> None:
        async for _ in stream:
            pass

    async with running(app):
        consumer: Any = app.consumer
        tp, log = TP(topic.get_topic_name(), FIRST), consumer.driver.broker
        ends, position = log.end_offsets, consumer.driver.fetch_state.positions[tp]

        async def answered_late(name: str) -> Any:
            found = await ends(name)
            # A record arrived after the broker answered and before the reader looked.
            consumer.driver.fetch_state.positions[tp] = position + 1
            return found

        log.end_offsets = answered_late
        assert not await consumer.went_back()
        consumer.driver.fetch_state.positions[tp] = position
