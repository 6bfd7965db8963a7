"""Rows on the command line: people can read each format that a table may hold."""

from __future__ import annotations

import msgpack
import pytest
from faust_redis.cli.text import readable


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b'{"user":"J\\u00f6rg","xp":7}', '{"user": "Jörg", "xp": 7}'),
        (msgpack.packb({"all": [-7.5, 7, 12]}), '{"all": [-7.5, 7, 12]}'),
        ("grün".encode(), "grün"),
        (b"", ""),
        (
            msgpack.packb([7, "BTC", b"\xff\x00", msgpack.ExtType(1, b"\x0a")]),
            '[7, "BTC", "0xff00", "extension 1: 0x0a"]',
        ),
        (msgpack.packb([msgpack.Timestamp(1, 0)]), '["Timestamp(seconds=1, nanoseconds=0)"]'),
        (b"\xff\xfe", "0xfffe"),
        (b"\x81", "0x81"),
    ],
)
def test_a_row_is_shown_as_text(value: bytes, text: str) -> None:
    assert readable(value) == text
