"""Encode arguments and decode results and events by the ABI of a class.

Addresses and numbers are `int`, structs are `dict`, tuples are `tuple`, arrays are `list`, byte arrays are `str`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from starknet_py.hash.selector import get_selector_from_name

from contracts.clients.codec import (
    BOOL,
    BYTE_ARRAY,
    FELT,
    NOTHING,
    TEXT,
    U256,
    Codec,
    array,
    decoded,
    encoded,
    struct,
    tuple_of,
)
from contracts.clients.generate.cairo_types import ARRAY, TUPLE, Type, parsed

NUMBER_OR_TEXT: Final[Codec[Any]] = Codec(
    lambda value: TEXT.encode(value) if isinstance(value, str) else (int(value),), FELT.decode
)
"""Tests send what the type does not allow, too."""
PLAIN: Final[dict[str, Codec[Any]]] = {
    "core::integer::u256": U256,
    "core::byte_array::ByteArray": BYTE_ARRAY,
    "core::bool": BOOL,
}

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
        return encoded([self._codec(parsed(each["type"])) for each in inputs], arguments)

    def decode(self, function: str, felts: Sequence[int]) -> Any:
        """Return the result of a function; None when it has none."""
        outputs = [self._codec(parsed(each["type"])) for each in self.functions[function]["outputs"]]
        return decoded(outputs[0] if outputs else NOTHING, felts)

    def event(self, contract: int, keys: Sequence[int], data: Sequence[int]) -> Event:
        name, members = self.events[keys[0]]
        parts = {"key": keys[1:], "data": data}
        fields: dict[str, Any] = {}
        for part, felts in parts.items():
            found: dict[str, Any] = decoded(self._struct([each for each in members if each["kind"] == part]), felts)
            fields |= found
        return Event(contract, name, {each["name"]: fields[each["name"]] for each in members})

    def _codec(self, kind: Type) -> Codec[Any]:
        if kind.name == ARRAY:
            item = array(self._codec(kind.parts[0]))
            return Codec(item.encode, lambda felts: [*item.decode(felts)])
        if kind.name == TUPLE:
            return tuple_of(*[self._codec(part) for part in kind.parts])
        if members := self.structs.get(kind.name):
            return PLAIN.get(kind.name) or self._struct(members)
        return PLAIN.get(kind.name, NUMBER_OR_TEXT)

    def _struct(self, members: Sequence[dict[str, str]]) -> Codec[dict[str, Any]]:
        codecs = {each["name"]: self._codec(parsed(each["type"])) for each in members}
        return Codec(
            lambda value: encoded([*codecs.values()], [value[name] for name in codecs]), struct(dict, codecs).decode
        )


def short_string(text: str) -> int:
    """Return the number that Cairo writes as a text of at most 31 characters."""
    [felt] = TEXT.encode(text)
    return felt
