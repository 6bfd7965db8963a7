"""Run models of the log's Lua scripts on keys in memory. A change of a script needs the same change here.

The model keeps each type of key apart, so it never meets a key of a wrong type.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import msgpack

from faust_redis.log.rankings import standings_of
from faust_redis.log.record_batches import count_of
from faust_redis.log.records import PackedBatch, evidence_of
from faust_redis.testing.coordinator import Group
from faust_redis.testing.keyspace import Hash, Keyspace, Stream, raw
from faust_redis.testing.resizes import CLOSED_TO_CLIENTS


class _Target:
    """Write one stream of a commit."""

    def __init__(self, server: Keyspace, prefix: str, topic: str, partition: int, meta: Sequence[bytes | None]) -> None:
        self.server = server
        self.key = f"{prefix}log:{topic}:{partition}"
        self.ends = server.hash(f"{prefix}ends:{topic}")
        self.partition = raw(partition)
        self.snapshot: Hash | None = server.hash(f"{prefix}snap:{topic}:{partition}") if meta[2] != b"delete" else None
        self.rank = f"{prefix}rank:{topic}:" if meta[3] == b"rank" else None
        self.orders = server.hash(f"{prefix}order") if meta[2] == b"delete" else None
        self.end = int(self.ends.get(self.partition, b"0"))

    def order(self) -> list[bytes]:
        """Return the field of an entry's append number. Compacted topics have none."""
        if self.orders is None:
            return []
        number = self.orders[self.partition] = raw(int(self.orders.get(self.partition, b"0")) + 1)
        return [b"o", number]

    def fold(self, rows: dict[bytes, bytes | None]) -> None:
        """Write the last values of keys to the snapshot."""
        if self.snapshot is None:
            return
        for key, value in rows.items():
            if value is None:
                self.snapshot.pop(key, None)
            else:
                self.snapshot[key] = value

    def rerank(self, scored: list[Any], removed: list[bytes]) -> None:
        """Change the rankings. The snapshot still holds the old rows."""
        snapshot = self.snapshot or {}
        for key in removed:
            for name, member, _ in standings_of(key, snapshot.get(key)):
                self.server.sorted.get(f"{self.rank}{name}", {}).pop(b"%s|%s" % (self.partition, member), None)
        for ranking, members in zip(scored[::2], scored[1::2], strict=True):
            scores = self.server.sorted.setdefault(f"{self.rank}{ranking.decode()}", {})
            scores.update(zip(members[1::2], members[::2], strict=True))


class _RefusedError(Exception):
    """The commit writes nothing. The arguments of the error are the reply."""


def commit(server: Keyspace, _keys: Sequence[Any], argv: Sequence[Any]) -> list[bytes]:
    """Run commit.lua."""
    prefix, head = argv[0], json.loads(argv[1])
    try:
        _check_writer(server, prefix, head)
        _check_offsets(server, prefix, head)
        if "require" in head:
            _check_row(server, prefix, *head["require"])
        _check_elsewhere(server, prefix, head)
        targets = [_target(server, prefix, head, stream) for stream in head["streams"]]
    except _RefusedError as refused:
        return list(refused.args)
    bases = raw(json.dumps([target.end for target in targets], separators=(",", ":")))
    _append(server, targets, head["streams"], iter(argv[2:]))
    _commit_offsets(server, prefix, head)
    key, sequence = head.get("idempotency"), head.get("sequence")
    if key:
        done = {b"digest": raw(key["digest"]), b"bases": bases}
        if head["streams"]:
            done[b"counted"] = raw(head["streams"][0][5])
        server.hashes[f"{prefix}idempotency:{key['name']}"] = done
    elif sequence:
        known = {b"number": raw(sequence["number"]), b"bases": bases}
        server.hashes[f"{prefix}producer:{sequence['producer']}"] = known
    return [b"OK", bases, b"new"]


def _check_writer(server: Keyspace, prefix: str, head: dict[str, Any]) -> None:
    fence, key, sequence = head.get("fence"), head.get("idempotency"), head.get("sequence")
    if key:
        _check_key(server.hashes.get(f"{prefix}idempotency:{key['name']}", {}), key)
    elif sequence and "no_dedup" not in server.flaws:
        _check_sequence(server, server.hashes.get(f"{prefix}producer:{sequence['producer']}", {}), sequence)
    if fence:
        _check_fence(server, f"{prefix}group:{fence['group']}", fence)


def _group_of(head: dict[str, Any]) -> str | None:
    """Return the group whose offsets a commit moves; a group without members has no fence."""
    fence = head.get("fence") or {}
    name: str | None = head.get("group") or fence.get("group")
    return name


def _check_offsets(server: Keyspace, prefix: str, head: dict[str, Any]) -> None:
    if group := _group_of(head):
        _check_evidence(server, prefix, server.hash(f"{prefix}group:{group}:offsets"), head["offsets"])
    if (copied := head.get("copied")) and "no_compare" not in server.flaws:
        _check_source(server.hash(f"{prefix}copied:{copied['name']}"), copied["steps"])


def _check_key(seen: Hash, key: dict[str, Any]) -> None:
    if not seen:
        return
    if seen[b"digest"] == raw(key["digest"]):
        raise _RefusedError(b"OK", seen[b"bases"], b"again", seen.get(b"counted", b""))
    raise _RefusedError(b"CONFLICT")


def _check_sequence(server: Keyspace, seen: Hash, sequence: dict[str, Any]) -> None:
    last = seen.get(b"number")
    if last == raw(sequence["number"]):
        raise _RefusedError(b"OK", seen[b"bases"], b"again", b"")
    if last is not None and sequence["number"] < int(last) and "late_attempts_count" not in server.flaws:
        raise _RefusedError(b"FENCED", b"sequence")
    after = sequence.get("after")
    if after is not None and last != raw(after):
        found = b"write " + (last or b"none")
        raise _RefusedError(b"ROLLED_BACK", raw(sequence["producer"]), found, raw(f"write {after}"))


def _check_fence(server: Keyspace, group: str, fence: dict[str, Any]) -> None:
    if server.hash(group).get(b"generation") != raw(fence["generation"]) and "no_fence" not in server.flaws:
        raise _RefusedError(b"FENCED", b"generation")
    lease = server.sorted.get(f"{group}:leases", {}).get(raw(fence["member"]))
    if (lease is None or lease < server.now_ms()) and not server.flaws & {"no_fence", "no_lease_check"}:
        raise _RefusedError(b"FENCED", b"lease")


def _check_evidence(server: Keyspace, prefix: str, committed: Hash, offsets: list[list[Any]]) -> None:
    for topic, partition, offset, expected, *evidence in offsets:
        name = raw(f"{topic}:{partition}")
        current = committed.get(name)
        if expected >= 0 and (current or b"0") != raw(expected):
            found = b"committed " + (current or b"nothing")
            raise _RefusedError(b"ROLLED_BACK", name, found, b"committed %d" % expected)
        if evidence[0] and not _passes(server, f"{prefix}log:{topic}:{partition}", offset, *evidence):
            raise _RefusedError(
                b"ROLLED_BACK", name, b"another record below %d" % offset, b"processed one that is gone"
            )


def _passes(server: Keyspace, stream: str, offset: int, *evidence: Any) -> bool:
    passed, since, entries = evidence
    found = server.execute("XRANGE", stream, f"0-{since + 1}", "+", "COUNT", entries)
    own, begins = [], since
    for entry_id, parts in found:
        by_name = dict(zip(parts[::2], parts[1::2], strict=True))
        ends = int(entry_id.partition(b"-")[2])
        if ends - count_of(parts) > begins:
            return False
        begins = ends
        own.append(PackedBatch.of(by_name[b"z"], ends) if b"z" in by_name else by_name.get(b"v", b""))
    return bool(begins >= offset and evidence_of(own)[0] == passed)


def _check_source(stands: Hash, steps: list[list[Any]]) -> None:
    for place, expected, _ in steps:
        found = stands.get(raw(place), b"0")
        if found != raw(expected):
            raise _RefusedError(b"MOVED", raw(place), found, raw(expected))


def _check_row(server: Keyspace, prefix: str, topic: str, partition: int, key: str) -> None:
    if raw(key) not in server.hash(f"{prefix}snap:{topic}:{partition}"):
        raise _RefusedError(b"GONE", raw(key))


def _target(server: Keyspace, prefix: str, head: dict[str, Any], stream: list[Any]) -> _Target:
    topic, partition, incarnation, _, _, partitions = stream
    meta = server.execute("HMGET", f"{prefix}topic:{topic}", "incarnation", "partitions", "cleanup", "view", "closed")
    if meta[0] is None:
        raise _RefusedError(b"UNKNOWN", raw(topic))
    if meta[0] != raw(incarnation):
        raise _RefusedError(b"INCARNATION", raw(topic))
    if _is_closed(server, head, meta[4]):
        raise _RefusedError(b"CLOSED", raw(topic))
    if "resize" not in head:
        _check_count(server, topic, meta[1], partitions)
        if partition >= partitions:
            raise _RefusedError(b"UNKNOWN", raw(f"{topic}:{partition}"))
    target = _Target(server, prefix, topic, partition, meta)
    last = server.streams[target.key].last if target.key in server.streams else (0, 0)
    if last != (0, target.end):
        raise _RefusedError(b"FOREIGN", raw(topic), raw(partition), b"%d-%d" % last, b"0-%d" % target.end)
    return target


def _check_elsewhere(server: Keyspace, prefix: str, head: dict[str, Any]) -> None:
    for topic, counted in () if "elsewhere_is_open" in server.flaws else head.get("elsewhere", ()):
        found, closed = server.execute("HMGET", f"{prefix}topic:{topic}", "partitions", "closed")
        if _is_closed(server, head, closed):
            raise _RefusedError(b"CLOSED", raw(topic))
        if found is not None:
            _check_count(server, topic, found, counted)


def _check_count(server: Keyspace, topic: str, found: bytes, counted: int) -> None:
    if counted != int(found) and "partitions_are_not_counted" not in server.flaws:
        raise _RefusedError(b"RESIZED", raw(topic), found, raw(counted))


def _is_closed(server: Keyspace, head: dict[str, Any], closed: bytes | None) -> bool:
    """Return whether a write may not write to a topic while its number of partitions changes."""
    if "resize" in head:
        return closed != raw(head["resize"]) and "late_moves_count" not in server.flaws
    if closed is None:
        return False
    if closed == CLOSED_TO_CLIENTS:
        return "fence" not in head and not head.get("forwarded") and "entry_stays_open" not in server.flaws
    return "sealed_stay_open" not in server.flaws


def _append(server: Keyspace, targets: list[_Target], streams: list[list[Any]], payloads: Iterator[bytes]) -> None:
    for target, (_, _, _, entries, compacted, _) in zip(targets, streams, strict=True):
        for count, has_writer in entries:
            packed = next(payloads)
            parts = msgpack.unpackb(packed, raw=True) if count == 1 else [b"n", b"%d" % count, b"z", packed]
            writer = [b"w", next(payloads)] if has_writer else []
            server.stream(target.key).add(parts + writer + target.order(), count)
            target.end += count
        if compacted:
            flat = msgpack.unpackb(next(payloads), raw=True)
            if target.rank is not None:
                target.rerank(*msgpack.unpackb(next(payloads), raw=True))
            target.fold(
                {key: None if value is False else value for key, value in zip(flat[::2], flat[1::2], strict=True)}
            )
        target.ends[target.partition] = raw(target.end)


def _commit_offsets(server: Keyspace, prefix: str, head: dict[str, Any]) -> None:
    if copied := head.get("copied"):
        stands = server.hash(f"{prefix}copied:{copied['name']}")
        stands.update({raw(place): raw(after) for place, _, after in copied["steps"]})
        for place in [raw(place) for place, _, after in copied["steps"] if after == 0]:
            del stands[place]
    if not (group := _group_of(head)):
        return
    for topic, partition, offset, *_ in head["offsets"]:
        server.hash(f"{prefix}group:{group}:offsets")[raw(f"{topic}:{partition}")] = raw(offset)
        server.sets.setdefault(f"{prefix}groups", set()).add(raw(group))
        server.streams.setdefault(f"{prefix}log:{topic}:{partition}", Stream()).groups[group] = offset


def create_topic(server: Keyspace, keys: Sequence[str], argv: Sequence[Any]) -> list[bytes | None]:
    """Run create_topic.lua."""
    name, *values = argv
    fields = ("partitions", "cleanup", "view", "retention_ms", "incarnation", "archived")
    if not server.hashes.get(keys[0]):
        server.hashes[keys[0]] = {raw(field): raw(value) for field, value in zip(fields, values, strict=True)}
        server.sets.setdefault(keys[1], set()).add(raw(name))
    else:
        server.hashes[keys[0]] |= {b"retention_ms": raw(argv[4]), b"archived": raw(argv[6])}
    reply: list[bytes | None] = server.execute("HMGET", keys[0], *fields)
    return reply


def group(server: Keyspace, keys: Sequence[str], argv: Sequence[Any]) -> list[Any]:
    """Run group.lua."""
    op, member, *args = argv
    return Group(server, keys[0]).run(op, raw(member), args)


def offsets(server: Keyspace, keys: Sequence[str], argv: Sequence[Any]) -> list[bytes]:
    """Run offsets.lua."""
    prefix, name, op, *args = argv
    group = keys[0]
    alive = [member for member, lease in server.sorted.get(f"{group}:leases", {}).items() if lease >= server.now_ms()]
    if alive:
        return alive
    groups = server.sets.setdefault(f"{prefix}groups", set())
    if op == "forget":
        for part in ("", ":members", ":assignments", ":status", ":offsets"):
            server.hashes.pop(f"{group}{part}", None)
        server.sets.pop(f"{group}:joined", None)
        server.sorted.pop(f"{group}:leases", None)
        groups.discard(raw(name))
        return []
    for topic, partition, offset in zip(args[::3], args[1::3], args[2::3], strict=True):
        server.hash(f"{group}:offsets")[raw(f"{topic}:{partition}")] = raw(offset)
    groups.add(raw(name))
    return []


def trim(_server: Keyspace, _keys: Sequence[str], _argv: Sequence[Any]) -> int:
    """Run trim.lua, which asks for whole nodes only (``~``). A server may keep a node, and this one keeps all."""
    return 0
