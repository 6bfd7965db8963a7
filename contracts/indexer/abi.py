"""Decodes events by the ABI of our contracts, as the compiler wrote it into the committed classes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

from starknet_py.hash.selector import get_selector_from_name

ARRAY: Final = re.compile(r"core::array::(?:Span|Array)::<(.*)>")
U256: Final = "core::integer::u256"
Members = Sequence[Mapping[str, str]]


class EventAbi:
    """The events of one class."""

    def __init__(self, entries: Sequence[Mapping[str, Any]]) -> None:
        self._structs = {each["name"]: each["members"] for each in entries if each["type"] == "struct"}
        structs = [each for each in entries if each["type"] == "event" and each["kind"] == "struct"]
        names = {each["name"].rpartition("::")[2]: each["members"] for each in structs}
        self._events: dict[int, tuple[str, Members]] = {
            get_selector_from_name(name): (name, members) for name, members in names.items()
        }

    def decode(self, keys: Sequence[int], data: Sequence[int]) -> tuple[str, dict[str, Any]]:
        """Return the name and the fields of an event. Numbers, addresses and short strings are `int`.

        Raises:
            ValueError: it is not an event of this class.
        """
        name, members = self._events.get(keys[0] if keys else 0, ("", ()))
        if not name:
            raise ValueError(f"the class has no event with the selector {hex(keys[0]) if keys else 'none'}")
        parts = {"key": iter(keys[1:]), "data": iter(data)}
        try:
            fields = {each["name"]: self._value(each["type"], parts[each["kind"]]) for each in members}
        except StopIteration:
            raise ValueError(f"an event {name} is shorter than its type") from None
        if any(next(part, None) is not None for part in parts.values()):
            raise ValueError(f"an event {name} is longer than its type")
        return name, fields

    def _value(self, kind: str, felts: Iterator[int]) -> Any:
        if kind == U256:
            return next(felts) | next(felts) << 128
        if found := ARRAY.fullmatch(kind):
            values = []
            for _ in range(next(felts)):
                values.append(self._value(found[1], felts))  # noqa: PERF401 - StopIteration must leave this function
            return values
        if members := self._structs.get(kind):
            return {each["name"]: self._value(each["type"], felts) for each in members}
        return next(felts)


@cache
def event_abi(name: str) -> EventAbi:
    """Return the events of a committed class.

    Raises:
        FileNotFoundError: there is no such class.
    """
    text = files("contracts").joinpath("artifacts", f"{name}.sierra.json").read_text("utf-8")
    return EventAbi(json.loads(text)["abi"])


@cache
def selector(function: str) -> str:
    """Return the selector of a function."""
    return hex(get_selector_from_name(function))
