"""What the watch makes of ends and committed offsets."""

from tests.load.watch import Timeline, Waiting


def test_a_record_is_visible_when_the_committed_offset_is_first_seen_above_it() -> None:
    timeline = Timeline()
    for at_s, value in ((1.0, 3), (2.0, 3), (3.0, 5), (4.0, 9)):
        timeline.note(at_s, value)
    assert [timeline.passed(offset) for offset in (2, 3, 4, 5, 8, 9)] == [1.0, 3.0, 3.0, 4.0, 4.0, None]


def test_the_oldest_record_waits_from_when_the_end_passed_the_committed_offset() -> None:
    waiting = Waiting()
    assert waiting.age_s(0.0, end=0, committed=0) == 0.0
    assert waiting.age_s(1.0, end=2, committed=0) == 0.0
    assert waiting.age_s(2.0, end=5, committed=0) == 1.0
    assert waiting.age_s(3.0, end=5, committed=1) == 2.0
    assert waiting.age_s(4.0, end=5, committed=2) == 2.0
    assert waiting.age_s(5.0, end=5, committed=5) == 0.0
