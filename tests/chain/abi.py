"""Encode arguments and decode results and events by the ABI of a class.

Addresses and numbers are `int`, structs are `dict`, tuples are `tuple`, arrays are `list`, byte arrays are `str`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from starknet_py.hash.selector import get_selector_from_name

ARRAY: Final = re.compile(r"core::array::(?:Span|Array)::<(.*)>")
U256: Final = "core::integer::u256"
BYTE_ARRAY: Final = "core::byte_array::ByteArray"
BOOL: Final = "core::bool"
WORD: Final = 31
"""Bytes in a word of a byte array."""

selector: Final = cache(get_selector_from_name)


@dataclass(frozen=True)
class Event:
    """An event that a contract emitted."""

    contract: int
    name: str
    fields: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]


@dataclass
class Abi:
    """The functions, structs and events of a class."""

    functions: dict[str, dict[str, Any]] = field(default_factory=dict)
    constructor: dict[str, Any] = field(default_factory=lambda: {"inputs": []})
    structs: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    events: dict[int, tuple[str, list[dict[str, str]]]] = field(default_factory=dict)

    @classmethod
    def of(cls, entries: Sequence[dict[str, Any]]) -> Abi:
        abi = cls()
        for entry in entries:
            abi._add(entry)
        return abi

    def _add(self, entry: dict[str, Any]) -> None:
        match entry["type"]:
            case "interface":
                for item in entry["items"]:
                    self._add(item)
            case "function":
                self.functions[entry["name"]] = entry
            case "constructor":
                self.constructor = entry
            case "struct":
                self.structs[entry["name"]] = entry["members"]
            case "event" if entry["kind"] == "struct":
                name = entry["name"].rpartition("::")[2]
                self.events[selector(name)] = (name, entry["members"])

    def encode(self, function: str | None, arguments: Sequence[Any]) -> list[int]:
        """Return the calldata of a function, or of the constructor."""
        inputs = (self.functions[function] if function else self.constructor)["inputs"]
        assert len(inputs) == len(arguments), f"{function} takes {[each['name'] for each in inputs]}"
        return [
            felt for each, value in zip(inputs, arguments, strict=True) for felt in self._felts(each["type"], value)
        ]

    def decode(self, function: str, felts: Sequence[int]) -> Any:
        """Return the result of a function; None when it has none."""
        rest = iter(felts)
        outputs = [self._value(each["type"], rest) for each in self.functions[function]["outputs"]]
        assert next(rest, None) is None, f"{function} returned more than its type has"
        return outputs[0] if outputs else None

    def event(self, contract: int, keys: Sequence[int], data: Sequence[int]) -> Event:
        name, members = self.events[keys[0]]
        parts = {"key": iter(keys[1:]), "data": iter(data)}
        fields = {member["name"]: self._value(member["type"], parts[member["kind"]]) for member in members}
        assert all(next(part, None) is None for part in parts.values()), f"{name} has more than its type"
        return Event(contract, name, fields)

    def _felts(self, kind: str, value: Any) -> Iterator[int]:
        if kind == U256:
            yield from (value & (1 << 128) - 1, value >> 128)
        elif kind == BYTE_ARRAY:
            text = value.encode()
            words, rest = divmod(len(text), WORD)
            yield words
            yield from (int.from_bytes(text[i * WORD :][:WORD], "big") for i in range(words))
            yield from (int.from_bytes(text[words * WORD :], "big"), rest)
        elif found := ARRAY.fullmatch(kind):
            yield len(value)
            for each in value:
                yield from self._felts(found[1], each)
        elif kind in self.structs:
            for member in self.structs[kind]:
                yield from self._felts(member["type"], value[member["name"]])
        else:
            yield short_string(value) if isinstance(value, str) else int(value)

    def _value(self, kind: str, felts: Iterator[int]) -> Any:
        if kind == U256:
            return next(felts) | next(felts) << 128
        if kind == BYTE_ARRAY:
            text = b"".join(next(felts).to_bytes(WORD, "big") for _ in range(next(felts)))
            last = next(felts)
            return (text + last.to_bytes(next(felts), "big")).decode()
        if found := ARRAY.fullmatch(kind):
            return [self._value(found[1], felts) for _ in range(next(felts))]
        if kind.startswith("("):
            return tuple(self._value(each, felts) for each in kind[1:-1].split(", "))
        if kind in self.structs:
            return {member["name"]: self._value(member["type"], felts) for member in self.structs[kind]}
        return bool(next(felts)) if kind == BOOL else next(felts)


def short_string(text: str) -> int:
    """Return the number that Cairo writes as a text of at most 31 characters."""
    return int.from_bytes(text.encode("ascii"), "big")
