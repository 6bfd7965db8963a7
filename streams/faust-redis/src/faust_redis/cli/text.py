"""Plain text for terminals and pipes: aligned columns, and bytes as text."""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgpack

PREVIEW_CHARS_MAX = 2_000


def columns(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Return a head and rows as lines, one line a row; columns of numbers are aligned to the right."""
    cells = [[str(cell) for cell in row] for row in rows]
    numeric = [all(isinstance(row[i], int) or row[i] == "-" for row in rows) for i in range(len(head))]
    widths = [max(len(line[i]) for line in [list(head), *cells]) for i in range(len(head))]
    return [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in [list(head), *cells]
    ]


def shown(value: bytes | None) -> str:
    """Return bytes as text of a bounded length."""
    if value is None:
        return "(none)"
    text = value.decode("utf-8", errors="backslashreplace")
    return text if len(text) <= PREVIEW_CHARS_MAX else f"{text[:PREVIEW_CHARS_MAX]}… ({len(value)} bytes)"


def readable(value: bytes) -> str:
    """Return a stored value as one line.

    JSON has its letters unescaped. MessagePack becomes JSON, in which binary values are hexadecimal text. Other bytes
    are shown as text, or as hexadecimal text.
    """
    try:
        return json.dumps(json.loads(value), ensure_ascii=False)
    except ValueError:
        pass
    try:
        return value.decode()
    except UnicodeDecodeError:
        pass
    try:
        return json.dumps(msgpack.unpackb(value, ext_hook=_extension), ensure_ascii=False, default=_hexadecimal)
    except (ValueError, TypeError, msgpack.exceptions.UnpackException):
        return _hexadecimal(value)


def _extension(code: int, data: bytes) -> str:
    return f"extension {code}: {_hexadecimal(data)}"


def _hexadecimal(value: bytes | msgpack.Timestamp) -> str:
    return f"0x{value.hex()}" if isinstance(value, bytes) else str(value)
