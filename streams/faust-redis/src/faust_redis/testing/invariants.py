"""Check what the library promises to every app: fencing, ownership, single writes, and tables that equal their log.

The checks read the modelled broker, the assignments and the disks. They never ask the driver's own bookkeeping.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import faust
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from faust.types import TP

from faust_redis.driver.state.stores import Checkpoint
from faust_redis.log import StoredRecord
from faust_redis.log.scripts import GROUP
from faust_redis.testing import internals
from faust_redis.testing.broker import Broker
from faust_redis.testing.disk import Disk
from faust_redis.testing.errors import InvariantError
from faust_redis.testing.network import is_commit

Rows = dict[bytes, bytes]
Writer = tuple[str, int]
"""A member and the generation in which it writes."""


class Invariants:
    """The library's own invariants in one simulated world.

    Args:
        app: An app like those of the workers.
        broker: The modelled broker.
        fail: Fails the seed. Gets the error.
    """

    def __init__(self, app: faust.App, broker: Broker, fail: Callable[[InvariantError], None]) -> None:
        self._app, self._broker, self._server = app, broker, broker.server
        self._fail = fail
        self._was_rolled_back = False
        self._group = broker.keys.group(app.conf.id)
        self._changelogs = {table.name: table.changelog_topic.get_topic_name() for table in internals.plain_tables(app)}
        self._owned: dict[Writer, frozenset[TP]] = {}
        self._numbers: dict[str, int] = {}
        self._generation, self._lease = b"", -1.0
        self._committed: dict[TP, int] = {}

    def on_rollback(self) -> None:
        """Forget the writes that the broker may have lost."""
        self._was_rolled_back = True
        self._numbers.clear()

    # --- at the broker ------------------------------------------------------------------------------------------------

    def before(self, _sender: str, command: tuple[Any, ...]) -> None:
        """Record the writer's membership and the group's offsets just before a commit."""
        if not is_commit(command):
            return
        head = json.loads(command[5])
        fence = head.get("fence")
        if fence is not None:
            leases = self._server.sorted.get(f"{self._group}:leases", {})
            self._generation = self._server.hashes.get(self._group, {}).get(b"generation", b"")
            self._lease = leases.get(fence["member"].encode(), -1.0)
            self._committed = {
                TP(topic, partition): self._broker.committed(fence["group"], topic, partition)
                for topic, partition, *_ in head["offsets"]
            }

    def after(self, sender: str, command: tuple[Any, ...], reply: Any) -> None:
        """Check a commit that the broker accepted, and record each assignment."""
        if isinstance(reply, Exception):
            return
        if command[:2] == ("EVALSHA", GROUP.digest) and command[4] == "sync":
            self._record_assignments()
        elif is_commit(command) and reply[0] == b"ROLLED_BACK" and not self._was_rolled_back:
            self._broken(f"the broker told {sender} that it was restored to an earlier state, but it was not: {reply}")
        elif is_commit(command) and reply[0] == b"OK" and reply[2] == b"new":
            self._check_commit(sender, json.loads(command[5]))

    def _record_assignments(self) -> None:
        hashes = self._server.hashes
        generation = int(hashes[self._group][b"generation"])
        for member, encoded in hashes.get(f"{self._group}:assignments", {}).items():
            assigned = ConsumerProtocolMemberAssignment.decode(encoded)
            self._owned[member.decode(), generation] = internals.active_partitions(self._app, assigned)

    def _check_commit(self, sender: str, head: dict[str, Any]) -> None:
        sequence, fence = head.get("sequence"), head.get("fence")
        if sequence is not None:
            self._check_number(sequence["producer"], sequence["number"])
        changelogs = set(self._changelogs.values())
        rows = {TP(topic, partition) for topic, partition, *_ in head["streams"] if topic in changelogs}
        if fence is None:
            if rows:
                self._broken(f"{sender} wrote table rows to {_names(rows)} outside of the group's fence")
            return
        writer = (fence["member"], fence["generation"])
        self._check_fence(writer)
        foreign = (rows | {TP(*offset[:2]) for offset in head["offsets"]}) - self._owned.get(writer, frozenset())
        if foreign:
            self._broken(f"{_name(writer)} wrote to {_names(foreign)}, which it does not own")
        for topic, partition, offset, *_ in head["offsets"]:
            before = self._committed[TP(topic, partition)]
            if offset < before:
                self._broken(f"{_name(writer)} took the offset of {topic}:{partition} back from {before} to {offset}")

    def _check_number(self, producer: str, number: int) -> None:
        last = self._numbers.get(producer, -1)
        if number <= last:
            self._broken(f"the broker applied write {number} of producer {producer} after write {last}")
        self._numbers[producer] = number

    def _check_fence(self, writer: Writer) -> None:
        if self._generation != b"%d" % writer[1]:
            self._broken(f"the broker accepted a commit of {_name(writer)} in generation {self._generation.decode()}")
        if self._lease < self._server.now_ms():
            self._broken(f"the broker accepted a commit of {_name(writer)} after its lease")

    # --- at the workers' disks ----------------------------------------------------------------------------------------

    def on_disk_write(self, member: str, disk: Disk, table: str, partition: int) -> None:
        """Check that a table's rows on disk equal the changelog up to their checkpoint."""
        kept = disk.partitions[table, partition]
        topic = self._changelogs.get(table)
        if topic is None or kept.checkpoint is None:
            return  # Without a checkpoint, a worker does not trust the rows.
        records = [record for at, record in self._broker.records(topic) if at == partition]
        if self._was_rolled_back and not _has(records, kept.checkpoint):
            return  # The rows come from a history that the broker has lost. No worker trusts them.
        offset = kept.checkpoint.offset
        if offset >= len(records):
            self._broken(f"{member}'s rows of {table}:{partition} reach offset {offset}, ahead of the changelog")
        elif kept.rows != _fold(records[: offset + 1]):
            self._broken(f"{member}'s rows of {table}:{partition} are not the changelog's at offset {offset}")

    # --- at the end ---------------------------------------------------------------------------------------------------

    def at_the_end(self) -> None:
        """Check that each table's snapshot equals its changelog."""
        for topic in self._changelogs.values():
            records: dict[int, list[StoredRecord]] = {}
            for partition, record in self._broker.records(topic):
                records.setdefault(partition, []).append(record)
            snapshot = {(partition, row.key): row.value for partition, row in self._broker.snapshot(topic)}
            folded = {(at, key): value for at, found in records.items() for key, value in _fold(found).items()}
            if snapshot != folded:
                self._broken(f"the snapshot of {topic} does not equal its records")

    def _broken(self, what: str) -> None:
        self._fail(InvariantError(f"{what}. This is a defect of faust-redis, not of the app: report it with the seed"))


def _fold(records: list[StoredRecord]) -> Rows:
    rows: Rows = {}
    for record in records:
        if record.key is None:
            continue
        if record.value is None:
            rows.pop(record.key, None)
        else:
            rows[record.key] = record.value
    return rows


def _has(records: list[StoredRecord], checkpoint: Checkpoint) -> bool:
    return checkpoint.offset < len(records) and records[checkpoint.offset].writer == checkpoint.writer


def _name(writer: Writer) -> str:
    return f"{writer[0]} of generation {writer[1]}"


def _names(tps: set[TP]) -> str:
    return ", ".join(f"{tp.topic}:{tp.partition}" for tp in sorted(tps))
