"""What Cairo sources say about interfaces, structs and events: the comments above them."""

from __future__ import annotations

import re
from typing import Final

_ITEM: Final = re.compile(r"\s*(?:pub )?(?:trait|struct|enum) (\w+)")
_FUNCTION: Final = re.compile(r"\s*fn (\w+)")
_MEMBER: Final = re.compile(r"\s*pub (\w+):")
_PANIC: Final = re.compile(r"'([A-Za-z0-9]+: [^']+)'")


def purpose(source: str) -> str:
    """Return the first paragraph about a file."""
    lines = [line.removeprefix("//!").strip() for line in source.splitlines() if line.startswith("//!")]
    return " ".join(lines).split("  ")[0]


def comments(source: str) -> dict[str, str]:
    """Return the comments of a source: of `Trait.function`, `Struct` and `Struct.member`."""
    found: dict[str, str] = {}
    item, pending = "", list[str]()
    for line in source.splitlines():
        if line.lstrip().startswith("///"):
            pending.append(line.strip().removeprefix("///").strip())
            continue
        if started := _ITEM.match(line):
            item, name = started[1], started[1]
        elif inside := _FUNCTION.match(line) or _MEMBER.match(line):
            name = f"{item}.{inside[1]}"
        elif line.lstrip().startswith("#["):
            continue
        else:
            name = ""
        if name and pending:
            found.setdefault(name, " ".join(pending).replace("  ", "\n\n"))
        pending = []
    return found


def panics(source: str) -> set[str]:
    """Return the texts of the panics in a source."""
    return set(_PANIC.findall(source))
