"""Follow events from cause to effect: find those of one chain in the log, and join them to trees.

Each event names its cause and the command at the start of its chain (`causationid`, `correlationid`).
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from faust_redis.log import Log, TopicPartition

from streams.events import AnyEvent, UndecodableEventError, decode, encode
from streams.search_bounds import Bounds
from streams.trace_context import span_of

_POSITION: Final = re.compile(r"(\S+):(\d{1,6})@(\d{1,18})")

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
    log: Log, topics: Iterable[str], progress: Progress, bounds: Bounds | None = None
) -> AsyncIterator[tuple[TopicPartition, int, bytes]]:
    """Yield partition, offset and value of each record of some topics that the log keeps now, within the bounds."""
    read, bounds = 0, bounds or Bounds()
    for topic in topics:
        begins, ends = await log.beginning_offsets(topic), await log.end_offsets(topic)
        for partition, end in ends.items():
            tp = TopicPartition(topic, partition)
            window = bounds.window(tp, range(begins[partition], end))
            offset = window.start
            while offset < window.stop and not bounds.is_over():
                found = (await log.fetch({tp: offset}, count=bounds.fetch_records)).get(tp, ())
                if not found:
                    break
                for record in found:
                    yield tp, record.offset, record.value or b""
                read += len(found)
                progress(read)
                offset = found[-1].offset + 1


async def origin_of(
    log: Log, topics: Sequence[str], named: str, progress: Progress, bounds: Bounds | None = None
) -> AnyEvent | None:
    """Return the event that a text names: its id, its place as ``topic:partition@offset``, or the id of its trace.

    Of a trace it is the first event that is found. None when the log does not hold the event.
    """
    if place := _POSITION.fullmatch(named):
        tp, offset = TopicPartition(place[1], int(place[2])), int(place[3])
        if tp.topic not in topics:
            return None
        record = (await log.at({tp: offset}))[tp]
        return None if record is None else _decoded(record.value or b"")
    wanted = named.encode()
    async for _, _, value in records(log, topics, progress, bounds):
        if wanted in value and (event := _decoded(value)) is not None and _is_named(event, named):
            return event
    return None


def _is_named(event: AnyEvent, named: str) -> bool:
    return event.id == named or (event.traceparent is not None and span_of(event.traceparent).trace_id == named)


async def chain_of(
    log: Log, topics: Sequence[str], event: AnyEvent, progress: Progress, bounds: Bounds | None = None
) -> list[Found]:
    """Return all events of the chain that an event belongs to, within the bounds."""
    start, found, bounds = event.correlationid or event.id, list[Found](), bounds or Bounds()
    wanted = start.encode()
    async for tp, offset, value in records(log, topics, progress, bounds):
        if wanted in value and (one := _decoded(value)) is not None and start in {one.id, one.correlationid}:
            found.append(Found(tp, offset, one))
            if bounds.is_over(len(found)):
                break
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


def as_json(node: Node) -> dict[str, Any]:
    """Return an event with its place and its effects."""
    return placed(node.found) | {"effects": [as_json(effect) for effect in node.effects]}


def placed(found: Found) -> dict[str, Any]:
    """Return an event with its place."""
    return {
        "topic": found.tp.topic,
        "partition": found.tp.partition,
        "offset": found.offset,
        "event": json.loads(encode(found.event)),
    }


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
