"""The check at the end of a run."""

from tests.community.journal import TICK, Entry
from tests.load.final import lost
from tests.load.run import untraced
from tests.load.variants import Collected


def _entry(number: int, name: str, event_id: str) -> Entry:
    return Entry(number=number, at=0, name=name, user="u", id=event_id)


def test_an_accepted_command_that_the_log_lacks_or_has_twice_is_named() -> None:
    journal = [_entry(0, TICK, "t"), *(_entry(n, "OpenTrade", f"e-{n}") for n in (1, 2, 3))]
    assert lost(journal, {"t": 4, "e-1": 1, "e-2": 1, "e-3": 1}) == []
    assert lost(journal, {"t": 4, "e-1": 1, "e-3": 2}) == [
        "e-2 was accepted 1 times, and the log has it 0 times",
        "e-3 was accepted 1 times, and the log has it 2 times",
    ]


def test_a_fill_that_is_reported_twice_is_in_the_log_twice() -> None:
    journal = [_entry(0, "ReportFill", "f-1"), _entry(1, "ReportFill", "f-1")]
    assert lost(journal, {"f-1": 2}) == []
    assert lost(journal, {"f-1": 1}) == ["f-1 was accepted 2 times, and the log has it 1 times"]


def test_a_traced_run_that_exports_nothing_fails() -> None:
    assert untraced(None) == []
    assert untraced(Collected(requests=2, bytes=300)) == []
    assert untraced(Collected(requests=0, bytes=0)) == ["the product was to export traces, and exported none"]
