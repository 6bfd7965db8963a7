"""The testing kit on several brokers: the driver shows one log, and the simulator finds what only shards break."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from random import Random
from typing import Any

import faust
import pytest
from faust_redis.log.shards import shard_of
from faust_redis.testing import InvariantError, Simulation, SimulationError, TestDriver
from faust_redis.testing.view import View

from tests.testing import apps
from tests.testing.test_planted_defects import plant

SHARDS, PARTITIONS = 3, 6
INT: Any = int  # Faust accepts any type here, but its annotation names only some.
NAMES = "abcdefghijkl"
AFTER = dict(zip(NAMES, NAMES[1:] + NAMES[0], strict=True))
SEEDS_FOR_A_DEFECT = 40


def relay(partitions: int = PARTITIONS) -> Any:
    """Count words, and pass each on to the next name, whose agent counts what it got in a table and sends the count."""
    where: Any = {"datadir": apps.data[-1]} if apps.data else {}
    app = faust.App(
        "relay", broker="redis://unused", store="faust-redis-rocksdb://", topic_partitions=partitions, **where
    )
    words, passed, counts = (app.topic(name, key_type=str, value_type=INT) for name in ("words", "passed", "counts"))
    sent, got = (app.Table(name, default=int, key_type=str, value_type=INT) for name in ("sent", "got"))

    async def word(key: str, value: int) -> None:
        sent[key] += 1
        await passed.send(key=AFTER[key], value=value)

    async def receive(key: str, value: int) -> None:
        if value == -1:
            raise ValueError("never")
        got[key] += 1
        await counts.send(key=key, value=got[key])

    apps.handle(app, words, word)
    apps.handle(app, passed, receive)
    return app


def inputs(rng: Random) -> Iterator[tuple[str, str, int]]:
    for number in range(rng.randint(6, 28)):
        yield "words", rng.choice(NAMES), number


def results_are_right(view: View) -> None:
    words, passed = view.read("words"), view.read("passed")
    assert Counter((AFTER[one.key], one.value) for one in words) == Counter((one.key, one.value) for one in passed)
    assert view.table("sent") == Counter(one.key for one in words)
    assert view.table("got") == Counter(one.key for one in passed)
    for name in NAMES:
        own = [one.value for one in view.read("counts") if one.key == name]
        assert own == list(range(1, len(own) + 1))
        assert len(own) == view.table("got").get(name, 0)


def play(seed: int, defect: str | None = None, *, make: Callable[[], Any] = relay) -> None:
    simulation = Simulation([seed])
    simulation.shards(SHARDS)
    simulation.app(make)
    simulation.inputs(inputs)
    simulation.check(results_are_right)
    with ExitStack() as planted:
        if defect is not None:
            plant(planted, defect)
        simulation.run()


def test_the_driver_shows_several_brokers_as_one_log() -> None:
    with TestDriver(relay, shards=SHARDS) as driver:
        driver.pipe_all("words", [(name, number) for number, name in enumerate(NAMES)])
        driver.pipe("words", -1, key="a")
        assert driver.table("sent") == Counter(NAMES) + Counter("a")
        assert driver.table("got") == Counter(NAMES)
        assert {(one.key, one.value) for one in driver.read("counts")} == {(name, 1) for name in NAMES}
        assert {shard_of(one.partition, SHARDS) for one in driver.read("counts")} == set(range(SHARDS))
        [letter] = driver.dead_letters()
        assert (letter.topic, letter.value) == ("passed", b"-1")


def test_several_apps_share_several_brokers() -> None:
    def counting() -> Any:
        app = faust.App("counting", broker="redis://unused", store="memory://", topic_partitions=PARTITIONS)
        totals = app.Table("totals", default=int, key_type=str, value_type=INT)

        async def count(key: str, _: int) -> None:
            totals[key] += 1

        apps.handle(app, app.topic("counts", key_type=str, value_type=INT), count)
        return app

    with TestDriver(relay, counting, shards=SHARDS) as driver:
        driver.pipe_all("words", [(name, number) for number, name in enumerate(NAMES)])
        assert driver.table("totals") == Counter(NAMES)


def test_a_window_of_each_broker_closes() -> None:
    closed: list[str] = []

    def hits() -> Any:
        app = faust.App("hits", broker="redis://unused", store="memory://", topic_partitions=PARTITIONS)
        table = app.Table("hits", default=int, on_window_close=lambda key, _: closed.append(key[0]))
        windows = table.tumbling(60, expires=120).relative_to_stream()

        async def count(key: str, _: int) -> None:
            windows[key] += 1

        apps.handle(app, app.topic("words", key_type=str, value_type=INT), count)
        return app

    with TestDriver(hits, shards=SHARDS) as driver:
        for name in NAMES:
            driver.pipe("words", 1, key=name, timestamp=600)
        driver.advance_event_time(300)
    assert sorted(closed) == list(NAMES)


def test_an_app_for_several_brokers_is_refused() -> None:
    with pytest.raises(ValueError, match="pass a function that makes the app"):
        TestDriver(relay(), shards=SHARDS)
    with pytest.raises(ValueError, match="1 or more"):
        Simulation([0]).shards(0)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.sample(4)
def test_a_correct_app_holds_on_three_brokers(seed: int) -> None:
    play(seed)


def test_a_seed_of_several_brokers_plays_the_same_way_each_time() -> None:
    traces: list[list[str]] = [[], []]
    for trace in traces:
        simulation = Simulation([3], trace=trace.append)
        simulation.shards(SHARDS)
        simulation.app(relay)
        simulation.inputs(inputs)
        simulation.check(results_are_right)
        simulation.run()
    assert traces[0] == traces[1]
    assert any("broker 1" in line or "broker 2" in line for line in traces[0])


def test_an_app_that_is_wrong_only_when_events_cross_brokers_fails() -> None:
    """It reads another name's row from its own broker's table, where that name has none."""

    def nosy() -> Any:
        app = relay()
        words, table = app.topic("words", key_type=str, value_type=INT), app.tables["sent"]
        looks = app.topic("counts", key_type=str, value_type=INT)

        async def look(key: str, _: int) -> None:
            await looks.send(key=key, value=table[AFTER[key]])

        apps.handle(app, words, look)
        return app

    with pytest.raises(AssertionError, match="seed 0 failed"):
        play(0, make=nosy)


@pytest.mark.parametrize(
    "defect",
    [
        "forwarding_from_the_end",
        "source_offsets_after_parcels",
        "source_offsets_before_parcels",
        "transit_after_commit",
        "transit_before_commit",
        "writers_are_forgotten_early",
    ],
)
@pytest.mark.sample(3)
def test_a_planted_defect_of_shards_is_caught_in_a_whole_app(defect: str) -> None:
    for seed in range(SEEDS_FOR_A_DEFECT):
        try:
            play(seed, defect)
        except (AssertionError, InvariantError, SimulationError):
            play(seed)  # it holds without the defect
            return
    pytest.fail(f"{defect} is not caught by {SEEDS_FOR_A_DEFECT} seeds")
