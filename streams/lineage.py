"""Follow events from cause to effect: find those of one chain in the log, and draw them as trees.

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

LEVELS_MAX: Final = 10
"""How many levels a tree of lines has, so that a terminal shows it."""
_DEEPER: Final = "⋮  "

Progress = Callable[[int], None]
"""Called with the number of records read so far."""


class Found(NamedTuple):
    """An event and its place in the log."""

    tp: TopicPartition
    offset: int
    event: AnyEvent


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


def placed(found: Found) -> dict[str, Any]:
    """Return an event with its place."""
    return {
        "topic": found.tp.topic,
        "partition": found.tp.partition,
        "offset": found.offset,
        "event": json.loads(encode(found.event)),
    }


def once(chain: Iterable[Found]) -> list[Found]:
    """Return each event of a chain once. A broadcast has a copy in every partition."""
    return list({found.event.id: found for found in chain}.values())


def lines(chain: Iterable[Found], marked: str = "") -> Iterator[str]:
    """Yield a chain as trees, one event a line, each below its cause. The event with the id `marked` has an asterisk.

    An event whose cause is not in the chain is a root. A tree has ten levels; an event further down has three dots
    and names its cause.
    """
    effects = _by_cause(chain)
    waiting = [_Branch(root, 1, "", "") for root in reversed(effects[""])]
    while waiting:
        branch = waiting.pop()
        if branch.level == 1 and branch.found.event.causationid:
            yield f"(its cause {branch.found.event.causationid} is not in the log any more)"
        yield branch.text(marked)
        below = effects.get(branch.found.event.id, [])
        waiting += reversed([branch.below(effect, is_last=effect is below[-1]) for effect in below])


class _Branch(NamedTuple):
    """An event of a tree: its level, what its line begins with, and what those of its effects begin with."""

    found: Found
    level: int
    first: str
    rest: str

    def below(self, effect: Found, *, is_last: bool) -> _Branch:
        level = self.level + 1
        if level > LEVELS_MAX:
            return _Branch(effect, level, self.rest + _DEEPER, self.rest)
        first, rest = ("└─ ", "   ") if is_last else ("├─ ", "│  ")
        return _Branch(effect, level, self.rest + first, self.rest + rest)

    def text(self, marked: str) -> str:
        event, tp = self.found.event, self.found.tp
        mark = "* " if event.id == marked else ""
        place = f"{tp.topic}:{tp.partition}@{self.found.offset}"
        cause = f"  caused by {event.causationid}" if self.level > LEVELS_MAX else ""
        kind = type(event.data).__name__
        return f"{self.first}{mark}{kind}  {event.partitionkey}  {event.time.text()}  {place}  {event.id}{cause}"


def _by_cause(chain: Iterable[Found]) -> dict[str, list[Found]]:
    """Return the events of a chain by the ids of their causes; roots by the empty text."""
    effects: dict[str, list[Found]] = defaultdict(list)
    known = {one.event.id: one for one in chain}
    for one in known.values():
        cause = one.event.causationid
        effects[cause if cause in known and cause != one.event.id else ""].append(one)
    return effects
