"""Hold keys in memory, and run the few Redis commands that the library uses on them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import chain, islice
from operator import itemgetter
from typing import Any

from redis.exceptions import ResponseError

from faust_redis.log import codec
from faust_redis.log.records import StoredRecord

Hash = dict[bytes, bytes]
Script = Callable[[Any, Any, Any], Any]
"""A server-side script. It takes the keyspace, its keys and its arguments."""


def raw(value: str | bytes | float) -> bytes:
    """Encode an argument as redis-py does."""
    return value if isinstance(value, bytes) else str(value).encode()


@dataclass(slots=True)
class Stream:
    """Hold a stream's entries by id, ``(high, low)``, and the positions of native groups."""

    entries: list[tuple[tuple[int, int], list[bytes]]] = field(default_factory=list)
    past: list[tuple[tuple[int, int], list[bytes]]] = field(default_factory=list)
    """Trimmed entries. Checks of a test see them; clients do not."""
    last: tuple[int, int] = (0, 0)
    groups: dict[str, int] = field(default_factory=dict)
    _history: list[StoredRecord] = field(default_factory=list)
    _decoded: int = 0

    def add(self, entry: list[bytes], count: int = 1, entry_id: tuple[int, int] | None = None) -> None:
        """Append `count` records as one entry, or an entry under the id of a foreign writer."""
        if entry_id is None and self.last[0]:
            raise ResponseError("The ID specified in XADD is equal or smaller than the target stream top item")
        self.last = entry_id or (0, self.last[1] + count)
        self.entries.append((self.last, entry))

    def after(self, low: int, count: int) -> list[list[Any]]:
        """Return entries with ids above ``0-low``."""
        place = bisect_right(self.entries, (0, low), key=itemgetter(0))
        return [[b"%d-%d" % entry_id, parts] for entry_id, parts in self.entries[place : place + count]]

    def trim(self, low: int) -> int:
        """Remove entries below ``0-low``, but never the last one. Return their number."""
        count = min(sum(entry_id < (0, low) for entry_id, _ in self.entries), max(0, len(self.entries) - 1))
        self.past += self.entries[:count]
        del self.entries[:count]
        return count

    @property
    def history(self) -> list[StoredRecord]:
        """Return every record that was ever appended, in order."""
        for entry_id, parts in islice(chain(self.past, self.entries), self._decoded, None):
            self._history += codec.stored([b"%d-%d" % entry_id, parts])
            self._decoded += 1
        return self._history


class Keyspace:
    """Hold keys and run commands. Time comes in as a function that returns milliseconds."""

    def __init__(self, now_ms: Callable[[], int], scripts: Mapping[str, Script]) -> None:
        self.now_ms = now_ms
        self.strings: dict[str, bytes] = {}
        self.expiries: dict[str, int] = {}
        self.hashes: dict[str, Hash] = {}
        self.sets: dict[str, set[bytes]] = {}
        self.sorted: dict[str, dict[bytes, float]] = {}
        self.lists: dict[str, list[bytes]] = {}
        self.streams: dict[str, Stream] = {}
        self.published: list[str] = []
        self.flaws: frozenset[str] = frozenset()
        self.scan_rows = 2
        self._scripts = scripts

    def saved(self) -> tuple[Any, ...]:
        """Return a copy of all keys, for `restore`."""
        kinds = (self.strings, self.expiries, self.hashes, self.sets, self.sorted, self.lists, self.streams)
        return deepcopy(kinds)

    def restore(self, saved: tuple[Any, ...]) -> None:
        """Return to a saved state."""
        restored = deepcopy(saved)
        self.strings, self.expiries, self.hashes, self.sets, self.sorted, self.lists, self.streams = restored

    def execute(self, name: str, *args: Any) -> Any:
        """Run one command. The network implements blocking."""
        return getattr(self, "_" + name.lower())(*args)

    def hash(self, key: str) -> Hash:
        """Return a hash; create it when it is absent. An empty hash counts as absent."""
        return self.hashes.setdefault(key, {})

    def stream(self, key: str) -> Stream:
        """Return a stream; create it when it is absent."""
        return self.streams.setdefault(key, Stream())

    def _evalsha(self, digest: str, count: int, *args: Any) -> Any:
        return self._scripts[digest](self, args[:count], args[count:])

    def _multi(self, *commands: tuple[Any, ...]) -> list[Any]:
        return [self.execute(*command) for command in commands]

    def _each(self, *commands: tuple[Any, ...]) -> list[Any]:
        """Run commands; return the error of a failed one in its place."""
        return [self._attempt(command) for command in commands]

    def _attempt(self, command: tuple[Any, ...]) -> Any:
        try:
            return self.execute(*command)
        except ResponseError as exc:
            return exc

    def _get(self, key: str) -> bytes | None:
        return self.strings.get(key)

    def _exists(self, key: str) -> int:
        kinds = (self.strings, self.hashes, self.sets, self.sorted, self.lists, self.streams)
        return int(any(kind.get(key) for kind in kinds))

    def _set(self, key: str, value: str, *_options: str) -> bytes | None:
        """Run SET with NX and GET."""
        found = self.strings.get(key)
        self.strings.setdefault(key, raw(value))
        return found

    def _hmget(self, key: str, *fields: str) -> list[bytes | None]:
        found = self.hashes.get(key, {})
        return [found.get(raw(name)) for name in fields]

    def _hgetall(self, key: str) -> Hash:
        return dict(self.hashes.get(key, {}))

    def _hset(self, key: str, name: str, value: str) -> int:
        self.hash(key)[raw(name)] = raw(value)
        return 1

    def _hlen(self, key: str) -> int:
        return len(self.hashes.get(key, {}))

    def _lrange(self, key: str, first: int, last: int) -> list[bytes]:
        """Return a part of a list; its end is -1."""
        del last
        return self.lists.get(key, [])[first:]

    def _smembers(self, key: str) -> set[bytes]:
        return set(self.sets.get(key, ()))

    def _time(self) -> tuple[int, int]:
        return self.now_ms() // 1000, self.now_ms() % 1000 * 1000

    def _info(self) -> dict[str, str]:
        return {"redis_version": "7.0.0", "maxmemory_policy": "noeviction"}

    def _xrevrange(self, key: str, _high: str, _low: str, _count: str, count: int) -> list[list[Any]]:
        entries = self.streams[key].entries if key in self.streams else []
        return [[b"%d-%d" % entry_id, parts] for entry_id, parts in reversed(entries[-count:])]

    def _hdel(self, key: str, name: str) -> int:
        return int(self.hash(key).pop(raw(name), None) is not None)

    def _xread(self, *args: Any) -> list[list[Any]] | None:
        count = int(args[args.index("COUNT") + 1])
        names = args[args.index("STREAMS") + 1 :]
        half = len(names) // 2
        reply = []
        for name, start in zip(names[:half], names[half:], strict=True):
            stream = self.streams.get(name.decode())
            entries = stream.after(int(start.partition("-")[2]), count) if stream else []
            if entries:
                reply.append([name, entries])
        return reply or None

    def _xrange(self, key: str, low: str, high: str, _count: str, count: int) -> list[list[Any]]:
        if key not in self.streams:
            return []
        found = self.streams[key].after(0 if low == "-" else int(low.partition("-")[2]) - 1, count)
        return [entry for entry in found if high == "+" or entry[0] == raw(high)]

    def _hscan(self, key: str, cursor: int, _count: str, count: int) -> tuple[int, Hash]:
        """Return a few rows at a time, as a server may. The cursor is a place in key order."""
        rows = sorted(self.hashes.get(key, {}).items())
        place = cursor + max(1, min(count, self.scan_rows))
        return (place if place < len(rows) else 0), dict(rows[cursor:place])
