"""What is decoded and dumped in one step is what Faust's registry makes of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import faust
import pytest
from faust.serializers.schemas import Schema
from faust.types import TP, ConsumerMessage

from streams.driver.decoding import decoder
from streams.driver.quick_tables import dumper


class Click(faust.Record):
    """A value with a type."""

    user: str
    amount: float


class Own(Schema):  # type: ignore[type-arg]
    """A schema that decodes in its own way."""


KEYS: list[tuple[Any, Any, bytes | None]] = [
    (str, None, b"k"),
    (bytes, None, b"\xff"),
    (None, None, b"k"),
    (str, "json", b'"k"'),
    (int, None, b"7"),
    (Click, "json", b'{"user":"u","amount":1.5}'),
    (None, None, None),
    (str, None, None),
]
VALUES: list[tuple[Any, Any, bytes | None]] = [
    (None, "json", b'{"a":[1,2.5,null]}'),
    (None, "json", b"[1]"),
    (None, "json", b"null"),
    (bytes, "raw", b"\x00\xff"),
    (str, "raw", "ä".encode()),
    (str, "json", b'"x"'),
    (int, "json", b"12"),
    (Decimal, "json", b'"1.50"'),
    (Click, "json", b'{"user":"u","amount":1.5}'),
    (None, "json", b'{"user":"u","amount":1.5,"__faust":{"ns":"tests.unit.streams.driver.test_decoding.Click"}}'),
    (None, "json", None),
    (bytes, "raw", None),
]
ROWS: list[tuple[Any, Any, Any]] = [
    (str, None, "k"),
    (bytes, None, b"\xff"),
    (None, "json", {"a": 1}),
    (None, "json", "text"),
    (None, "json", b"taken as it is"),
    (int, "json", 5),
    (None, "json", ("a", 1)),
    (None, "json", Decimal("1.5")),
    (Click, "json", Click(user="u", amount=1.5)),
    (str, "raw", "ä"),
]


@pytest.fixture
def app() -> faust.App:
    return faust.App("app", broker="memory://")


def message(key: bytes | None, value: bytes | None) -> ConsumerMessage:
    return ConsumerMessage("in", 0, 3, 1.0, 0, [("h", b"1")], key, value, b"", tp=TP("in", 0))


@pytest.mark.parametrize("keyed", KEYS)
@pytest.mark.parametrize("valued", VALUES)
async def test_events_are_those_that_faust_makes(
    app: faust.App, keyed: tuple[Any, Any, bytes | None], valued: tuple[Any, Any, bytes | None]
) -> None:
    (key_type, key_codec, key), (value_type, value_codec, value) = keyed, valued
    topic = app.topic(
        "in", key_type=key_type, value_type=value_type, key_serializer=key_codec, value_serializer=value_codec,
        allow_empty=True,
    )  # fmt: skip
    decode = decoder(app, topic)
    assert decode is not None
    expected = await topic.decode(message(key, value), propagate=True)
    decoded = decode(key, value)
    assert decoded == (expected.key, expected.value)
    assert [type(part) for part in decoded] == [type(expected.key), type(expected.value)]


@pytest.mark.parametrize("value", [b"{", b"\xff", None])
def test_what_faust_cannot_decode_raises(app: faust.App, value: bytes | None) -> None:
    decode = decoder(app, app.topic("in", value_type=Click))
    assert decode is not None
    with pytest.raises(Exception, match=r".+"):
        decode(None, value)


def test_topics_that_decode_in_their_own_way_are_left_to_faust(app: faust.App) -> None:
    assert decoder(app, app.topic("in", schema=Own())) is None


@pytest.mark.parametrize(("typ", "codec", "value"), ROWS)
def test_rows_are_dumped_as_faust_dumps_them(app: faust.App, typ: Any, codec: Any, value: Any) -> None:
    registry = app.serializers
    dump = dumper(registry.dumps_value, registry, typ, codec, registry.value_serializer)
    assert dump(value) == registry.dumps_value(typ, value, serializer=codec)
