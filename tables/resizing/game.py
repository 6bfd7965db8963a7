"""The rows of gamification that name partitions: first places and their rounds, and what was sealed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from faust_redis.resizing import Split
from msgspec.structs import replace

from streams.events.gamification import LEADERS_KEY
from tables.first_places import FirstPlaces, Leader, Leaders, LeadersReport, Leading, report_key, round_of
from tables.gamification import Deciding, SealedBefore, Sealing
from tables.resizing.owners import whole
from tables.resizing.rules import RawRows, Reshaped
from tables.row import Row

RowT = TypeVar("RowT", bound=Row)
V = TypeVar("V")


def owned(
    text: str,
    model: type[RowT],
    change: Callable[[Split, RowT], RowT],
    owner: Callable[[str, bytes], str] = whole,
) -> Reshaped:
    """Return the rule of rows that move to the partition of their owner, by default the key, and change on the way."""

    def rows(split: Split, parent: int, before: RawRows) -> dict[int, RawRows]:
        after: dict[int, dict[str, bytes]] = {partition: {} for partition in split.family(parent)}
        for key, raw in before.items():
            after[split.partition(owner(key, raw))][key] = change(split, model.load(raw)).dump()
        return dict(after)

    return Reshaped(text, rows)


# --- what partitions have reported ------------------------------------------------------------------------------------


def inherited(split: Split, reported: Mapping[str, V]) -> dict[str, V]:
    """Return what was noted of each partition with the same for its children."""
    return {str(one): value for number, value in reported.items() for one in split.family(int(number))}


def decide(split: Split, row: Deciding) -> Deciding:
    """Let the children have sealed what their partition has."""
    return replace(row, sealed_to=inherited(split, row.sealed_to))


# --- first places -----------------------------------------------------------------------------------------------------


def lead(split: Split, parent: int, before: RawRows) -> dict[int, RawRows]:
    """Give each child those of the first places that are of its users.

    Places of other users are then free. Whoever is not listed is behind all whom the partition listed, and comes in by
    scoring: scores only rise.
    """
    after: dict[int, dict[str, bytes]] = {partition: {} for partition in split.family(parent)}
    for key, raw in before.items():
        row = Leading.load(raw)
        for partition, boards in after.items():
            boards[key] = replace(row, boards=_of(split, partition, row.boards)).dump()
    return dict(after)


def reports(split: Split, parent: int, before: RawRows) -> dict[int, RawRows]:
    """Divide the reports that wait for other partitions. They are in the partition that compares them."""
    after: dict[int, dict[str, bytes]] = {partition: {} for partition in split.family(parent)}
    for key, raw in before.items():
        row = LeadersReport.load(raw)
        for partition in split.family(row.partition):
            divided = LeadersReport(partition=partition, boards=_of(split, partition, row.boards))
            after[split.partition(LEADERS_KEY)][report_key(round_of(key), partition)] = divided.dump()
    return dict(after)


def places(split: Split, row: FirstPlaces) -> FirstPlaces:
    """Divide the first places of each partition among its children, as `lead` does."""
    parts = {
        str(child): _places(split, child, listed)
        for number, listed in row.parts.items()
        for child in split.family(int(number))
    }
    return replace(row, parts=parts)


def _of(split: Split, partition: int, boards: Mapping[str, Leaders]) -> dict[str, Leaders]:
    return {key: replace(one, places=_places(split, partition, one.places)) for key, one in boards.items()}


def _places(split: Split, partition: int, listed: Iterable[Leader]) -> tuple[Leader, ...]:
    return tuple(one for one in listed if split.partition(one.user_id) == partition)


# --- seals ------------------------------------------------------------------------------------------------------------


def seal(split: Split, parent: int, before: RawRows) -> dict[int, RawRows]:
    """Note in each child how far its part was sealed as one of fewer partitions."""
    after = {key: _sealed(split, Sealing.load(raw)).dump() for key, raw in before.items()}
    return dict.fromkeys(split.family(parent), after)


def _sealed(split: Split, row: Sealing) -> Sealing:
    return replace(row, before=(*row.before, SealedBefore(partitions=split.old, sealed_to=row.sealed_to)))


def sealing(before: RawRows) -> str | None:
    """Return why the state of sealing cannot be divided."""
    if any(Sealing.load(raw).until for raw in before.values()):
        return "boards are being sealed; a step of it follows at each tick"
    return None
