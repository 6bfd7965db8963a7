"""An error in one domain neither stops another nor dead-letters anything there; after a fix, the domain catches up."""

import asyncio
import sys
from collections import Counter
from pathlib import Path

import pytest
from faust_redis.dead_letters import DeadLetter, DeadLetters
from faust_redis.log.sharded import open_log

from streams import topics
from streams.topics import DEAD_LETTERS, NAMESPACE
from tables.domains import TOPOLOGY
from tests.bench.group_progress import APP_ID, all_processed
from tests.bench.synthetic import write_fills
from tests.e2e.drained import wait_until_drained
from tests.e2e.facts import Facts, assert_equal
from tests.e2e.pipeline import Pipeline
from tests.e2e.planted import VICTIMS
from tests.e2e.served import fees, positions, served
from tests.e2e.test_equals_the_oracle import DRAIN_S, right_answer
from tests.e2e.trader import events_of
from tests.e2e.waiting import eventually

FILLS, USERS = 200, 20
"""All within 24 hours of event time, so that an event that is processed late still counts in every period."""

OTHERS = tuple(name for name in TOPOLOGY.names if name != "gamification")


@pytest.fixture
def fills_file(tmp_path: Path) -> Path:
    return write_fills(tmp_path / "fills.csv", fills=FILLS, users=USERS)


def planted(kind: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "tests.e2e.planted", kind)


def letters_of(pipeline: Pipeline) -> list[DeadLetter]:
    async def look() -> list[DeadLetter]:
        async with open_log(pipeline.broker_url, NAMESPACE) as log:
            return await DeadLetters(log, DEAD_LETTERS).all()

    return asyncio.run(look())


def replay_letters(pipeline: Pipeline) -> None:
    async def replay() -> None:
        async with open_log(pipeline.broker_url, NAMESPACE) as log:
            letters = DeadLetters(log, DEAD_LETTERS)
            for letter in await letters.all():
                await letters.replay(letter)

    asyncio.run(replay())


def processed_by(pipeline: Pipeline, *domains: str) -> bool:
    async def look() -> bool:
        async with open_log(pipeline.broker_url, NAMESPACE) as log:
            posted = sum((await log.end_offsets(topics.TRADING_COMMANDS)).values())
            return posted >= FILLS and await all_processed(log, domains)

    pipeline.check()
    return asyncio.run(look())


def of_the_others(facts: Facts) -> Facts:
    return {name: value for name, value in facts.items() if name.startswith(("position ", "fees "))}


def assert_the_others_are_right(pipeline: Pipeline, right: Facts) -> None:
    client = pipeline.client("admin", "auditor")
    shown = fees(client)
    for user in sorted({name.split()[1] for name in right if name.startswith("position ")}):
        shown.update(positions(client, user))
    assert_equal(of_the_others(right), shown)


def assert_all_is_right(pipeline: Pipeline, right: Facts) -> None:
    wait_until_drained(pipeline, commands=FILLS, within_s=DRAIN_S)
    assert_equal(right, served(pipeline.client("admin", "auditor"), right, page_rows=50))
    for topic in (topics.GAMIFICATION_EVENTS, topics.FINANCIAL_FEES):
        ids = Counter(event["id"] for event in events_of(pipeline, topic))
        assert [one for one, times in ids.items() if times > 1] == [], f"events that stand twice in {topic}"


def run_with(pipeline: Pipeline, kind: str, file: Path, right: Facts) -> None:
    """Start a worker with the planted error, and wait until the other domains have processed all fills."""
    pipeline.start_worker(program=planted(kind))
    pipeline.wait_until_ready()
    pipeline.start("replay", "replay", str(file))
    eventually(lambda: processed_by(pipeline, *OTHERS), within_s=DRAIN_S, what="the other domains are through")
    assert_the_others_are_right(pipeline, right)


@pytest.mark.heavy
def test_a_bug_in_one_domain_makes_dead_letters_of_its_group_alone_and_a_replay_repairs_it(
    tmp_path: Path, fills_file: Path
) -> None:
    right, _ = right_answer(fills_file)
    with Pipeline(tmp_path, workers=0) as pipeline:
        run_with(pipeline, "bug", fills_file, right)
        eventually(lambda: processed_by(pipeline), within_s=DRAIN_S, what="all domains are through")
        letters = letters_of(pipeline)
        assert {letter.group for letter in letters} == {f"{APP_ID}-gamification"}
        assert {(letter.key or b"").decode() for letter in letters} == set(VICTIMS)

        assert pipeline.workers[0].stop()
        assert pipeline.workers[0].exit_code == 0
        pipeline.start_worker()
        first = letters[0]
        assert "replayed to" in pipeline.run("dead-letters", "replay", first.id)
        replay_letters(pipeline)
        assert_all_is_right(pipeline, right)
        assert letters_of(pipeline) == []


@pytest.mark.parametrize(("kind", "status"), [("stall", 1), pytest.param("crash", 0, marks=pytest.mark.heavy)])
def test_a_domain_that_blocks_or_crashes_stops_no_other_and_is_caught_up_by_the_next_worker(
    tmp_path: Path, fills_file: Path, kind: str, status: int
) -> None:
    """A blocked domain cannot be ended: the process stops the other domains and ends with status 1."""
    right, _ = right_answer(fills_file)
    with Pipeline(tmp_path, workers=0) as pipeline:
        run_with(pipeline, kind, fills_file, right)
        assert not processed_by(pipeline)
        assert letters_of(pipeline) == []
        worker = pipeline.workers[0]
        assert worker.stop()
        assert worker.exit_code == status
        assert ("gamification crashed; it starts again" in worker.output()) == (kind == "crash")
        assert ("gamification did not stop within" in worker.output()) == (kind == "stall")
        pipeline.start_worker()
        assert_all_is_right(pipeline, right)


@pytest.mark.heavy
def test_a_domain_that_no_worker_runs_holds_up_no_other_and_catches_up_later(tmp_path: Path, fills_file: Path) -> None:
    right, _ = right_answer(fills_file)
    with Pipeline(tmp_path, workers=0) as pipeline:
        pipeline.start_worker(*OTHERS)
        pipeline.wait_until_ready()
        pipeline.start("replay", "replay", str(fills_file))
        eventually(lambda: processed_by(pipeline, *OTHERS), within_s=DRAIN_S, what="the other domains are through")
        assert_the_others_are_right(pipeline, right)
        pipeline.start_worker("gamification")
        assert_all_is_right(pipeline, right)
