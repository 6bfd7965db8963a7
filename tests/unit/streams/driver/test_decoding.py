"""Decoding and encoding in one step give the results of Faust's registry."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import faust
import msgspec
import pytest
from faust.exceptions import ValueDecodeError
from faust.serializers.schemas import Schema
from faust.types import TP, ConsumerMessage
from faust_redis.driver.codecs.encoding import as_bytes, dumper
from faust_redis.driver.delivery.decoding import decoder
from faust_redis.typed import Typed


class Click(faust.Record):
    """A value with a type."""

    user: str
    amount: float


class Point(msgspec.Struct):
    """A second typed value."""

    x: int
    y: int


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


async def test_structs_are_decoded_and_validated_whichever_way_they_come(app: faust.App) -> None:
    topic = app.topic("in", schema=Typed(Point))
    decode = decoder(app, topic)
    assert decode is not None
    for key in (b"k", None):
        event = await topic.decode(message(key, b'{"x":1,"y":2}'), propagate=True)
        assert decode(key, b'{"x":1,"y":2}') == (event.key, event.value) == (key and key.decode(), Point(1, 2))
        for bad in (b'{"x":1}', b"{", None):
            with pytest.raises(ValueDecodeError):
                decode(key, bad)
            with pytest.raises(ValueDecodeError):
                await topic.decode(message(key, bad), propagate=True)
    assert topic.prepare_value(Point(1, 2), None, None) == (b'{"x":1,"y":2}', None)


def test_topics_that_decode_in_their_own_way_are_left_to_faust(app: faust.App) -> None:
    assert decoder(app, app.topic("in", schema=Own())) is None


@pytest.mark.parametrize(("typ", "codec", "value"), ROWS)
def test_rows_are_dumped_as_faust_dumps_them(app: faust.App, typ: Any, codec: Any, value: Any) -> None:
    registry = app.serializers
    dump = dumper(registry.dumps_value, registry, typ, codec, registry.value_serializer)
    assert dump(value) == registry.dumps_value(typ, value, serializer=codec)


def test_a_value_that_is_not_encoded_to_bytes_is_no_table_key(app: faust.App) -> None:
    dump = dumper(app.serializers.dumps_key, app.serializers, bytes, "raw", "raw", as_bytes)
    assert dump(b"5") == dump("5") == b"5"
    with pytest.raises(TypeError, match="not int"):
        dump(5)
