"""How much an app holds can be read from any thread."""

from types import SimpleNamespace
from typing import Any

from faust_redis import Depths, depths_of


class Books:
    """Counts that another thread changes while they are read."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)

    def in_flight(self) -> int:
        if self._errors:
            raise self._errors.pop()
        return 3

    def __len__(self) -> int:
        return 5


def app_with(books: Books) -> Any:
    driver = SimpleNamespace(
        tracker=books, committer=SimpleNamespace(pending=books), damages=lambda: {"a partition": "torn"}
    )
    return SimpleNamespace(transport=SimpleNamespace(driver=driver))


def test_a_count_that_changes_while_it_is_read_is_read_again() -> None:
    changed, torn = RuntimeError("dictionary changed size during iteration"), AssertionError("-1 events in flight")
    assert depths_of(app_with(Books(changed, torn))) == Depths(
        events_in_flight=3, writes_pending=5, partitions_damaged=1
    )


def test_a_count_that_changes_all_the_time_is_not_told() -> None:
    assert depths_of(app_with(Books(*[RuntimeError()] * 3))) is None
