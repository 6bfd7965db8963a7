"""What `batch.send` hands over to the commit, in whole apps."""

from __future__ import annotations

from typing import Any

import faust
import pytest
from faust_redis import Batch, batch_agent
from faust_redis.testing import TestDriver

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

RAW: dict[str, Any] = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}


class OwnStream(faust.Stream):  # type: ignore[type-arg]
    """An app's own class of streams, which takes Faust's own path."""


def app_of(**options: Any) -> Any:
    return faust.App("sends", broker="redis://test:6379", store="memory://", topic_partitions=1, **options)


def sent(driver: TestDriver, topic: str = "out") -> list[bytes]:
    return [record.value for record in driver.read(topic)]


@pytest.mark.parametrize("options", [{}, {"Stream": OwnStream}], ids=["our stream", "a stream of the app's own"])
def test_what_a_batch_sends_is_written(options: dict[str, Any]) -> None:
    app = app_of(**options)
    out = app.topic("out", **RAW)

    @batch_agent(app, app.topic("in", key_type=str, value_type=str))
    async def copy(batch: Batch[str]) -> None:
        for record in batch:
            batch.send(out, key=b"k", value=record.value.encode(), timestamp_ms=0, partition=0)

    with TestDriver(app) as driver:
        driver.pipe_all("in", [("k", "a"), ("k", "b")])
        assert sent(driver) == [b"a", b"b"]


def test_a_value_that_is_not_bytes_makes_a_dead_letter_of_its_record_alone() -> None:
    app = app_of()
    out, totals = app.topic("out", **RAW), app.Table("totals", key_type=str, value_type=int, default=int)

    @batch_agent(app, app.topic("in", key_type=str, value_type=str))
    async def copy(batch: Batch[str]) -> None:
        for record in batch:
            totals["n"] += 1
            value: Any = 5 if record.value == "poison" else record.value.encode()
            batch.send(out, key=b"k", value=value, timestamp_ms=0, partition=0)

    with TestDriver(app) as driver:
        driver.pipe_all("in", [("k", "a"), ("k", "poison"), ("k", "b")])
        driver.pipe("in", "c", key="k")
        assert sent(driver) == [b"a", b"b", b"c"]
        assert driver.table("totals") == {"n": 3}
        [letter] = driver.dead_letters()
        assert "expected bytes or None as key and value" in letter.error


def test_topics_that_are_made_for_one_send_get_their_own_records() -> None:
    app = app_of()

    @batch_agent(app, app.topic("in", key_type=str, value_type=str))
    async def route(batch: Batch[str]) -> None:
        for record in batch:
            topic = app.topic(f"tenant-{record.value}", **RAW)
            batch.send(topic, key=b"k", value=record.value.encode(), timestamp_ms=0, partition=0)

    with TestDriver(app) as driver:
        driver.pipe_all("in", [("k", str(number % 5)) for number in range(100)])
        for number in range(5):
            assert list(map(int, sent(driver, f"tenant-{number}"))) == [number] * 20


def test_a_loop_that_is_left_writes_its_last_batch() -> None:
    app = app_of()
    out = app.topic("out", **RAW)

    @app.agent(app.topic("in", key_type=str, value_type=str))
    async def copy(stream: Any) -> None:
        async for batch in stream.batches(100):
            for record in batch:
                batch.send(out, key=b"k", value=record.value.encode(), timestamp_ms=0, partition=0)
            if record.value == "last":
                break

    with TestDriver(app) as driver:
        driver.pipe_all("in", [("k", "a"), ("k", "last")])
        assert sent(driver) == [b"a", b"last"]


def test_a_flush_within_a_batch_that_has_sent_something_is_refused() -> None:
    app, seen = app_of(), list[str]()
    out = app.topic("out", **RAW)

    @batch_agent(app, app.topic("in", key_type=str, value_type=str))
    async def copy(batch: Batch[str]) -> None:
        batch.send(out, key=b"k", value=b"v", timestamp_ms=0, partition=0)
        try:
            await app.producer.flush()
        except Exception as exc:
            seen.append(type(exc).__name__)

    with TestDriver(app) as driver:
        driver.pipe("in", "a", key="k")
        assert (seen, sent(driver)) == (["DeliveryAwaitedError"], [b"v"])
        driver.pipe("in", "b", key="k")
        assert len(sent(driver)) == 2
