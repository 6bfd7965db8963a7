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
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"\x81", "\ufffd"),
    ],
)
def test_a_row_is_shown_as_text(value: bytes, text: str) -> None:
    assert readable(value) == text
