"""Python values as the felts of Cairo's calldata, and back.

A codec encodes one type. Decoding refuses what the type does not allow, so a wrong answer of a node raises ValueError.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from contracts.indexer.addresses import padded

T = TypeVar("T")

PRIME: Final = 2**251 + 17 * 2**192 + 1
"""Felts are numbers below it."""
LOW_BITS: Final = 128
LOW_MASK: Final = 2**LOW_BITS - 1
WORD: Final = 31
"""Bytes in a word of a byte array, and at most in a short string."""


@dataclass(frozen=True, slots=True)
class Codec(Generic[T]):
    """One type of Cairo: how its values become felts, and felts become a value.

    Attributes:
        encode: Return the felts of a value. Raises ValueError when the type does not have it.
        decode: Take a value from felts. Raises ValueError when it is none, and StopIteration when there are too few.
    """

    encode: Callable[[T], Iterable[int]]
    decode: Callable[[Iterator[int]], T]


def encoded(codecs: Sequence[Codec[Any]], values: Sequence[Any]) -> list[int]:
    """Return the felts of arguments.

    Raises:
        ValueError: a type does not have its value.
    """
    return [felt for codec, value in zip(codecs, values, strict=True) for felt in codec.encode(value)]


def decoded(codec: Codec[T], felts: Iterable[int]) -> T:
    """Decode felts into a value.

    Raises:
        ValueError: they are too few, too many, or none of the type.
    """
    rest = iter(felts)
    try:
        value = codec.decode(rest)
    except StopIteration:
        raise ValueError("a value is shorter than its type") from None
    if next(rest, None) is not None:
        raise ValueError("a value is longer than its type")
    return value


def number(limit: int) -> Codec[int]:
    """Return the codec of numbers below a limit that fit in a felt."""

    def checked(value: int) -> int:
        if not 0 <= value < limit:
            raise ValueError(f"{value} is not a number from 0 to {limit - 1}")
        return value

    return Codec(lambda value: (checked(value),), lambda felts: checked(next(felts)))


FELT: Final = number(PRIME)
U8, U16, U32, U64, U128 = (number(1 << bits) for bits in (8, 16, 32, 64, 128))


def _u256(value: int) -> tuple[int, int]:
    if not 0 <= value < 1 << 256:
        raise ValueError(f"{value} does not fit in 256 bits")
    return value & LOW_MASK, value >> LOW_BITS


U256: Final[Codec[int]] = Codec(_u256, lambda felts: U128.decode(felts) | U128.decode(felts) << LOW_BITS)
HEX: Final[Codec[str]] = Codec(lambda text: FELT.encode(int(text, 16)), lambda felts: padded(FELT.decode(felts)))
"""A number whose value means nothing, such as an address or a hash: `0x` and 64 digits."""


def _short(text: str) -> tuple[int]:
    if not text.isascii() or len(text) > WORD:
        raise ValueError(f"{text[:80]!r} does not have at most {WORD} ASCII characters")
    return (int.from_bytes(text.encode("ascii"), "big"),)


def _long(felt: int) -> str:
    return felt.to_bytes((felt.bit_length() + 7) // 8, "big").decode("ascii", errors="backslashreplace")


TEXT: Final[Codec[str]] = Codec(_short, lambda felts: _long(FELT.decode(felts)))
"""A short string: at most 31 ASCII characters in one felt. Bytes that are not ASCII are decoded as `\\xff`."""


def _flag(felts: Iterator[int]) -> bool:
    return bool(number(2).decode(felts))


BOOL: Final[Codec[bool]] = Codec(lambda value: (int(value),), _flag)


def _byte_array(text: str) -> Iterator[int]:
    whole = text.encode()
    words, rest = divmod(len(whole), WORD)
    yield words
    yield from (int.from_bytes(whole[i * WORD :][:WORD], "big") for i in range(words))
    yield from (int.from_bytes(whole[words * WORD :], "big"), rest)


def _text_of(felts: Iterator[int]) -> str:
    parts = []
    for _ in range(next(felts)):
        parts.append(_bytes(next(felts), WORD))  # noqa: PERF401 - StopIteration must leave this function
    last, length = next(felts), number(WORD).decode(felts)
    return b"".join([*parts, _bytes(last, length)]).decode(errors="backslashreplace")


def _bytes(felt: int, length: int) -> bytes:
    try:
        return felt.to_bytes(length, "big")
    except OverflowError:
        raise ValueError(f"{felt} does not fit in {length} bytes") from None


BYTE_ARRAY: Final[Codec[str]] = Codec(_byte_array, _text_of)
"""A text of any length, in UTF-8."""


def array(item: Codec[T]) -> Codec[tuple[T, ...]]:
    """Return the codec of arrays and spans."""

    def encode(values: tuple[T, ...]) -> Iterator[int]:
        yield len(values)
        for value in values:
            yield from item.encode(value)

    def decode(felts: Iterator[int]) -> tuple[T, ...]:
        values = []
        for _ in range(next(felts)):
            values.append(item.decode(felts))  # noqa: PERF401 - StopIteration must leave this function
        return tuple(values)

    return Codec(encode, decode)


def tuple_of(*items: Codec[Any]) -> Codec[Any]:
    """Return the codec of tuples."""

    def decode(felts: Iterator[int]) -> tuple[Any, ...]:
        return tuple([item.decode(felts) for item in items])

    return Codec(lambda values: encoded(items, values), decode)


def struct(made: Callable[..., T], members: Mapping[str, Codec[Any]]) -> Codec[T]:
    """Return the codec of a class whose attributes are the members of a Cairo struct, in order."""

    def encode(value: T) -> list[int]:
        return encoded([*members.values()], [getattr(value, name) for name in members])

    def decode(felts: Iterator[int]) -> T:
        return made(**{name: codec.decode(felts) for name, codec in members.items()})

    return Codec(encode, decode)


NOTHING: Final[Codec[None]] = Codec(lambda _: (), lambda _: None)
"""The result of a function that has none."""
