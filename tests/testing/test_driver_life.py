"""The test driver names errors, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import gc
import random
import sys
import threading
import time
import weakref
from pathlib import Path
from typing import Any

import faust
import pytest
from faust_redis.log import UnknownTopicError
from faust_redis.testing import AlreadyStartedError, AppCrashedError, NotSettledError, TestDriver


def make_app(store: str = "memory://") -> Any:
    app: Any = faust.App("app", broker="kafka://unused", store=store, topic_partitions=2)
    table = app.Table("totals", default=int, key_type=str, value_type=int)

    @app.agent(app.topic("in", key_type=str, value_type=int))
    async def add(stream: Any) -> None:
        async for key, value in stream.items():
            table[key] += value

    return app


def test_an_unknown_topic_is_named_with_those_that_exist() -> None:
    with TestDriver(make_app()) as driver, pytest.raises(UnknownTopicError, match=r"'inn' does not exist.*\bin\b"):
        driver.pipe("inn", 1)


def test_a_value_that_has_not_the_topics_type_is_refused() -> None:
    with TestDriver(make_app()) as driver, pytest.raises(TypeError, match="topic 'in' cannot serialize key 'k'"):
        driver.pipe("in", object(), key="k")


def test_an_app_that_runs_is_refused() -> None:
    app = make_app()
    with TestDriver(app), pytest.raises(AlreadyStartedError, match="'app' runs already"), TestDriver(app):
        pass


def test_a_driver_that_is_not_open_says_so() -> None:
    with pytest.raises(RuntimeError, match="use it in a with statement"):
        TestDriver(make_app()).pipe("in", 1)


def test_an_agent_that_never_finishes_is_named_with_its_lag() -> None:
    app: Any = faust.App("app", broker="redis://unused", topic_partitions=1)

    @app.agent(app.topic("in", value_type=int))
    async def sleep(stream: Any) -> None:
        async for _ in stream:
            await asyncio.sleep(1_000)

    with TestDriver(app) as driver:
        with pytest.raises(NotSettledError, match="behind in in:0 by 1"):
            driver.pipe("in", 1)
        driver.advance(2_000)


def test_an_app_that_cannot_start_says_why() -> None:
    app: Any = faust.App("app", broker="redis://unused", producer_threaded=True)
    with pytest.raises(NotImplementedError, match="producer_threaded is not supported"), TestDriver(app):
        pass


def test_an_app_that_crashes_fails_the_test() -> None:
    app = make_app()

    @app.timer(1)
    async def crash() -> None:
        await app.crash(RuntimeError("it broke"))

    with pytest.raises(AppCrashedError, match="it broke"), TestDriver(app) as driver:
        driver.advance(2)


@pytest.mark.parametrize("store", ["memory://", "faust-redis-rocksdb://"])
def test_an_app_can_be_driven_again_and_begins_empty(store: str) -> None:
    app = make_app(store)
    for _ in range(3):
        with TestDriver(app) as driver:
            assert driver.table("totals") == {}
            driver.pipe("in", 2, key="ada")
            assert driver.table("totals") == {"ada": 2}


def test_a_failed_test_leaves_an_app_that_can_be_driven_again() -> None:
    app = make_app()
    with pytest.raises(ZeroDivisionError), TestDriver(app):
        raise ZeroDivisionError
    with TestDriver(app) as driver:
        driver.pipe("in", 2, key="ada")
        assert driver.table("totals") == {"ada": 2}


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    clocks = time.time, time.monotonic, time.perf_counter, random.getstate(), sys.get_asyncgen_hooks()
    threads = threading.enumerate()
    app = make_app("faust-redis-rocksdb://")
    with TestDriver(app) as driver:
        driver.pipe("in", 1, key="ada")
        loop = weakref.ref(driver._workers[0].loop)
    assert clocks == (time.time, time.monotonic, time.perf_counter, random.getstate(), sys.get_asyncgen_hooks())
    assert threading.enumerate() == threads
    assert list(tmp_path.iterdir()) == []
    gone = weakref.ref(app)
    del app, driver
    gc.collect()
    assert loop() is None
    assert gone() is None


async def test_a_driver_works_inside_of_a_running_loop() -> None:
    with TestDriver(make_app()) as driver:
        driver.pipe("in", 1, key="ada")
        assert driver.table("totals") == {"ada": 1}
    await asyncio.sleep(0)


def test_the_same_test_plays_the_same_way() -> None:
    def play() -> list[Any]:
        app, drawn = make_app(), []

        @app.timer(3)
        async def draw() -> None:
            drawn.append((time.time(), random.random()))

        with TestDriver(app, seed=7) as driver:
            driver.pipe("in", 1, key="ada")
            driver.advance(10)
        return drawn

    assert play() == play()
