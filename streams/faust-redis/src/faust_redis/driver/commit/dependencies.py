"""Track dependencies of uncommitted events. An event depends on another when it read or overwrote the other's row.

The committer commits an event together with its dependencies, or after them. Otherwise, after a crash in between, the
earlier event would be processed again on a row that already contains its effect. An app that consumes in append order
also has events that follow a finished event of another topic; the same holds for these. This file does no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from faust.types import TP

from faust_redis.driver.source import Source


class Dependencies:
    """The dependency graph of uncommitted events. A commit removes its events."""

    def __init__(self) -> None:
        self._bases: dict[TP, dict[int, set[Source]]] = {}
        self._messages: dict[Source, Any] = {}
        self._followed: dict[TP, dict[int, Source]] = {}

    def __len__(self) -> int:
        return len(self._messages) + sum(map(len, self._followed.values()))

    def __contains__(self, event: Source) -> bool:
        return event in self._messages

    def add(self, message: Any, base: Source) -> None:
        """Note that a message's event depends on another uncommitted event."""
        tp, offset = message.tp, message.offset
        if base != (tp, offset):
            self._bases.setdefault(tp, {}).setdefault(offset, set()).add(base)
            self._messages[tp, offset] = message

    def follow(self, event: Source, finished: Source) -> None:
        """Note that an event may only be committed together with a finished event of another topic, or after it."""
        self._followed.setdefault(event[0], {})[event[1]] = finished

    def bases(self, event: Source) -> set[Source]:
        """Return the uncommitted events whose rows this event read or overwrote."""
        return self._bases.get(event[0], {}).get(event[1], set())

    def needed(self, event: Source) -> set[Source]:
        """Return the uncommitted events without which this event cannot be committed."""
        followed = self._followed.get(event[0], {}).get(event[1])
        return self.bases(event) if followed is None else {*self.bases(event), followed}

    def dependents(self, event: Source) -> dict[Source, Any]:
        """Return all events that depend on this event, directly or through others, each with its message."""
        found: dict[Source, Any] = {}
        todo = [event]
        while todo:
            base = todo.pop()
            fresh = [e for e in self._messages if e not in found and e != event and base in self.bases(e)]
            found.update((e, self._messages[e]) for e in fresh)
            todo += fresh
        return found

    def dependent_offsets(self, tp: TP, below: int) -> list[int]:
        """Return the offsets of a partition below `below` whose events need others, in order."""
        found = {*self._bases.get(tp, ()), *self._followed.get(tp, ())}
        return sorted(offset for offset in found if offset < below)

    def bounded(self, marks: Mapping[TP, int]) -> dict[TP, int]:
        """Lower the offsets until each event below them depends only on events below them.

        Events that depend on each other go together or not at all. A partition without an entry commits nothing.
        """
        allowed = dict(marks)
        changed = len(self) > 0
        while changed:
            changed = False
            for tp, events in self._bases.items():
                mark = allowed.get(tp, 0)
                for offset, bases in events.items():
                    if offset < mark and any(below >= allowed.get(base, 0) for base, below in bases):
                        allowed[tp] = mark = offset
                        changed = True
            for tp, followed in self._followed.items():
                mark = allowed.get(tp, 0)
                for offset, (base, below) in followed.items():
                    if offset < mark and below >= allowed.get(base, 0):
                        allowed[tp] = mark = offset
                        changed = True
        return allowed

    def needs(self, event: Source, other: Source) -> bool:
        """Return whether the committer must wait for another event to finish before it commits this event."""
        todo, seen = [event], {event}
        while todo:
            tp, offset = todo.pop()
            if tp == other[0] and other[1] <= offset:
                return True
            bases = {base for o in self.dependent_offsets(tp, offset + 1) for base in self.needed((tp, o))}
            todo += bases - seen
            seen |= bases
        return False

    def commit(self, offsets: Mapping[TP, int]) -> None:
        """Forget events below committed offsets, and dependencies on them."""
        for tp, events in self._followed.items():
            for offset, (base, below) in list(events.items()):
                if offset < offsets.get(tp, 0) or below < offsets.get(base, 0):
                    del events[offset]
        if not self._messages:
            return
        for tp, offset in list(self._messages):
            if offset < offsets.get(tp, 0):
                self.forget((tp, offset))
        for tp, offset in list(self._messages):
            kept = {base for base in self.bases((tp, offset)) if base[1] >= offsets.get(base[0], 0)}
            if kept:
                self._bases[tp][offset] = kept
            else:
                self.forget((tp, offset))

    def forget(self, event: Source, bases: Iterable[Source] | None = None) -> None:
        """Forget the dependencies of an event: all of them, or those on `bases`.

        Call this when the event is processed again, or when the bases were dropped.
        """
        kept = self.bases(event) - set(bases) if bases is not None else set()
        events = self._bases.get(event[0], {})
        if kept:
            events[event[1]] = kept
            return
        events.pop(event[1], None)
        self._messages.pop(event, None)
        if not events:
            self._bases.pop(event[0], None)

    def clear(self) -> None:
        """Forget all dependencies at the end of a generation."""
        self._bases.clear()
        self._messages.clear()
        self._followed.clear()
