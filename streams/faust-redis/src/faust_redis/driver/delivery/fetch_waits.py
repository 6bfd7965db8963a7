"""Let the records of a topic wait for others, so that the driver reads many of them together.

Each read has a price of its own, and records that come in a steady stream would be read a few at a time. An agent that
need not act at once says how long its records may wait, as Kafka's consumers do with `fetch.max.wait.ms`. This file
does no I/O.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any, NamedTuple

from faust_redis.log import TopicPartition

Offsets = dict[TopicPartition, int]

_waits_s: weakref.WeakKeyDictionary[Any, dict[str, float]] = weakref.WeakKeyDictionary()


def let_wait(app: Any, topics: Iterable[str], wait_ms: int) -> None:
    """Let the records of some topics of an app wait for at most `wait_ms` after a read that found some of them."""
    _waits_s.setdefault(app, {}).update(dict.fromkeys(topics, wait_ms / 1000))


def waits_of(app: Any) -> Mapping[str, float]:
    """Return for how many seconds the records of an app's topics may wait. Other topics are read at once."""
    return _waits_s.get(app, {})


class Due(NamedTuple):
    """What to read now, and after how many seconds the rest is due; None when there is no rest."""

    offsets: Offsets
    rest_s: float | None


class FetchWaits:
    """The topics whose records may wait. After a read that found some of them, a topic is due again after its wait."""

    def __init__(self, waits_s: Callable[[], Mapping[str, float]]) -> None:
        self._waits_s = waits_s
        self._due_s: dict[str, float] = {}

    def due(self, offsets: Offsets, now_s: float) -> Due:
        """Return those of some partitions that are due at a time."""
        self._due_s = {topic: at_s for topic, at_s in self._due_s.items() if at_s > now_s}
        later = [at_s for topic, at_s in self._due_s.items() if any(tp.topic == topic for tp in offsets)]
        if not later:
            return Due(offsets, None)
        now = {tp: offset for tp, offset in offsets.items() if tp.topic not in self._due_s}
        return Due(now, min(later) - now_s)

    def note(self, found: Iterable[TopicPartition], cut: Container[TopicPartition], now_s: float) -> None:
        """Note what a read has found, and which partitions may have more: their topics do not wait."""
        if not (waits_s := self._waits_s()):
            return
        topics = {tp.topic for tp in found}
        more = {tp.topic for tp in found if tp in cut}
        for topic in topics & waits_s.keys():
            if topic in more:
                self._due_s.pop(topic, None)
            else:
                self._due_s[topic] = now_s + waits_s[topic]
