"""Follow events from cause to effect: find those of one chain in the log, and join them to trees.

Each event names its cause and the command at the start of its chain (`causationid`, `correlationid`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from faust_redis.log import Log, TopicPartition

from streams.events import AnyEvent, UndecodableEventError, decode

FETCH_RECORDS: Final = 2_000

Progress = Callable[[int], None]
"""Called with the number of records read so far."""


class Found(NamedTuple):
    """An event and its place in the log."""

    tp: TopicPartition
    offset: int
    event: AnyEvent


class Node(NamedTuple):
    """An event with the events that follow from it, in the order of the log's topics and offsets."""

    found: Found
    effects: tuple[Node, ...]


async def records(
    log: Log, topics: Iterable[str], progress: Progress
) -> AsyncIterator[tuple[TopicPartition, int, bytes]]:
    """Yield partition, offset and value of each record of some topics that the log keeps now."""
    read = 0
    for topic in topics:
        begins, ends = await log.beginning_offsets(topic), await log.end_offsets(topic)
        for partition, end in ends.items():
            tp, offset = TopicPartition(topic, partition), begins[partition]
            while offset < end:
                found = (await log.fetch({tp: offset}, count=FETCH_RECORDS)).get(tp, ())
                if not found:
                    break
                for record in found:
                    yield tp, record.offset, record.value or b""
                read += len(found)
                progress(read)
                offset = found[-1].offset + 1


async def chain_of(log: Log, topics: Sequence[str], event_id: str, progress: Progress) -> list[Found]:
    """Return all events of the chain that an event belongs to; empty when the log does not hold the event."""
    origin = next((one for one in await _mentions(log, topics, event_id, progress) if one.event.id == event_id), None)
    if origin is None:
        return []
    start = origin.event.correlationid or event_id
    mentions = await _mentions(log, topics, start, progress)
    return [one for one in mentions if start in {one.event.id, one.event.correlationid}]


async def _mentions(log: Log, topics: Sequence[str], event_id: str, progress: Progress) -> list[Found]:
    """Return the events in which an id stands. Only these are decoded."""
    wanted, found = event_id.encode(), []
    async for tp, offset, value in records(log, topics, progress):
        if wanted in value and (event := _decoded(value)) is not None:
            found.append(Found(tp, offset, event))
    return found


def _decoded(value: bytes) -> AnyEvent | None:
    try:
        return decode(value)
    except UndecodableEventError:
        return None


def trees(chain: Iterable[Found]) -> list[Node]:
    """Join events to trees by their causes. An event whose cause is not among them is a root."""
    effects: dict[str, list[Found]] = defaultdict(list)
    known = {one.event.id: one for one in chain}
    for one in known.values():
        cause = one.event.causationid
        effects[cause if cause in known and cause != one.event.id else ""].append(one)

    def node(found: Found) -> Node:
        return Node(found, tuple(node(effect) for effect in effects.get(found.event.id, ())))

    return [node(root) for root in effects[""]]


def lines(roots: Iterable[Node], marked: str = "") -> Iterator[str]:
    """Yield the trees as text, one event a line; the event with the id `marked` has an asterisk."""
    for root in roots:
        if root.found.event.causationid:
            yield f"(its cause {root.found.event.causationid} is not in the log any more)"
        yield from _lines(root, marked, "", "")


def _lines(node: Node, marked: str, first: str, rest: str) -> Iterator[str]:
    event, tp = node.found.event, node.found.tp
    mark = "* " if event.id == marked else ""
    place = f"{tp.topic}:{tp.partition}@{node.found.offset}"
    yield f"{first}{mark}{type(event.data).__name__}  {event.partitionkey}  {event.time.text()}  {place}  {event.id}"
    for number, effect in enumerate(node.effects):
        last = number == len(node.effects) - 1
        yield from _lines(effect, marked, rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  "))
