"""Samples tell how long ago the end of a partition passed an offset."""

from __future__ import annotations

from faust_redis.log import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from api.kit.lag_history import SAMPLES_MAX, LagHistory

HERE, OTHER = TopicPartition("t", 0), TopicPartition("t", 1)


def sampled(*ends: tuple[int, int]) -> LagHistory:
    """Return a history of (seconds, end)."""
    history = LagHistory()
    for seconds, end in ends:
        history.add({HERE: end}, seconds * 1_000)
    return history


def test_a_delay_begins_when_the_end_passed_the_offset() -> None:
    history = sampled((10, 5), (11, 5), (12, 8), (13, 9))
    assert history.delay(HERE, 5, 20_000) == (8.0, False)
    assert history.delay(HERE, 7, 20_000) == (8.0, False)
    assert history.delay(HERE, 8, 20_000) == (7.0, False)


def test_nothing_waits_at_the_end_and_nothing_is_known_of_other_partitions() -> None:
    history = sampled((10, 5))
    assert history.delay(HERE, 5, 20_000) == (0.0, False)
    assert history.delay(OTHER, 0, 20_000) == (0.0, False)


def test_a_record_older_than_the_samples_has_waited_at_least_so_long() -> None:
    assert sampled((10, 5)).delay(HERE, 4, 20_000) == (10.0, True)


def test_an_end_that_went_back_is_the_end_of_another_history() -> None:
    history = sampled((10, 5), (11, 9), (12, 3))
    assert history.delay(HERE, 2, 20_000) == (8.0, True)
    assert history.delay(HERE, 3, 20_000) == (0.0, False)


@given(st.integers(1, 5_000), st.data())
def test_a_long_history_is_bounded_and_never_tells_more_than_the_truth(count: int, data: st.DataObject) -> None:
    history = LagHistory()
    for n in range(count):
        history.add({HERE: n + 1}, n * 1_000)
    now_ms = count * 1_000
    committed = data.draw(st.integers(0, count - 1))
    seconds, at_least = history.delay(HERE, committed, now_ms)
    true_s = count - committed
    assert seconds <= true_s
    assert at_least == (committed == 0)
    if true_s <= SAMPLES_MAX // 2:
        assert seconds == true_s
    assert len(history._ends[HERE]) == len(history._seen_ms[HERE]) <= SAMPLES_MAX
