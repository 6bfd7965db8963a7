"""The arithmetic of a step's figures."""

import math

import pytest

from tests.load.made import raw, sample, step
from tests.load.result import ALL, Spread, result_of


def test_percentiles_are_of_the_nearest_rank() -> None:
    assert Spread.of([number / 1_000 for number in range(1, 201)]) == Spread(200, 100.0, 198.0, 200.0)
    assert Spread.of([0.003]) == Spread(1, 3.0, 3.0, 3.0)
    assert Spread.of([]) == Spread(0, 0.0, 0.0, 0.0)


def test_times_count_from_when_a_request_was_due_and_not_from_when_it_was_sent() -> None:
    late = sample(1.0, sent_s=1.5, answered_s=1.6, visible_s=1.7)
    found = step([late])
    assert found.sent_late.most == pytest.approx(500)
    assert found.answered["command"].most == pytest.approx(600)
    assert found.due_visible[ALL].most == pytest.approx(700)
    assert found.accepted_visible.most == pytest.approx(100)


def test_a_command_that_is_accepted_and_never_visible_makes_the_step_infinitely_late() -> None:
    found = step([sample(), sample(visible_s=None)])
    assert math.isinf(found.due_visible[ALL].p99)
    assert math.isinf(found.due_visible["trading"].most)


@pytest.mark.parametrize(
    ("kind", "status", "good"),
    [("read", 200, True), ("read", 404, True), ("read", 429, False), ("read", 503, False), ("read", 0, False),
     ("command", 202, True), ("command", 200, False), ("command", 404, False), ("fills", 202, True),
     ("fills", 0, False)],
)  # fmt: skip
def test_only_the_expected_answer_is_no_error(kind: str, status: int, good: bool) -> None:
    found = step([sample(kind=kind, status=status)])
    assert found.errors == (0.0 if good else 1.0)
    assert found.answers == {f"{kind} {status}": 1}


def test_refused_commands_are_not_awaited() -> None:
    found = step([sample(), sample(status=503, visible_s=None)])
    assert found.due_visible[ALL].count == 1


def test_the_broker_s_commands_are_rates_and_shares_of_one_core() -> None:
    found = result_of(raw())
    assert found.operations == 100.0
    assert found.broker_us == 60.0
    assert found.top_commands == {"evalsha": 0.005, "xread": 0.001}
