"""Faust's own behaviour on the driver: agents, tables, group_by, through, send, ask."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from yarl import URL

from tests.contract.harness import FIRST, Broker, running, until

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


INT: Any = int  # Faust accepts any type here, but its annotation names only some.

TANSU_ENDS = pytest.mark.fault("tansu", "ListOffsets answers the base offset of the last batch + 1 as the end")


async def test_word_count(broker: Broker) -> None:
    app = broker.app()
    words = app.topic(broker.name("words"), key_type=str, value_type=str)
    counts = app.Table("counts", default=int)

    @app.agent(words)
    async def count(stream: Any) -> None:
        async for word in stream.group_by(lambda word: word, name="word"):
            counts[word] += 1

    async with running(app):
        for i in range(60):
            await words.send(key=str(i), value=f"w{i % 3}")
        await until(lambda: sum(counts.values()) == 60)
        assert dict(counts.items()) == {"w0": 20, "w1": 20, "w2": 20}


@TANSU_ENDS
async def test_a_table_comes_back_from_its_changelog(broker: Broker) -> None:
    for expected in (5, 10):
        app = broker.app()
        topic = app.topic(broker.name("in"), key_type=str, value_type=INT)
        sums = app.Table("sums", default=int)

        @app.agent(topic)
        async def add(stream: Any) -> None:
            async for key, value in stream.items():
                sums[key] += value  # noqa: B023 - each round has its own app

        async with running(app):
            for i in range(5):
                await topic.send(key=f"k{i}", value=1)
            await until(lambda: sum(sums.values()) == expected)  # noqa: B023


async def test_windowed_counts(broker: Broker) -> None:
    app = broker.app()
    topic = app.topic(broker.name("in"), key_type=str, value_type=INT)
    windows = app.Table("windows", default=int).tumbling(10.0, expires=timedelta(days=36500))
    seen: dict[float, int] = {}

    @app.agent(topic)
    async def count(stream: Any) -> None:
        async for event in stream.events():
            windows["all"] += 1
            seen[event.message.timestamp] = windows["all"].current(event)

    async with running(app):
        for second in (1000, 1001, 1009, 1010, 1025):
            await topic.send(key="k", value=1, timestamp=float(second))
        await until(lambda: len(seen) == 5)
    assert seen == {1000.0: 1, 1001.0: 2, 1009.0: 3, 1010.0: 1, 1025.0: 1}


@TANSU_ENDS
async def test_a_set_table_keeps_every_record(broker: Broker) -> None:
    for round_number in (1, 2):
        app = broker.app()
        topic = app.topic(broker.name("in"), key_type=str, value_type=str)
        friends = app.SetTable("friends", start_manager=False)
        handled: list[str] = []

        @app.agent(topic)
        async def befriend(stream: Any) -> None:
            async for key, value in stream.items():
                friends[key].add(value)  # noqa: B023
                handled.append(value)  # noqa: B023

        async with running(app):
            if round_number == 1:
                for name in ("ada", "bob", "eve"):
                    await topic.send(key="zoe", value=name)
                await until(lambda: len(handled) == 3)  # noqa: B023
            await until(lambda: set(friends.get("zoe", ())) == {"ada", "bob", "eve"})  # noqa: B023


@pytest.mark.one_broker("ask needs all partitions on one broker")
@pytest.mark.only_on_redis("Faust's own driver takes 45 s to notice the topic that replies come on")
async def test_ask_from_outside_and_from_inside_an_agent(broker: Broker) -> None:
    app = broker.app()
    numbers = app.topic(broker.name("numbers"), value_type=INT)
    requests = app.topic(broker.name("requests"), value_type=INT)
    answers: list[int] = []

    @app.agent(numbers)
    async def double(stream: Any) -> Any:
        async for number in stream:
            yield number * 2

    @app.agent(requests)
    async def asking(stream: Any) -> None:
        async for number in stream:
            answers.append(await double.ask(number))  # noqa: PERF401 - one at a time is the point

    async with running(app):
        assert await asyncio.wait_for(double.ask(21), 15) == 42
        await requests.send(value=4)
        await until(lambda: answers == [8])


async def test_through_sends_on_and_continues(broker: Broker) -> None:
    app = broker.app()
    topic = app.topic(broker.name("in"), value_type=INT)
    via = app.topic(broker.name("via"), value_type=INT)
    got: list[int] = []

    @app.agent(topic)
    async def relay(stream: Any) -> None:
        async for value in stream.through(via):
            got.append(value)  # noqa: PERF401 - one at a time is the point

    async with running(app):
        for i in range(10):
            await topic.send(value=i)
        await until(lambda: sorted(got) == list(range(10)))


async def test_key_value_headers_and_event_time_arrive_as_sent(broker: Broker) -> None:
    app = broker.app()
    topic = app.topic(broker.name("in"), key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    got: list[tuple[Any, ...]] = []

    @app.agent(topic)
    async def keep(stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            got.append((message.key, message.value, message.timestamp, dict(message.headers or ())))

    async with running(app):
        await topic.send(key=b"k", value=b"", timestamp=1234.567, headers={"a": b"1"}, partition=FIRST)
        await topic.send(key=b"k", value=None, timestamp=2.0, partition=FIRST)
        await topic.send(key=None, value=b"\x00\xff", timestamp=3.0, partition=FIRST)
        await until(lambda: len(got) == 3)
    assert got == [
        (b"k", b"", 1234.567, {"a": b"1"}),
        (b"k", None, 2.0, {}),
        (None, b"\x00\xff", 3.0, {}),
    ]


async def test_delivery_is_known_outside_of_agents(broker: Broker) -> None:
    app = broker.app()
    topic = app.topic(broker.name("in"), key_serializer="raw", value_serializer="raw")
    async with running(app):
        first = await (await topic.send(key=b"k", value=b"1"))
        second = await (await topic.send(key=b"k", value=b"2"))
    assert (first.offset, second.offset) == (0, 1)
    assert first.topic_partition == second.topic_partition


@pytest.mark.only_on_redis("Faust's own driver waits for partitions first")
async def test_an_app_that_only_sends_starts_and_runs_its_tasks(broker: Broker) -> None:
    app = broker.app(reply_create_topic=False)
    topic = app.topic(broker.name("in"), key_serializer="raw", value_serializer="raw")
    sent: list[Any] = []

    @app.task  # type: ignore[untyped-decorator]
    async def send() -> None:
        sent.append(await (await topic.send(key=b"k", value=b"1")))

    async with running(app):
        await until(lambda: sent)
    assert sent[0].offset == 0


@pytest.mark.sample(1)
async def test_the_command_line_sends_and_lists(broker: Broker, tmp_path: Any) -> None:
    module = tmp_path / "sample_app.py"
    module.write_text(
        "import faust\n"
        f"app = faust.App({broker.name('cli')!r}, broker=[{str(broker.url)!r}], datadir={str(tmp_path)!r},\n"
        "                 web_enabled=False)\n"
        f"topic = app.topic({broker.name('cli-in')!r}, value_type=str)\n"
        "@app.agent(topic)\n"
        "async def echo(stream):\n"
        "    async for value in stream: pass\n"
    )
    app = broker.app("cli")
    app.topic(broker.name("cli-in"))
    await app.create_topics()
    for arguments, expected in (("agents", "echo"), (f"send {broker.name('cli-in')} hello", '"offset":0')):
        process = await asyncio.create_subprocess_exec(
            "faust", "-A", "sample_app", "--workdir", str(tmp_path), *arguments.split(),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        output, _ = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode == 0, output.decode()
        assert expected in output.decode()


def test_the_schemes_select_the_driver() -> None:
    from faust.transport import drivers
    from faust_redis.driver.faust_api.transport import Transport

    for url in ("redis://x", "rediss://x", "unix:///x"):
        assert drivers.by_url(URL(url)) is Transport


@pytest.mark.only_on_redis("on Kafka the setting means Faust's own transactions, which do not carry tables")
async def test_an_app_that_asks_for_exactly_once_runs_as_it_is(broker: Broker) -> None:
    app = broker.app(processing_guarantee="exactly_once", store="faust-redis-rocksdb://")
    app.in_worker = True  # Faust turns the setting on in workers only.
    topic = app.topic(broker.name("in"), key_type=str, value_type=INT)
    out = app.topic(broker.name("out"), key_type=str, value_type=INT)
    sums = app.Table("sums", default=int)
    seen: list[int] = []

    @app.agent(topic)
    async def add(stream: Any) -> None:
        async for key, value in stream.items():
            sums[key] += value
            await out.send(key=key, value=sums[key])

    @app.agent(out)
    async def watch(stream: Any) -> None:
        async for value in stream:
            seen.append(value)  # noqa: PERF401 - one at a time is the point

    async with running(app):
        assert app.in_transaction
        for _ in range(5):
            await topic.send(key="k", value=1)
        await until(lambda: seen == [1, 2, 3, 4, 5])
        assert dict(sums.items()) == {"k": 5}
