"""Model group.lua, the coordinator of consumer groups. A change of the script needs the same change here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from faust_redis.testing.keyspace import Keyspace, raw


class Group:
    """Run one call of the coordinator script."""

    def __init__(self, server: Keyspace, key: str) -> None:
        self.server, self.key, self.now = server, key, server.now_ms()
        self.state = server.hash(key)
        self.members = server.hash(f"{key}:members")
        self.joined = server.sets.setdefault(f"{key}:joined", set())
        self.leases = server.sorted.setdefault(f"{key}:leases", {})
        self.assignments = server.hash(f"{key}:assignments")

    def run(self, op: str, member: bytes, args: Sequence[Any]) -> list[Any]:
        """Run one operation and return the member's state."""
        if b"generation" not in self.state:
            self.state[b"generation"], self.state[b"state"] = b"0", b"empty"
        self.evict()
        self.admit()
        if op == "members":
            return [part for pair in self.members.items() if pair[0] not in self.joined for part in pair]
        if op == "sync":
            self.sync(member, args)
        elif op == "join":
            self.join(member, *args)
        elif op == "leave":
            self.leave(member)
        elif op == "heartbeat":
            if member in self.members:
                self.leases[member] = self.now + self.number(b"lease_ms")
            self.complete()
        return [
            int(member in self.members),
            int(member in self.joined),
            self.state[b"state"],
            self.number(b"generation"),
            self.state.get(b"leader", b""),
            self.assignments.get(member, b""),
        ]

    def number(self, name: bytes) -> int:
        """Return a field of the group as a number."""
        return int(self.state.get(name, b"0"))

    def put(self, **values: Any) -> None:
        """Set fields of the group."""
        self.state.update({raw(name): raw(value) for name, value in values.items()})

    def announce(self) -> None:
        """Tell the group's subscribers."""
        self.server.published.append(self.key)

    def prepare(self, settle_ms: int) -> None:
        """Begin a rebalance: every member must join again."""
        if self.state[b"state"] == b"preparing":
            return
        self.put(state="preparing", settle=self.now + settle_ms, deadline=self.now + self.number(b"rebalance_ms"))
        self.announce()

    def remove(self, name: bytes) -> None:
        """Remove a member and its lease."""
        for book in (self.members, self.leases, self.assignments, self.server.hash(f"{self.key}:status")):
            book.pop(name, None)
        self.joined.discard(name)

    def complete(self) -> None:
        """Begin the next generation when all members have joined or the deadline has passed."""
        if self.state[b"state"] != b"preparing":
            return
        late = self.now >= self.number(b"deadline")
        if not self.members:
            self.put(state="empty")
            return
        if not late and (len(self.joined) < len(self.members) or self.now < self.number(b"settle")):
            return
        for name in [name for name in self.members if name not in self.joined]:
            self.remove(name)
        if not self.members:
            self.put(state="empty")
            return
        leader = self.state.get(b"leader")
        if leader not in self.members:
            leader = min(self.members)
        self.assignments.clear()
        self.joined.clear()
        if "generation_stays" not in self.server.flaws:
            self.put(generation=self.number(b"generation") + 1)
        self.put(state="syncing", leader=leader.decode(), deadline=self.now + self.number(b"rebalance_ms"))
        self.announce()

    def evict(self) -> None:
        """Remove members whose lease has expired, and a leader that does not assign in time."""
        dead = [name for name, lease in self.leases.items() if lease < self.now]
        for name in dead:
            self.remove(name)
        if dead:
            if self.members:
                self.prepare(0)
            else:
                self.put(state="empty")
        if self.state[b"state"] == b"syncing" and self.now >= self.number(b"deadline"):
            self.remove(self.state[b"leader"])
            self.prepare(0)

    def admit(self) -> None:
        """Begin a rebalance for new members that have waited long enough."""
        if self.state[b"state"] == b"stable" and self.joined and self.now >= self.number(b"settle"):
            self.prepare(0)

    def join(self, member: bytes, metadata: Any, lease_ms: Any, rebalance_ms: Any, settle_ms: Any) -> None:
        """Register a member."""
        prefix, _, name = self.key.partition("group:")
        self.server.sets.setdefault(f"{prefix}groups", set()).add(raw(name))
        self.put(lease_ms=lease_ms, rebalance_ms=rebalance_ms)
        if not self.members:
            self.put(state="empty")
        newcomer = member not in self.members or member in self.joined
        self.members[member] = raw(metadata)
        self.leases[member] = self.now + int(lease_ms)
        if self.state[b"state"] == b"empty":
            self.prepare(int(settle_ms))
        elif not newcomer:
            self.prepare(0)
        elif self.state[b"state"] != b"preparing" and not self.joined:
            self.put(settle=self.now + int(settle_ms))
        self.joined.add(member)
        self.admit()
        self.complete()

    def leave(self, member: bytes) -> None:
        """Remove a member that leaves."""
        if member not in self.members:
            return
        self.remove(member)
        if self.members:
            self.prepare(0)
            self.complete()
        else:
            self.put(state="empty")
            self.announce()

    def sync(self, member: bytes, args: Sequence[Any]) -> None:
        """Store the leader's assignments."""
        generation, *pairs = args
        leads = self.state.get(b"leader") == member and self.state[b"state"] == b"syncing"
        if leads and self.state[b"generation"] == raw(generation):
            for name, assignment in zip(pairs[::2], pairs[1::2], strict=True):
                self.assignments[raw(name)] = raw(assignment)
            self.put(state="stable")
            self.announce()
