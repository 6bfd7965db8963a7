"""Milestones map an offset of one log to the matching offset of another."""

from hypothesis import given
from hypothesis import strategies as st

from streams.connect.kafka.milestones import PAIRS_MAX, Milestones


def test_an_offset_between_two_pairs_amounts_to_the_earlier_one() -> None:
    marks = Milestones(10, 100)
    marks.add(15, 103)
    marks.add(20, 110)
    assert marks.log_offset(9) is None
    assert marks.log_offset(14) == 100
    assert marks.log_offset(15) == 103
    assert marks.log_offset(99) == 110
    assert marks.last == 110


@given(st.lists(st.integers(1, 5), min_size=1, max_size=40), st.integers(1, 300))
def test_forgetting_makes_answers_later_never_too_early(steps: list[int], scale: int) -> None:
    marks, there = Milestones(0, 0), 0
    pairs = [(0, 0)]
    for step in steps * (1 + scale * PAIRS_MAX // (300 * len(steps))):
        there += step
        pairs.append((there, len(pairs)))
        marks.add(*pairs[-1])
    assert marks.log_offset(pairs[-1][0]) == pairs[-1][1] == marks.last
    other = Milestones(0, 0)
    for pair in pairs[1:]:
        other.add(*pair)
    middle = pairs[len(pairs) // 2]
    found = other.log_offset(middle[0])
    assert found is not None
    assert found <= middle[1]
