"""The progress of table recovery: what was read, and how much there is in all."""

from faust.types import TP
from faust_redis.driver.state.restore_progress import RestoreProgress

A, B = TP("changelog", 0), TP("changelog", 1)


def test_the_total_is_unknown_until_the_ends_are_read() -> None:
    progress = RestoreProgress("restoring tables")
    assert (progress.done, progress.total) == (0, None)
    progress.expect({A: 10, B: 5})
    assert (progress.done, progress.total) == (0, 15)


def test_the_total_stays_while_partitions_have_what_was_expected() -> None:
    progress = RestoreProgress("restoring tables")
    progress.expect({A: 10, B: 5})
    for tp, count in ((A, 4), (A, 6), (B, 5)):
        progress.add(tp, count)
        assert progress.total == 15
    assert progress.done == 15


def test_a_snapshot_with_fewer_or_more_rows_than_expected_corrects_the_total() -> None:
    progress = RestoreProgress("restoring tables")
    progress.expect({A: 10, B: 5})
    progress.add(A, 3)
    progress.finish(A)
    assert (progress.done, progress.total) == (3, 8)
    progress.add(B, 7)
    assert (progress.done, progress.total) == (10, 10), "never less than what was read"
    progress.finish(B)
    assert (progress.done, progress.total) == (10, 10)
