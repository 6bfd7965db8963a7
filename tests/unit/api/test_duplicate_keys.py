"""The parser finds a key that occurs twice in a body, and reports no other key."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.kit.duplicate_keys import Duplicate, find_duplicate_key
from api.trading.models import FillBatch, Order
from tests.integration.api.support import fill

ORDER: dict[str, Any] = {"market": "BTC", "side": "long", "notional_usd": "1.00", "leverage": 5}
SPACE = st.sampled_from(["", " ", "\t", "\n\r "])


def found(raw: str, model: type[Order | FillBatch] = Order) -> Duplicate | None:
    return find_duplicate_key(raw.encode(), model.model_validate_json(raw))


@given(SPACE, SPACE, st.sampled_from(list(ORDER)))
def test_a_second_key_is_found_however_it_is_spaced(before: str, after: str, key: str) -> None:
    pairs = [f'"{name}"{before}:{after}{orjson.dumps(value).decode()}' for name, value in ORDER.items()]
    assert found("{" + ",".join(pairs) + "}") is None
    again = f'"{key}"{before}:{after}{orjson.dumps(ORDER[key]).decode()}'
    assert found("{" + ",".join([*pairs, again]) + "}") == Duplicate("#", key)


@pytest.mark.parametrize("first", ['"', ":", '\\":', "\\", 'x":'])
def test_the_key_that_is_dropped_may_hold_anything(first: str) -> None:
    raw = orjson.dumps(ORDER).decode()
    assert found('{"client_ref":' + orjson.dumps(first).decode() + ',"client_ref":"x",' + raw[1:]) is not None


def test_an_escaped_key_is_the_same_key() -> None:
    raw = orjson.dumps(ORDER).decode()
    assert found('{"\\u006darket":"ETH",' + raw[1:]) == Duplicate("#", "market")


def test_the_pointer_leads_to_the_item_of_a_batch() -> None:
    items = [orjson.dumps(fill(n)).decode() for n in range(3)]
    items[1] = '{"user_id":"mallory",' + items[1][1:]
    assert found('{"fills":[' + ",".join(items) + "]}", FillBatch) == Duplicate("#/fills/1", "user_id")
    assert found('{"fills":[],"fills":[' + items[0] + "]}", FillBatch) == Duplicate("#", "fills")
