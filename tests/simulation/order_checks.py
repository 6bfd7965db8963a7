"""Check append order, from what handlers begin and finish, and from the offsets that the server holds."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any

from faust_redis.driver.limits import FETCH_RECORDS_MAX

from tests.simulation.needs import unneeded
from tests.simulation.topology import ACKED, GROUP_NAME, IN

if TYPE_CHECKING:
    from tests.simulation.brokers import Broker
    from tests.simulation.process import Process
    from tests.simulation.world import World

CHANCE = 0.3

Place = tuple[str, int]
Finished = Mapping[Place, Container[int]]


def draw(seed: int) -> int:
    """Return 0, or for seeds whose workers consume in append order how many records they read at once of a partition.

    The draws have a generator of their own, so that the other draws of a seed do not depend on them.
    """
    rng = Random(f"append order of {seed}")
    return rng.choice((1, 2, FETCH_RECORDS_MAX)) if rng.random() < CHANCE else 0


class OrderChecks:
    """The checks of one broker whose workers consume in append order."""

    def __init__(self, world: World, broker: Broker) -> None:
        self._world, self._server = world, broker.server
        self._keys = broker.keys

    def on_begun(self, process: Process, finished: Finished, messages: Sequence[Any]) -> None:
        """Check that all records that were appended before a batch are finished or committed.

        A worker that was alive when the server went back may still follow the lost history, until its next assignment.
        """
        if not self._world.plan.ordered_reads or process.is_outdated:
            return
        first, own = messages[0], {(message.topic, message.offset) for message in messages}
        orders = self._orders(first.partition)
        number = next((order for order, place in orders if place == (first.topic, first.offset)), None)
        if number is None or first.generation_id != process.consumer_generation_id:
            return
        committed, skipped = self._committed(first.partition), unneeded(self._world, IN, first.partition)
        for order, (topic, offset) in orders:
            is_done = offset < committed[topic] or offset in finished[topic, first.partition]
            is_done = is_done or (topic == IN and offset in skipped)
            if order < number and (topic, offset) not in own and not is_done:
                self._world.fail(
                    f"{process.member} began {first.topic}:{first.partition} offset {first.offset} before {topic} "
                    f"offset {offset}, which was appended earlier, was finished"
                )

    def on_commit(self, partition: int) -> None:
        """Check that the committed records of a partition number are a prefix of the append order."""
        if not self._world.plan.ordered_reads:
            return
        committed, first_left = self._committed(partition), None
        for order, (topic, offset) in self._orders(partition):
            if offset >= committed[topic]:
                first_left = first_left or (order, topic, offset)
            elif first_left is not None:
                self._world.fail(f"{topic}:{partition} offset {offset} is committed before {first_left}")

    def _committed(self, partition: int) -> dict[str, int]:
        offsets = self._server.hashes.get(self._keys.offsets(GROUP_NAME), {})
        return {topic: int(offsets.get(f"{topic}:{partition}".encode(), b"0")) for topic in ACKED}

    def _orders(self, partition: int) -> list[tuple[int, Place]]:
        return sorted(self._numbered(partition))

    def _numbered(self, partition: int) -> Iterator[tuple[int, Place]]:
        for topic in ACKED:
            for record in self._world.history(topic, partition):
                yield record.order, (topic, record.offset)
