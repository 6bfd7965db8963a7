"""The public simulator catches planted defects of the library in whole apps, each within 60 seeds."""

from __future__ import annotations

from collections import Counter, defaultdict
from contextlib import ExitStack
from operator import attrgetter
from unittest.mock import patch

import pytest
from faust_redis.testing import InvariantError, Simulation, SimulationError, node
from faust_redis.testing.server import Server
from faust_redis.testing.view import View

from tests.simulation.defects import DEFECTS
from tests.simulation.needs import NEEDS_DEFECTS
from tests.simulation.order_defects import ORDER_DEFECTS
from tests.simulation.resize_defects import RESIZE_DEFECTS
from tests.simulation.shard_defects import SHARD_DEFECTS
from tests.testing import apps

SEEDS_FOR_A_DEFECT = 60

RARE = {
    "later_runs_commit_first",
    "overtaken_recovery_goes_on",
    "unheeded_rebalance",
    "unread_topics_are_empty",
}
"""Defects that need an unlikely order of messages. `tests/simulation` plays enough seeds to meet it."""

NEAR = {
    "any_writer": 150,
    "commit_before_outputs": 7,
    "late_attempts_count": 16,
    "left_over_events_write": 8,
    "no_recovery": 52,
    "offsets_outside_commit": 5,
}
"""A seed shortly before the first that catches a defect, where the search begins to keep this test quick."""


LONG = {"interrupted_commit", "status_must_be_published", "whole_batches"}
"""Defects after which nothing moves any more, which takes seconds to notice. CI catches them in `tests/simulation`."""


def results_are_right(view: View) -> None:
    words, parts, notes = (
        [(record.key, record.value) for record in view.read(topic)] for topic in ("words", "parts", "notes")
    )
    assert Counter(parts) == Counter((key, part) for key, word in words for part in apps.parts_of(word))
    assert_counts_each_once(view, "counts", "totals", parts)
    assert_counts_each_once(view, "shared", "sums", parts + notes)
    latest = {record.key: record.value.partition(":")[2] for record in view.read("counts")}
    assert {key: value for (key, _window), value in view.table("latest").items()} == latest
    assert view.dead_letters() == []


def assert_counts_each_once(view: View, topic: str, table: str, inputs: list[tuple[str, str]]) -> None:
    """Check the records of a counting agent: 1, 2, 3 and so on for each key, with each input once."""
    numbers, values = defaultdict(list), Counter[tuple[str, str]]()
    for record in view.read(topic):
        number, _, value = record.value.partition(":")
        numbers[record.key].append(int(number))
        values[record.key, value] += 1
    totals = Counter(key for key, _ in inputs)
    assert numbers == {key: list(range(1, total + 1)) for key, total in totals.items()}
    assert values == Counter(inputs)
    assert view.table(table) == totals


def steps_are_in_append_order(view: View) -> None:
    """Check that the agents of both topics have processed each record once, in the order of their appending."""
    inputs = sorted((*view.read("words"), *view.read("notes")), key=attrgetter("order"))
    for partition in (0, 1):
        expected = [record.value for record in inputs if record.partition == partition]
        assert [step.value for step in view.read("steps") if step.partition == partition] == expected


def play(seed: int, defect: str | None = None, *, in_order: bool = False) -> None:
    simulation = Simulation([seed])
    simulation.inputs(apps.words_and_notes)
    if in_order:
        simulation.app(lambda: apps.in_append_order(records_max=3 * (seed % 2)))
        simulation.check(steps_are_in_append_order)
    else:
        simulation.app(lambda: apps.shared_rows(records_max=3))
        simulation.check(results_are_right)
    with ExitStack() as planted:
        if defect is not None:
            plant(planted, defect)
        simulation.run()


def play_many(defect: str) -> None:
    for seed in range(SEEDS_FOR_A_DEFECT):
        play(seed, defect)


def plant(stack: ExitStack, defect: str) -> None:
    """Plant a defect until the stack is closed."""
    flaws = DEFECTS[defect].plant(stack)

    def server(*args: object) -> Server:
        made = Server(*args)  # type: ignore[arg-type]
        made.flaws = flaws
        return made

    stack.enter_context(patch.object(node, "Server", server))


ELSEWHERE = SHARD_DEFECTS.keys() | RESIZE_DEFECTS.keys() | NEEDS_DEFECTS.keys()
"""Defects of what these apps do not have: several brokers, resizes, and agents that need only some records."""


@pytest.mark.parametrize(
    "defect",
    [
        pytest.param(name, marks=[pytest.mark.heavy] * (name in LONG))
        for name in sorted(DEFECTS.keys() - RARE - ELSEWHERE)
    ],
)
@pytest.mark.sample(5)
def test_a_planted_defect_is_caught_in_a_whole_app(defect: str) -> None:
    first, in_order = NEAR.get(defect, 0), defect in ORDER_DEFECTS
    for seed in range(first, first + SEEDS_FOR_A_DEFECT):
        try:
            play(seed, defect, in_order=in_order)
        except (AssertionError, InvariantError, SimulationError):
            play(seed, in_order=in_order)  # it holds without the defect
            return
    pytest.fail(f"{defect} is not caught by {SEEDS_FOR_A_DEFECT} seeds")


@pytest.mark.parametrize(
    ("defect", "message"),
    [
        ("no_fence", "accepted a commit of"),
        ("no_lease_check", "after its lease. This is a defect of faust-redis"),
        ("no_dedup", "applied write|it was restored to an earlier state, but it was not"),
        ("overlay_flushed_before_commit", "ahead of the changelog"),
    ],
)
def test_an_invariant_of_the_library_names_the_broken_promise(defect: str, message: str) -> None:
    with pytest.raises(InvariantError, match=message) as caught:
        play_many(defect)
    assert "replay it with: " in caught.value.__notes__[0]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.sample(2)
def test_agents_that_consume_in_append_order_hold(seed: int) -> None:
    play(seed, in_order=True)


@pytest.mark.parametrize("seed", [*range(10), 165])
@pytest.mark.sample(2)
def test_agents_that_share_rows_hold(seed: int) -> None:
    play(seed)
