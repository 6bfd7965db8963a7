from __future__ import annotations

import pytest
from faust_redis.log import Position
from hypothesis import given
from hypothesis import strategies as st


@given(st.dictionaries(st.integers(0, 1023), st.integers(0, 1 << 53), min_size=1))
def test_a_position_survives_its_text(offsets: dict[int, int]) -> None:
    position = Position("astra.trading.events.v1", "0a1b2c", offsets)
    assert Position.parse(str(position)) == position
    assert Position.parse_tag(position.topic, position.tag) == position


@pytest.mark.parametrize(
    "text", ["", "x", "t@", "t@e", "t@e:", "t@e:1", "t@e:a-b", "@e:0-1", "t@:0-1", "t@e:0--1", "t@e:0-1-2"]
)
def test_text_that_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a position"):
        Position.parse(text)
