"""Invariants checked at every step, read from the server and the workers' acts, never from the driver's bookkeeping."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from faust_redis.log.scripts import COMMIT, GROUP

from tests.simulation.needs import unneeded
from tests.simulation.order_checks import OrderChecks
from tests.simulation.resize_checks import ResizeChecks
from tests.simulation.topology import ACKED, CHANGELOG, GROUP_NAME, TABLE, TRANSIT_GROUP, fold

if TYPE_CHECKING:
    from tests.simulation.brokers import Broker
    from tests.simulation.process import Process
    from tests.simulation.world import World

TopicPartition = tuple[str, int]


class Checks:
    """The invariants of one broker: checked when a commit is accepted and when rows reach a disk."""

    def __init__(self, world: World, broker: Broker) -> None:
        self.world = world
        self.server = broker.server
        self.shard = broker.shard
        self.order = OrderChecks(world, broker)
        self.resize = ResizeChecks(world, broker)
        self.keys = broker.keys
        self.broker = broker
        self.group = self.keys.group(GROUP_NAME)
        self._finished: dict[tuple[str, int], dict[TopicPartition, set[int]]] = defaultdict(lambda: defaultdict(set))
        self._owned: dict[tuple[str, int], set[TopicPartition]] = {}
        self._lease: tuple[bytes, float | None] = (b"", None)
        self._offsets: dict[str, int] = {}

    # --- checks at the server -----------------------------------------------------------------------------------------

    def before(self, _sender: str, command: tuple[Any, ...]) -> None:
        """Record the writer's state just before its commit."""
        self.resize.before()
        if command[0] == "EVALSHA" and command[1] == COMMIT.digest:
            fence = json.loads(command[5]).get("fence")
            self._lease = self._lease_of(fence["member"]) if fence else (b"", None)
            offsets = self.server.hashes.get(self.keys.offsets(GROUP_NAME), {})
            self._offsets = {name.decode(): int(offset) for name, offset in offsets.items()}

    def members(self) -> set[str]:
        """Return the members that have an assignment in the current generation."""
        return {member.decode() for member in self.server.hashes.get(f"{self.group}:assignments", {})}

    def generation(self) -> int:
        """Return the group's generation."""
        return int(self.server.hashes.get(self.group, {}).get(b"generation", b"0"))

    def _lease_of(self, member: str) -> tuple[bytes, float | None]:
        server = self.server
        lease = server.sorted.get(f"{self.group}:leases", {}).get(member.encode())
        return server.hashes.get(self.group, {}).get(b"generation", b""), lease

    def after(self, sender: str, command: tuple[Any, ...], reply: Any) -> None:
        """Check an accepted commit or step of a resize, and record each assignment."""
        self.resize.after(sender, command, reply)
        if command[0] != "EVALSHA":
            return
        if command[1] == GROUP.digest and command[4] == "sync":
            self._note_assignment()
        elif command[1] == COMMIT.digest and reply[0] == b"OK" and reply[2] == b"new":
            self._on_commit(sender, json.loads(command[5]))

    def _note_assignment(self) -> None:
        hashes = self.server.hashes
        generation = int(hashes[self.group][b"generation"])
        for member, text in hashes[f"{self.group}:assignments"].items():
            assignment = ConsumerProtocolMemberAssignment.decode(text).assignment
            self._owned[member.decode(), generation] = {(topic, p) for topic, ps in assignment for p in ps}

    def _on_commit(self, sender: str, head: dict[str, Any]) -> None:
        fence = head.get("fence")
        claims = [(topic, p) for topic, p, *_ in head["streams"] if topic == CHANGELOG]
        claims += [(topic, p) for topic, p, *_ in head["offsets"] if head.get("group") != TRANSIT_GROUP]
        if fence is None:
            if claims and "resize" not in head:
                self.world.fail(f"{sender} wrote {claims} without a fence")
            return
        writer = (fence["member"], fence["generation"])
        generation, lease = self._lease
        if int(generation) != fence["generation"]:
            self.world.fail(f"a write of {writer} was accepted in generation {int(generation)}")
        if lease is None or lease < self.world.now_ms():
            self.world.fail(f"a write of {writer} was accepted after its lease")
        foreign = set(claims) - self._owned.get(writer, set())
        if foreign:
            self.world.fail(f"{writer} wrote to {sorted(foreign)}, which it does not own")
        for topic, partition, offset, *_ in head["offsets"]:
            self._on_offset(writer, (topic, partition), offset)
        for partition in {partition for _, partition, *_ in head["offsets"]}:
            self.order.on_commit(partition)

    def _on_offset(self, writer: tuple[str, int], tp: TopicPartition, offset: int) -> None:
        before = self._offsets.get(f"{tp[0]}:{tp[1]}", 0)
        if offset < before:
            self.world.fail(f"{writer} took the offset of {tp} back from {before} to {offset}")
        unfinished = set(range(before, offset)) - self._finished[writer][tp]
        if unfinished and (left := sorted(o for o in unfinished if o not in unneeded(self.world, *tp))):
            self.world.fail(f"{writer} committed {offset} of {tp} over unfinished events {left}")

    # --- checks at the workers ----------------------------------------------------------------------------------------

    def on_begun(self, process: Process, generation: int, messages: Sequence[Any]) -> None:
        """Check the append order of what an agent begins."""
        self.order.on_begun(process, self._finished[process.member, generation], messages)

    def on_finished(self, member: str, generation: int, message: Any) -> None:
        """Check that an agent finished an event which was delivered in the current generation."""
        self._finished[member, generation][message.topic, message.partition].add(message.offset)

    def on_disk_write(self, process: Process, table: str, partition: int) -> None:
        """Check that rows which reach a disk are the fold of the changelog up to their offset."""
        kept = self.world.disks[process.member.partition(".")[0]].partitions[table, partition]
        if kept.checkpoint is None:
            return  # The worker is still reading a snapshot and does not trust these rows yet.
        if not self.broker.storage.has(CHANGELOG, partition, kept.checkpoint):
            return  # The rows come from a history that was rolled back, and no worker trusts them.
        records = self.world.content(CHANGELOG)[partition]
        offset = kept.checkpoint.offset
        if offset >= len(records):
            self.world.fail(f"{process.member}: rows of partition {partition} are ahead of the log: {offset}")
        elif kept.rows != fold(records[: offset + 1]):
            self.world.fail(
                f"{process.member}: rows of partition {partition} are not the log's at {offset}: {kept.rows}"
            )

    # --- checks at the end --------------------------------------------------------------------------------------------

    def is_drained(self) -> bool:
        """Return whether every input has been processed and committed."""
        hashes = self.server.hashes
        committed = hashes.get(self.keys.offsets(GROUP_NAME), {})
        return all(
            int(committed.get(b"%s:%s" % (topic.encode(), partition), b"0")) == int(end)
            for topic in ACKED
            for partition, end in hashes.get(self.keys.ends(topic), {}).items()
        )

    def at_the_end(self) -> None:
        """Check that snapshots are the folds of their logs, and that each running worker has the same rows."""
        self.resize.at_the_end()
        content = self.world.content(CHANGELOG)
        for partition in self.shard.partitions(len(content)):
            records = content[partition]
            snapshot = self.server.hashes.get(self.keys.snapshot(CHANGELOG, partition), {})
            if snapshot != fold(records):
                self.world.fail(f"the snapshot of partition {partition} is not the fold of its log")
        for process in self.world.running():
            if process.broker.shard == self.shard:
                self._at_rest(process)

    def _at_rest(self, process: Process) -> None:
        if len(process.driver.committer.dependencies):
            self.world.fail(f"{process.member} still holds events that depend on others")
        waiting = len(process.driver.committer.pending)
        if waiting:
            self.world.fail(f"{process.member} still holds {waiting} outputs")
        overlay = {p: rows for p, rows in process.store._overlay.items() if rows}
        if overlay:
            self.world.fail(f"{process.member} still holds uncommitted rows: {overlay}")
        for tp in process.consumer.assignment():
            if tp.topic == CHANGELOG:
                kept = self.world.disks[process.member.partition(".")[0]].partitions.get((TABLE, tp.partition))
                rows = kept.rows if kept else {}
                if rows != fold(self.world.content(CHANGELOG)[tp.partition]):
                    self.world.fail(f"{process.member}: rows of {tp} are not the log's at rest")
        written = {value for records in self.world.content("outside") for _, value in records}
        missing = set(process.sent_outside) - written
        if missing:
            self.world.fail(f"{process.member} lost messages sent outside of events: {sorted(missing)}")
