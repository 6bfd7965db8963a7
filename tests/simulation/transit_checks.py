"""Check what brokers send to each other: each parcel arrives once and in order, whichever of them went back in time.

The checks compare the transit topics of the sender with the topics of the receiver. They know two kinds of parcels:
those that the sender still has, and those of a history that it lost when it was restored to an earlier state. The first
must arrive once and in order. The second may have arrived, once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from faust_redis.log.transit import Parcel, transit_topic, unpack

from tests.simulation.topology import GROUP_NAME, MID, OUT, OUTSIDE, Content, Records, out_partition

if TYPE_CHECKING:
    from tests.simulation.brokers import Broker
    from tests.simulation.world import World

CROSSING = (MID, OUT, OUTSIDE)

Place = tuple[str, int]


@lru_cache(4096)
def _parcel(value: bytes) -> Parcel:
    return unpack(value)


class Flow(NamedTuple):
    """The records from one broker to a partition of another.

    Attributes:
        about: Which.
        sent: What the sender's transit topic holds.
        lost: What it held before a return to an earlier state.
        arrived: What the partition holds.
    """

    about: str
    sent: Records
    lost: Records
    arrived: Records

    def divided(self) -> Iterator[Flow]:
        """Return the flow of each key. Those of other keys may be in another partition when they arrive."""
        for key in sorted({key for key, _ in (*self.sent, *self.arrived)}):
            sent, lost, arrived = ([one for one in some if one[0] == key] for some in self[1:])
            yield Flow(self.about, sent, lost, arrived)


class TransitChecks:
    """The checks of one world; with one broker it sends nothing anywhere, and they hold."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._pairs = [(a, b) for a in world.brokers for b in world.brokers if a is not b]
        self._lost: dict[tuple[int, int], list[Parcel]] = defaultdict(list)

    def is_drained(self) -> bool:
        """Return whether all parcels have arrived.

        The committed offset of a forwarder may stay below, when an old commit arrives late: that delays trimming only.
        """
        return not any(self.missing())

    def missing(self) -> Iterable[str]:
        """Return what was sent and has not arrived."""
        for flow in self._flows():
            if absent := Counter(flow.sent) - Counter(flow.arrived):
                yield f"{flow.about} has not arrived: {dict(absent)}"

    def _flows(self) -> Iterator[Flow]:
        """Return what goes from each broker to each partition of another."""
        for source, target in self._pairs:
            parcels = self._parcels(source, target)
            lost = self._lost[source.shard.number, target.shard.number]
            for topic in CROSSING:
                for p in target.shard.partitions(self.world.plan.partitions):
                    family = range(p, self.world.plan.places, self.world.plan.partitions)
                    places = [(topic, one) for one in family]
                    arrived = [record for place in places for record in self._arrived(source, *place)]
                    about = f"from broker {source.shard} to {topic}:{p}"
                    yield from Flow(about, _records(parcels, *places), _records(lost, *places), arrived).divided()

    def _parcels(self, source: Broker, target: Broker) -> list[Parcel]:
        topic = transit_topic(GROUP_NAME, target.shard.number)
        stream = source.server.streams.get(source.keys.stream(topic, source.shard.number))
        return [_parcel(record.value or b"") for record in stream.history] if stream else []

    @contextmanager
    def noting_lost(self, source: Broker) -> Iterator[None]:
        """Note what a broker has no more after a return to an earlier state, though it may have been forwarded."""
        pairs = [pair for pair in self._pairs if pair[0] is source]
        before = [self._parcels(*pair) for pair in pairs]
        yield
        for pair, parcels in zip(pairs, before, strict=True):
            kept = {(each.writer, each.number) for each in self._parcels(*pair)}
            numbers = pair[0].shard.number, pair[1].shard.number
            self._lost[numbers] += [each for each in parcels if (each.writer, each.number) not in kept]

    # --- what agents have sent, as the broker of the sender has it ----------------------------------------------------

    def sent(self, content: Content) -> Content:
        """Return what was sent to the topics that cross: by sender, or for `out` by the partition of its cause.

        It is what arrived, unless a broker lost something that it had sent, or partitions were divided on the way.
        """
        plan, found = self.world.plan, {}
        if not plan.resized and not any(self._lost.values()):
            return {**content, OUT: [content[OUT][out_partition(p, plan)] for p in range(plan.places)]}
        for topic in CROSSING:
            sent = [self._sent_to(broker, topic, p) for broker in self.world.brokers for p in range(plan.places)]
            found[topic] = sent
        outs = [(self.world.broker_of(p), out_partition(p, plan)) for p in range(plan.places)]
        return {**content, **found, OUT: [self._sent_to(broker, OUT, place) for broker, place in outs]}

    def sent_by(self, broker: Broker, topic: str) -> Records:
        """Return what the workers of a broker have sent to a topic."""
        return [one for p in range(self.world.plan.places) for one in self._sent_to(broker, topic, p)]

    def _sent_to(self, source: Broker, topic: str, partition: int) -> Records:
        target = self.world.broker_of(partition)
        if source is target:
            return self._arrived(source, topic, partition)
        return _records(self._parcels(source, target), (topic, partition))

    def _arrived(self, source: Broker, topic: str, partition: int) -> Records:
        """Return the records of a partition that workers of a broker have sent."""
        records = self.world.content(topic)[partition]
        return [one for one in records if self._is_from(source, topic, partition, one[1] or b"")]

    def _is_from(self, source: Broker, topic: str, partition: int, value: bytes) -> bool:
        plan = self.world.plan
        if plan.shards == 1:
            return True
        if topic == MID:
            return self.world.inputs.homes[int(value.partition(b".")[0])] == source.shard.number
        if topic == OUTSIDE:
            return self.world.home.of_worker(value.decode()) == source.shard.number
        return source.shard.holds(out_partition(partition, plan, -1))

    def forgotten(self) -> int:
        """Return how many writers the receivers have forgotten."""
        return sum(len({each.writer for each in self._parcels(*pair)} - self._known(*pair)) for pair in self._pairs)

    def _known(self, source: Broker, target: Broker) -> set[str]:
        copy = f"{transit_topic(GROUP_NAME, target.shard.number)}:{source.shard.number}"
        stands = target.server.hashes.get(target.keys.source_offsets(copy), {})
        return {place.decode().rpartition(":")[0] for place in stands}

    # --- checks at the end --------------------------------------------------------------------------------------------

    def at_the_end(self) -> Iterable[str]:
        """Return how what has arrived differs from what was sent."""
        for flow in self._flows():
            if more := Counter(flow.arrived) - Counter(flow.sent) - Counter(flow.lost):
                yield f"{flow.about} arrived too often: {dict(more)}"
            if not _is_within(flow.sent, flow.arrived):
                yield f"{flow.about} was sent {flow.sent}, and arrived {flow.arrived}"


def _records(parcels: Iterable[Parcel], *places: Place) -> Records:
    return [
        (record.key or b"", record.value)
        for parcel in parcels
        for record in parcel.records
        if (record.topic, record.partition) in places
    ]


def _is_within(sent: Records, arrived: Records) -> bool:
    """Return whether all that was sent arrived in this order, whatever else came between."""
    rest = iter(arrived)
    return all(any(one == other for other in rest) for one in sent)
