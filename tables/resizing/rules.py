"""The kinds of rules, one of which each table has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from faust_redis.resizing import Split

RawRows: TypeAlias = Mapping[str, bytes]
"""Rows of one table in one partition, as they are stored, by key."""


class Write(NamedTuple):
    """A row to write, or without a value one to delete."""

    table: str
    partition: int
    key: str
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Owned:
    """Each row belongs to a partition key, and moves to the partition of that key.

    Attributes:
        text: What the documentation says of the rows, as every rule has it.
        owner: Returns the partition key of a row by its key and value; None for a row that stays.
        brings: Returns the rows of other tables that a row needs beside it where it moves to: table, key and value.
    """

    text: str
    owner: Callable[[str, bytes], str | None]
    brings: Callable[[str, bytes], Iterable[tuple[str, str, bytes]]] | None = None


@dataclass(frozen=True, slots=True)
class Stays:
    """The rows stay. Readers add up what the partitions have, or a tick sends it on."""

    text: str


@dataclass(frozen=True, slots=True)
class Reshaped:
    """A small table whose rows are computed anew.

    Attributes:
        rows: Returns the rows of a partition and of its children, by partition, from the rows that it has.
        refusal: Returns why the rows cannot be divided now; None when they can.
    """

    text: str
    rows: Callable[[Split, int, RawRows], Mapping[int, RawRows]]
    refusal: Callable[[RawRows], str | None] | None = None


@dataclass(frozen=True, slots=True)
class Dropped:
    """The rows are deleted. The next tick writes them anew."""

    text: str


@dataclass(frozen=True, slots=True)
class Empty:
    """The table has no rows while nothing is in progress."""

    text: str


Rule: TypeAlias = Owned | Stays | Reshaped | Dropped | Empty


def copied(text: str, shape: Callable[[bytes], bytes] = lambda raw: raw) -> Reshaped:
    """Return the rule of rows of which each child gets a copy; `shape` makes the copy."""

    def rows(split: Split, parent: int, before: RawRows) -> dict[int, RawRows]:
        copies = {key: shape(raw) for key, raw in before.items()}
        return {parent: before} | dict.fromkeys(split.children(parent), copies)

    return Reshaped(text, rows)
