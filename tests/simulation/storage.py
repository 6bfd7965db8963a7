"""Faults of the server's storage: records are trimmed, or the server is restored to an earlier state."""

from __future__ import annotations

from copy import deepcopy
from functools import partial
from typing import TYPE_CHECKING

from faust_redis.driver.state.stores import Checkpoint
from faust_redis.log.keys import Keys

from tests.simulation.topology import CHANGELOG, GROUP_NAME, IN, NAMESPACE, OUTSIDE, SIDE, SUBSCRIPTION

if TYPE_CHECKING:
    from tests.simulation.world import World

RESENT = 0.7
"""How often lost inputs are sent again after a server went back."""

DOWN_TOO = 0.7
"""How often a worker goes down with it."""


class Storage:
    """The faults of the server's storage in one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.keys = Keys(NAMESPACE)
        self.rolled_back = False
        self._backup: tuple[object, ...] | None = None

    def happen(self, fault: str) -> bool:
        """Run a fault; return false when it has nothing to act on."""
        return self._trim() if fault == "trim" else self._roll_back()

    def back_up(self) -> None:
        """Save the current state for a later rollback."""
        server = self.world.server
        self._backup = deepcopy((server.hashes, server.sets, server.sorted, server.streams))

    def has(self, topic: str, partition: int, checkpoint: Checkpoint) -> bool:
        """Return whether the log has a writer's record at an offset; always true unless the log was rolled back."""
        stream = self.world.server.streams.get(self.keys.stream(topic, partition))
        history = stream.history if stream else []
        if not self.rolled_back:
            return True
        if checkpoint.offset >= len(history):
            return False
        record = history[checkpoint.offset]
        return record.writer == checkpoint.writer

    def _trim(self) -> bool:
        """Trim as expired retention does: a changelog to its last record, other topics to the committed offset."""
        self.world.say("the log is trimmed")
        server, count = self.world.server, 0
        committed = server.hashes.get(self.keys.offsets(GROUP_NAME), {})
        for topic in SUBSCRIPTION:
            for p in range(self.world.plan.partitions):
                stream = server.streams.get(self.keys.stream(topic, p))
                if stream is not None:
                    floor = int(committed.get(f"{topic}:{p}".encode(), b"0"))
                    count += stream.trim(stream.last[1] if topic == CHANGELOG else floor + 1)
        return count > 0

    def _roll_back(self) -> bool:
        """Restart the server in its backed-up state; some clients send the lost records again.

        Mostly a worker goes down with the server, and comes back when the log has grown again.
        """
        if self._backup is None or not self.world.network.server_is_up:
            return False
        self.world.say("the server goes back to its backup")
        server = self.world.server
        written, inputs = self._outside(), self._inputs()
        server.hashes, server.sets, server.sorted, server.streams = deepcopy(self._backup)  # type: ignore[assignment]
        lost = written - self._outside()
        for process in self.world.running():
            process.is_outdated = True
            process.sent_outside = [value for value in process.sent_outside if value not in lost]
        self.rolled_back = True
        rng, seconds = self.world.rng, self.world.rng.choice((0.05, 0.5))
        self.world.network.stop_server(seconds)
        if rng.random() < RESENT:
            for record in rng.sample(gone := sorted(inputs - self._inputs()), len(gone)):
                self.world.agenda.after(seconds + rng.uniform(0.01, 0.5), partial(self.world.append, *record))
        running = self.world.running()
        if running and rng.random() < DOWN_TOO:
            self.world.crash(rng.choice(running), "with the server", back_s=rng.uniform(1.5, 4.0))
        return True

    def _inputs(self) -> set[tuple[str, bytes, bytes]]:
        return {
            (topic, key, value or b"")
            for topic in (IN, SIDE)
            for records in self.world.content(topic)
            for key, value in records
        }

    def _outside(self) -> set[bytes | None]:
        return {value for records in self.world.content(OUTSIDE) for _, value in records}
