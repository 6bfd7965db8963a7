"""The table of notifications in docs/notifications.md, and a check of a notification against it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final, NamedTuple

from streams.events.notifications import Notified
from tests.source import ROOT

PAGE: Final = ROOT / "docs" / "notifications.md"
OPTIONAL: Final = " (optional)"


class Text(NamedTuple):
    """A row of the table: a text of a kind, the names of its arguments, and the types of the events it is about."""

    kind: str
    required: frozenset[str]
    optional: frozenset[str]
    causes: frozenset[str]


def table_rows(first_column: str) -> Iterator[list[str]]:
    """Yield the cells of the rows of a table of the page, which its first column names."""
    _, _, below = PAGE.read_text("utf-8").partition(f"\n| {first_column} |")
    for line in below.partition("\n\n")[0].splitlines()[2:]:
        yield [cell.strip() for cell in line.strip().strip("|").split("|")]


@cache
def texts() -> dict[str, Text]:
    """Return the documented texts by their keys."""
    found: dict[str, Text] = {}
    for kind, text, arguments, causes, *_ in table_rows("Kind"):
        listed = arguments.split(", ")
        optional = frozenset(name for one in listed if one.endswith(OPTIONAL) for name in code(one))
        required = frozenset(code(arguments)) - optional
        found[code(text)[0]] = Text(code(kind)[0], required, optional, frozenset(code(causes)))
    return found


def code(cell: str) -> list[str]:
    """Return the texts between backticks of a cell."""
    return re.findall(r"`([^`]+)`", cell)


def check(said: Notified) -> None:
    """Fail when the table lacks the text or an argument of a notification, or gives it another kind."""
    text, names = texts().get(said.text), said.arguments.keys()
    assert text is not None, f"docs/notifications.md lacks the text {said.text!r}"
    assert said.kind == text.kind, f"docs/notifications.md gives {said.text!r} the kind {text.kind!r}"
    assert text.required <= names <= text.required | text.optional, f"the arguments of {said.text!r} are {set(names)}"
