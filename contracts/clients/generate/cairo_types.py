"""The types of an ABI, as the compiler writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

_ARRAY: Final = re.compile(r"core::array::(?:Span|Array)::<(.*)>")
ARRAY: Final = "array"
TUPLE: Final = "tuple"
NUMBERS: Final = {f"core::integer::u{bits}": f"U{bits}" for bits in (8, 16, 32, 64, 128, 256)}
FELT: Final = "core::felt252"
PLAIN: Final = {
    **NUMBERS,
    FELT: "FELT",
    "core::bool": "BOOL",
    "core::byte_array::ByteArray": "BYTE_ARRAY",
    "core::starknet::contract_address::ContractAddress": "HEX",
    "core::starknet::class_hash::ClassHash": "HEX",
}
"""The codecs of types that have no parts."""


class Type(NamedTuple):
    """A type: `array`, `tuple`, or the name of another one; and its parts."""

    name: str
    parts: tuple[Type, ...] = ()


def parsed(text: str) -> Type:
    """Return a type of an ABI."""
    if found := _ARRAY.fullmatch(text):
        return Type(ARRAY, (parsed(found[1]),))
    if text.startswith("("):
        return Type(TUPLE, tuple(parsed(part) for part in _split(text[1:-1])))
    return Type(text)


def _split(text: str) -> Iterator[str]:
    """Yield what commas separate outside of brackets."""
    depth = begin = 0
    for place, character in enumerate(text):
        depth += (character in "(<") - (character in ")>")
        if character == "," and not depth:
            yield text[begin:place].strip()
            begin = place + 1
    if text[begin:].strip():
        yield text[begin:].strip()
