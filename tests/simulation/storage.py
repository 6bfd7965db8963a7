"""Faults of the server's storage: records are trimmed, or the server is restored to an earlier state."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from faust_redis.driver.state.stores import Checkpoint
from faust_redis.log.transit import transit_topic

from tests.simulation.topology import CHANGELOG, GROUP_NAME, IN, OUTSIDE, SIDE, SUBSCRIPTION, TRANSIT_GROUP

if TYPE_CHECKING:
    from tests.simulation.brokers import Broker
    from tests.simulation.world import World

RESENT = 0.7
"""How often lost inputs are sent again after a server went back."""

DOWN_TOO = 0.7
"""How often a worker goes down with it."""


class Storage:
    """The faults of one server's storage."""

    def __init__(self, world: World, broker: Broker) -> None:
        self.world, self.broker = world, broker
        self.keys = broker.keys
        self.rolled_back = False
        self._backup: tuple[object, ...] | None = None
        self._floors: dict[int, int] = {}
        """For each other broker, the first record for it that it would need when it were restored."""

    def happen(self, fault: str) -> bool:
        """Run a fault; return false when it has nothing to act on."""
        return self._trim() if fault == "trim" else self._roll_back()

    def back_up(self) -> None:
        """Save the current state for a later rollback."""
        self._backup = self.broker.server.saved()
        for other in self.world.brokers:
            if other is not self.broker:
                other.storage.note_backup_of(self.broker.shard.number)

    def note_backup_of(self, number: int) -> None:
        """Note what a broker has that was backed up just now: it would be sent the rest again."""
        self._floors[number] = self._forwarded(number)

    def _forwarded(self, number: int) -> int:
        committed = self.broker.server.hashes.get(self.keys.offsets(TRANSIT_GROUP), {})
        place = f"{transit_topic(GROUP_NAME, number)}:{self.broker.shard.number}"
        return int(committed.get(place.encode(), b"0"))

    def has(self, topic: str, partition: int, checkpoint: Checkpoint) -> bool:
        """Return whether the log has a writer's record at an offset; always true unless the log was rolled back."""
        stream = self.broker.server.streams.get(self.keys.stream(topic, partition))
        history = stream.history if stream else []
        if not self.rolled_back:
            return True
        if checkpoint.offset >= len(history):
            return False
        record = history[checkpoint.offset]
        return record.writer == checkpoint.writer

    def _trim(self) -> bool:
        """Trim as expired retention does: a changelog to its last record, other topics to the committed offset.

        The retention of records for other brokers is as long as the time for which these keep their backups.
        """
        self.broker.say("the log is trimmed")
        server, count = self.broker.server, 0
        committed = server.hashes.get(self.keys.offsets(GROUP_NAME), {})
        for topic in SUBSCRIPTION:
            for p in self.broker.shard.partitions(self.world.plan.places):
                stream = server.streams.get(self.keys.stream(topic, p))
                if stream is not None:
                    floor = int(committed.get(f"{topic}:{p}".encode(), b"0"))
                    count += stream.trim(stream.last[1] if topic == CHANGELOG else floor + 1)
        for other in self.world.brokers:
            number = other.shard.number
            stream = server.streams.get(self.keys.stream(transit_topic(GROUP_NAME, number), self.broker.shard.number))
            if stream is not None:
                forwarded = self._forwarded(number)
                low = min(forwarded, self._floors.get(number, forwarded)) + 1
                count += stream.trim(stream.last[1] if "trim_waits_for_no_group" in server.flaws else low)
        return count > 0

    def trim_for_good(self) -> None:
        """Trim when no broker returns to an earlier state any more."""
        self._floors.clear()
        self._trim()

    def _roll_back(self) -> bool:
        """Restart the server in its backed-up state; some clients send the lost records again.

        A shard is sometimes restored while it runs, so that no connection is cut.
        Mostly a worker goes down with the server, and comes back when the log has grown again.
        """
        if self._backup is None or not self.broker.network.server_is_up:
            return False
        self.broker.say("the server goes back to its backup")
        written, inputs = self._outside(), self._inputs()
        with self.world.transit.noting_lost(self.broker):
            self.broker.server.restore(self._backup)
        self._floors = {number: min(floor, self._forwarded(number)) for number, floor in self._floors.items()}
        lost = written - self._outside()
        running = [process for process in self.world.running() if process.broker is self.broker]
        for process in running:
            process.is_outdated = True
            process.sent_outside = [value for value in process.sent_outside if value not in lost]
        self.rolled_back = True
        rng = self.world.rng
        seconds = rng.choice((0.05, 0.5) if self.broker.shard.count == 1 else (0.0, 0.05, 0.5))
        if seconds:
            self.broker.network.stop_server(seconds)
        if rng.random() < RESENT:
            for record in rng.sample(gone := sorted(inputs - self._inputs()), len(gone)):
                self.world.agenda.after(seconds + rng.uniform(0.01, 0.5), partial(self.world.inputs.append, *record))
        if running and rng.random() < DOWN_TOO:
            self.world.crash(rng.choice(running), "with the server", back_s=rng.uniform(1.5, 4.0))
        return True

    def _inputs(self) -> set[tuple[str, bytes, bytes]]:
        return {
            (topic, key, value or b"")
            for topic in (IN, SIDE)
            for p, records in enumerate(self.world.content(topic))
            if self.broker.shard.holds(p)
            for key, value in records
        }

    def _outside(self) -> set[bytes | None]:
        """Return what the workers of this broker have sent outside of events."""
        return {value for _, value in self.world.transit.sent_by(self.broker, OUTSIDE)}
