"""The ABI of a class, sorted by the Cairo modules that its parts come from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from contracts.toolchain.artifacts import FOLDER, SIERRA
from contracts.toolchain.compiler import Contract

CRATE: Final = "astratrade::"
Entry = Mapping[str, Any]


class Item(NamedTuple):
    """A struct, an interface or an event: its Cairo module such as `shared::ownable`, its own name, and its entry."""

    module: str
    name: str
    entry: Entry


class ClassAbi(NamedTuple):
    """The ABI of one class."""

    name: str
    module: str
    structs: tuple[Item, ...]
    interfaces: tuple[Item, ...]
    events: tuple[Item, ...]
    constructor: Entry


def class_abi(contract: Contract) -> ClassAbi:
    """Return the ABI of a committed class."""
    entries = json.loads((FOLDER / f"{contract.name}{SIERRA}").read_text("utf-8"))["abi"]
    return ClassAbi(
        contract.name,
        contract.file.removesuffix(".cairo").replace("/", "::"),
        tuple(_items(entries, "struct")),
        tuple(_items(entries, "interface")),
        tuple(item for item in _items(entries, "event") if item.entry["kind"] == "struct"),
        next((entry for entry in entries if entry["type"] == "constructor"), {"inputs": []}),
    )


def _items(entries: list[Entry], kind: str) -> Iterator[Item]:
    for entry in entries:
        if entry["type"] == kind and entry["name"].startswith(CRATE):
            path = [part for part in entry["name"].removeprefix(CRATE).split("::") if not part.endswith("Component")]
            # An event is in the module of its contract or component, which is in the module of the file.
            depth = next((i for i, part in enumerate(path) if part[0].isupper()), len(path) - 1)
            yield Item("::".join(path[:depth]), path[-1], entry)
