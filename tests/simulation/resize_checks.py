"""Check each step of a resize at the broker: who may write, that nothing waits, and that rows move whole.

The checks read the broker's keys. They know nothing of the command's bookkeeping.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from faust_redis.log.partitioner import partition_for
from faust_redis.log.scripts import COMMIT, RESIZE

from tests.simulation.topology import ACKED, CHANGELOG, TOTAL, owner_of

if TYPE_CHECKING:
    from tests.simulation.brokers import Broker
    from tests.simulation.world import World

Rows = dict[bytes, bytes]


class ResizeChecks:
    """The checks of one broker."""

    def __init__(self, world: World, broker: Broker) -> None:
        self._world, self._broker = world, broker
        self._state: dict[bytes, bytes] = {}
        self._sealed: Rows = {}

    def before(self) -> None:
        """Note the resize in progress just before a command."""
        self._state = dict(self._broker.state_of_resize)

    def after(self, sender: str, command: tuple[Any, ...], reply: Any) -> None:
        """Check a step that was made, or a write that was accepted."""
        if command[:2] == ("EVALSHA", COMMIT.digest) and reply[0] == b"OK" and reply[2] == b"new":
            self._on_commit(sender, json.loads(command[5]))
        elif command[:2] == ("EVALSHA", RESIZE.digest) and reply[0] == b"OK":
            self._on_step(command[5])

    def _on_commit(self, sender: str, head: dict[str, Any]) -> None:
        resized = set(json.loads(self._state.get(b"topics", b"[]")))
        written = {topic for topic, *_ in (*head["streams"], *head.get("elsewhere", ()))} & resized
        if "resize" in head:
            if written and head["resize"].encode() != self._state.get(b"id"):
                self._world.fail(f"{sender} moved rows in {sorted(written)} for a resize that is over")
        elif written and self._state[b"phase"] == b"moving":
            self._world.fail(f"{sender} wrote to {sorted(written)} while rows move")
        elif written and "fence" not in head and not head.get("forwarded"):
            self._world.fail(f"{sender} wrote to {sorted(written)}, which members empty before rows move")

    def _on_step(self, step: str) -> None:
        if step == "seal" and self._state.get(b"phase") == b"draining":
            if not self._broker.checks.is_drained():
                self._world.fail("rows are to move before everything is processed")
            self._sealed = self._all_rows()
        elif step == "finish":
            if self._all_rows() != self._sealed:
                self._world.fail(f"the rows were {self._sealed}, and are {self._all_rows()} when they have moved")
            self._check_places()
        elif step == "cancel" and self._state.get(b"phase") != b"draining":
            self._world.fail("a resize was cancelled after rows had moved")

    def at_the_end(self) -> None:
        """Check where rows are, and that the append numbers of a key ascend from a partition to its child."""
        if self._world.plan.resized:
            self._all_rows()
            self._check_places()
            self._check_numbers()

    def _all_rows(self) -> Rows:
        """Return the rows of all keys, each of which is in one partition only."""
        found: Rows = {}
        for p, rows in self._by_partition().items():
            if twice := found.keys() & rows.keys():
                self._world.fail(f"partition {p} has rows that another one has, too: {sorted(twice)}")
            found |= {key: value for key, value in rows.items() if key != TOTAL}
        return found

    def _by_partition(self) -> dict[int, Rows]:
        broker = self._broker
        places = broker.shard.partitions(self._world.plan.places)
        return {p: broker.server.hashes.get(broker.keys.snapshot(CHANGELOG, p), {}) for p in places}

    def _check_places(self) -> None:
        """Check that each row is where its key belongs, and that each partition has counted the events of its keys."""
        for p, rows in self._by_partition().items():
            counted = 0
            for key, value in rows.items():
                owner = owner_of(key)
                if owner is not None and partition_for(owner, self._world.plan.resized) != p:
                    self._world.fail(f"the row {key!r} is in partition {p}")
                counted += int(value) if owner == key else 0
            if counted != (total := int(rows.get(TOTAL, b"0"))):
                self._world.fail(f"partition {p} counts {total} events, and its keys have {counted}")

    def _check_numbers(self) -> None:
        numbers: dict[bytes, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        for p in self._broker.shard.partitions(self._world.plan.places):
            for topic in ACKED:
                for record in self._world.history(topic, p):
                    numbers[record.key or b""][p].append(record.order)
        for key, places in numbers.items():
            for earlier, later in zip(list(places)[:-1], list(places)[1:], strict=True):
                if max(places[earlier]) >= min(places[later]):
                    self._world.fail(f"append numbers of {key!r} in partition {later} do not follow those in {earlier}")
