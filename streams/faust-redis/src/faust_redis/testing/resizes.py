"""Model resize.lua, which changes the number of partitions, and lease.lua.

A change of a script needs the same change here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from faust_redis.testing.keyspace import Hash, Keyspace, raw

CLOSED_TO_CLIENTS = b"entry"


class _RefusedError(Exception):
    """The step changes nothing. The error says why."""


class _Resize:
    """The steps of one resize."""

    def __init__(self, server: Keyspace, key: str, prefix: str, name: bytes) -> None:
        self.server, self.key, self.prefix, self.name = server, key, prefix, name
        self.state: Hash = server.hash(key)

    @property
    def moves(self) -> bool:
        """Return whether the topics are closed to everyone."""
        return self.state.get(b"phase") == b"moving"

    @property
    def topics(self) -> list[str]:
        """Return the topics that get more partitions."""
        found: list[str] = json.loads(self.state[b"topics"])
        return found

    def topic(self, name: str) -> Hash:
        """Return what is known of a topic."""
        return self.server.hash(f"{self.prefix}topic:{name}")

    def begin(self, text: str | bytes) -> None:
        """Close the topics to all but members and forwarders."""
        if self.state.get(b"id") == self.name:
            return
        if self.state:
            raise _RefusedError("another resize has begun")
        wanted = json.loads(text)
        for name in wanted["topics"]:
            count = self.topic(name).get(b"partitions")
            if count != raw(wanted["from"]):
                found = "no" if count is None else count.decode()
                raise _RefusedError(f"{name} has {found} partitions, not {wanted['from']}")
        for name in wanted["topics"]:
            self.topic(name)[b"closed"] = CLOSED_TO_CLIENTS
        topics = json.dumps(wanted["topics"], separators=(",", ":"))
        began = {"phase": "draining", "from": wanted["from"], "to": wanted["to"], "topics": topics}
        fields = {"id": self.name, **began, "began_ms": self.server.now_ms()}
        self.state |= {raw(field): raw(value) for field, value in fields.items()}

    def cancel(self) -> None:
        """Open the topics again."""
        if self.moves and "moving_is_cancelled" not in self.server.flaws:
            raise _RefusedError("rows have been moved; only finish it")
        self._open()

    def seal(self, text: str | bytes, plan: bytes) -> None:
        """Close the topics to everyone, and keep the plan."""
        if self.moves:
            return
        ends = {} if "ends_are_not_compared" in self.server.flaws else json.loads(text)
        for topic, by_partition in ends.items():
            for partition, expected in by_partition.items():
                if self.server.hash(f"{self.prefix}ends:{topic}").get(raw(partition), b"0") != raw(expected):
                    raise _RefusedError(f"{topic}:{partition} has grown")
        for name in self.topics:
            self.topic(name)[b"closed"] = self.name
        self.state |= {b"phase": b"moving", b"plan": raw(plan)}

    def finish(self, producer: str, number: int) -> None:
        """Give the topics their new partitions, and open them."""
        if not self.moves:
            raise _RefusedError("its rows have not been moved")
        last = self.server.hash(f"{self.prefix}producer:{producer}").get(b"number")
        if last != raw(number):
            why = "the broker was restored to an earlier state while rows were moved; run the same resize again"
            raise _RefusedError(why)
        old, new = int(self.state[b"from"]), int(self.state[b"to"])
        for group in sorted(self.server.sets.get(f"{self.prefix}groups", ())):
            self._begin_again(f"{self.prefix}group:{group.decode()}", old, new)
        order = self.server.hash(f"{self.prefix}order")
        for parent in range(old) if "numbers_begin_again" not in self.server.flaws else ():
            if (last := order.get(raw(parent))) is not None:
                order |= {raw(child): last for child in range(parent + old, new, old)}
        ends = {name: self._ends(name) for name in self.topics}
        for name in self.topics:
            self.topic(name)[b"partitions"] = raw(new)
        done = {"from": old, "to": new, "at_ms": self.server.now_ms(), "ends": {t: e for t, e in ends.items() if e}}
        self.server.lists.setdefault(f"{self.prefix}resizes", []).append(raw(json.dumps(done)))
        self._open()

    def _begin_again(self, group: str, old: int, new: int) -> None:
        """Make the members of a group join again, and let it begin at the first record of new partitions."""
        offsets = self.server.hash(f"{group}:offsets")
        for field in list(offsets):
            topic, _, partition = field.decode().rpartition(":")
            if topic in self.topics and int(partition) < old:
                for child in range(int(partition) + old, new, old):
                    offsets.setdefault(raw(f"{topic}:{child}"), b"0")
        if not (state := self.server.hash(group)) or "members_stay" in self.server.flaws:
            return
        state |= {b"generation": raw(int(state.get(b"generation", b"0")) + 1), b"state": b"empty"}
        for part in ("members", "assignments", "status"):
            self.server.hashes.pop(f"{group}:{part}", None)
        self.server.sets.pop(f"{group}:joined", None)
        self.server.sorted.pop(f"{group}:leases", None)
        self.server.published.append(group)

    def _ends(self, topic: str) -> dict[str, int]:
        return {p.decode(): int(end) for p, end in self.server.hash(f"{self.prefix}ends:{topic}").items()}

    def _open(self) -> None:
        for name in self.topics:
            self.topic(name).pop(b"closed", None)
        del self.server.hashes[self.key]


def resize(server: Keyspace, keys: Sequence[str], argv: Sequence[Any]) -> list[bytes]:
    """Run resize.lua."""
    prefix, step, name, *args = argv
    work = _Resize(server, keys[0], prefix, raw(name))
    run: Callable[..., None] = getattr(work, step)
    if step != "begin" and work.state.get(b"id") != work.name:
        return [b"REFUSED", b"it is not the resize that has begun"]
    try:
        run(*args)
    except _RefusedError as refused:
        return [b"REFUSED", raw(str(refused))]
    return [b"OK"]


def lease(server: Keyspace, keys: Sequence[str], argv: Sequence[Any]) -> bytes:
    """Run lease.lua."""
    key, holder, lease_ms = keys[0], raw(argv[0]), int(argv[1])
    if server.expiries.get(key, 0) <= server.now_ms():
        server.strings.pop(key, None)
    if (found := server.strings.get(key)) is not None and found != holder:
        return found
    if lease_ms == 0:
        server.strings.pop(key, None)
        return b""
    server.strings[key], server.expiries[key] = holder, server.now_ms() + lease_ms
    return holder
