"""The committed layouts of rows: `python -m tests.row_layouts` adds new rows, and new fields at the end of a row.

A stored row is an array without names. So an old row is read rightly only if its fields keep their places and types.
The command refuses any other change.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from streams.units import Quantity
from tables.domains import TOPOLOGY
from tables.row import Row

FILE = Path(__file__).with_name("fixtures") / "row_layouts.json"
ADVICE = "declare a new field at the end, with a default, and keep the others (docs/tables.md)"

Layout = list[list[str]]
"""Name and type of each field, in the declared order."""


def rows() -> dict[str, type[Row]]:
    """Return the types of all rows, and of the rows inside of them, by domain and name."""
    found: dict[str, type[Row]] = {}
    for table in TOPOLOGY.tables:
        for kind in _with_inner(table.model) if table.model else ():
            found[f"{table.domain}.{kind.__name__}"] = kind
    return dict(sorted(found.items()))


def _with_inner(kind: Any) -> Iterator[type[Row]]:
    if isinstance(kind, type) and issubclass(kind, Row):
        yield kind
        parts: Any = [field.type for field in msgspec.structs.fields(kind)]
    else:
        parts = get_args(kind)
    for part in parts:
        yield from _with_inner(part)


def layout_of(kind: type[Row]) -> Layout:
    return [[field.name, _text(field.type)] for field in msgspec.structs.fields(kind)]


def _text(kind: Any) -> str:
    """Return a type as text. Words of a closed set are text, because a set may grow."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        unit = (arguments[1].extra or {}).get("unit")
        return f"{_text(arguments[0])} of {unit.value}" if unit else _text(arguments[0])
    if origin is Literal:
        return "str"
    if origin in {Union, UnionType}:
        return " | ".join(sorted("none" if one is NoneType else _text(one) for one in arguments))
    if arguments:
        return f"{origin.__name__}[{', '.join('...' if one is ... else _text(one) for one in arguments)}]"
    return "quantity" if kind is Quantity else str(kind.__name__)


def problems(name: str, kind: type[Row], committed: Mapping[str, Layout]) -> Iterator[str]:
    """Yield each difference between the committed layout of a row and its class."""
    old, new = committed.get(name), layout_of(kind)
    if old is None:
        yield f"{name} has no committed layout: run python -m tests.row_layouts"
    elif new[: len(old)] != old:
        place = next(at for at, field in enumerate(old) if new[at : at + 1] != [field])
        yield f"field {place} of {name} was {old[place]}, is {new[place : place + 1]}; {ADVICE}"
    elif required := [one.name for one in msgspec.structs.fields(kind)[len(old) :] if one.required]:
        yield f"the new field {required[0]} of {name} has no default; {ADVICE}"
    elif new != old:
        yield f"{name} has new fields: run python -m tests.row_layouts"


def read(file: Path = FILE) -> dict[str, Layout]:
    committed: dict[str, Layout] = json.loads(file.read_text()) if file.is_file() else {}
    return committed


def write(kinds: Mapping[str, type[Row]], file: Path = FILE) -> list[str]:
    """Write the layouts that are new or longer; return the problems that remain."""
    committed = read(file)
    for name, kind in kinds.items():
        if all(problem.endswith("run python -m tests.row_layouts") for problem in problems(name, kind, committed)):
            committed[name] = layout_of(kind)
    lines = (
        f" {json.dumps(name)}: [\n" + ",\n".join(f"  {json.dumps(field)}" for field in committed[name]) + "\n ]"
        for name in sorted(committed)
    )
    file.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    return [problem for name, kind in kinds.items() for problem in problems(name, kind, committed)]


if __name__ == "__main__":
    remaining = write(rows())
    print("\n".join(remaining) or f"{len(rows())} layouts are current")  # noqa: T201
    sys.exit(bool(remaining))
