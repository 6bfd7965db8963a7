"""The simulated application and the content that its topics must have.

Topic `in` -> agent -> `mid` -> agent with a table -> `out`. Topic `side` -> an agent that writes the same table. Both
agents write what they derive from shared rows to `shared`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from faust.streams import current_event
from faust_redis.dead_letters import TransientError
from faust_redis.log import LogUnavailableError, TopicSpec
from faust_redis.log.partitioner import partition_for

if TYPE_CHECKING:
    from tests.simulation.plan import Plan
    from tests.simulation.process import Event, Process

NAMESPACE, GROUP_NAME, TRANSIT_GROUP = "sim", "app", "app-transit"
IN, MID, OUT, SIDE, SHARED, OUTSIDE = "in", "mid", "out", "side", "shared", "outside"
TABLE, CHANGELOG = "counts", "app-counts-changelog"
SUBSCRIPTION = (IN, MID, SIDE, CHANGELOG)
ACKED = SUBSCRIPTION[:-1]
TOTAL = b"total"
"""The key of a row that counts the events of a partition, in worlds whose number of partitions grows."""
LETTERS = [b"%c" % one for one in range(ord("a"), ord("z") + 1)] + [b"k%d" % one for one in range(200)]
KEYS = tuple(b"abcde"[i : i + 1] for i in range(5))


def topics(partitions: int) -> list[TopicSpec]:
    """Return all topics of the application."""
    plain = [TopicSpec(name, partitions) for name in (IN, MID, OUT, SIDE, SHARED, OUTSIDE)]
    return [*plain, TopicSpec(CHANGELOG, partitions, "compact")]


def keys_of(partitions: int) -> tuple[bytes, ...]:
    """Return keys of as many different partitions as there can be, so that events cross brokers."""
    return keys_at(partitions, [place % partitions for place in range(len(KEYS))])


def keys_at(partitions: int, places: Sequence[int]) -> tuple[bytes, ...]:
    """Return a key of each of some partitions."""
    found: list[bytes] = []
    for place in places:
        free = (each for each in LETTERS if each not in found)
        found.append(next(each for each in free if partition_for(each, partitions) == place))
    return tuple(found)


def owner_of(key: bytes) -> bytes | None:
    """Return the key of the events that write a row; None for the row of a whole partition."""
    return None if key == TOTAL else key.rpartition(b"-")[2]


def outputs_of(number: int, keys: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    """Return the first agent's outputs for an input: 0 to 3 messages, their keys spread over partitions."""
    count = (number * 7 + 3) % 4
    return [(keys[(number * 3 + i * 2) % len(keys)], b"%d.%d" % (number, i)) for i in range(count)]


def out_partition(partition: int, plan: Plan, step: int = 1) -> int:
    """Return to which partition of `out` the events of a partition of `mid` lead; with several brokers, to another.

    With a `step` of -1, return from which one they come. New partitions lead to new ones.
    """
    place = partition % plan.partitions
    return partition if plan.shards == 1 else partition - place + (place + step) % plan.partitions


def writes_last(value: bytes) -> bool:
    """Return whether the second agent also writes a second row: the key's last value."""
    return value.endswith((b"0", b"2"))


class Named:
    """A topic as a batch needs it."""

    def __init__(self, name: str) -> None:
        self.get_topic_name = partial(str, name)


TOPICS = {name: Named(name) for name in (OUT, SHARED)}


class Effects:
    """The agents of one process."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.rng = process.world.rng

    def handlers(self) -> list[tuple[str, Callable[[Event], Any], int]]:
        """Return each agent's topic, handler and concurrency.

        Faust allows no concurrency for agents that change tables.
        """
        return [(IN, self.spread, self.process.world.plan.concurrency), (MID, self.count, 1), (SIDE, self.side, 1)]

    async def _dawdle(self) -> None:
        """Take some time: mostly none, rarely longer than a rebalance waits."""
        chance, plan = self.rng.random(), self.process.world.plan
        if chance < plan.slow_events:
            await asyncio.sleep(self.rng.uniform(0.001, 0.05))
        elif chance < plan.slow_events + plan.stuck_events and self.process.world.faulty:
            await asyncio.sleep(self.rng.uniform(0.5, plan.rebalance_s * 1.5))

    async def spread(self, event: Event) -> None:
        """Send an input's outputs from `in` to `mid`."""
        await self._dawdle()
        for key, value in outputs_of(int(event.message.value), self.process.world.plan.keys):
            await self.process.producer.send(MID, key, value, None, 0.0, None)
            await self._dawdle()

    async def count(self, event: Event) -> None:
        """Count a `mid` event in the table and send to `out`, with no await between reading a row and writing it."""
        await self._dawdle()
        message = event.message
        number = int(self.process.store._get(message.key) or b"0") + 1
        self._put(event, message.key, b"%d" % number)
        if writes_last(message.value):
            self._put(event, b"last-" + message.key, message.value)
        if self.process.world.plan.resized:
            self._put(event, TOTAL, b"%d" % (int(self.process.store._get(TOTAL) or b"0") + 1))
        partition = out_partition(message.partition, self.process.world.plan)
        self._send(event, OUT, message.key, b"%d:%s" % (number, message.value), partition)
        await self._dawdle()
        self._share(event)
        await self._dawdle()

    async def side(self, event: Event) -> None:
        """Write a row that the other agent writes too; later write one derived from the other agent's row."""
        await self._dawdle()
        self._share(event)
        await self._dawdle()
        if self.rng.random() < self.process.world.plan.failing_events and self._may_fail(event):
            raise TransientError("a bad day")
        self._put(event, b"seen-" + event.message.key, self.process.store._get(event.message.key) or b"0")
        await self._dawdle()

    def _may_fail(self, event: Event) -> bool:
        # Stop failing after three attempts, so that the event does not become a dead letter.
        return self.process.driver.failures.attempts.get((event.message.tp, event.message.offset), 0) < 3

    def _share(self, event: Event) -> None:
        message = event.message
        number = int(self.process.store._get(b"sum-" + message.key) or b"0") + 1
        self._put(event, b"sum-" + message.key, b"%d" % number)
        self._send(event, SHARED, message.key, b"%d:%s" % (number, message.value), message.partition)

    def _put(self, event: Event, key: bytes, value: bytes) -> None:
        # Write as a table does: the changelog record first, then the store, by the fast path or Faust's own table.
        if self.process.world.plan.direct_queues:
            current: Any = current_event()  # The event is a batch's, if the agent takes batches.
            self.process.producer.change(CHANGELOG, ((key, value),), current.message)
            self.process.store.change(((key, value),), current.message)
        else:
            self._enqueue(CHANGELOG, key, value, event.message.partition)
            self.process.store._set(key, value)

    def _send(self, event: Event, topic: str, key: bytes, value: bytes, partition: int) -> None:
        batch = self.process.batches.get(event.message.topic)
        if batch is None:
            self._enqueue(topic, key, value, partition)
        else:
            batch.send(TOPICS[topic], key=key, value=value, timestamp_ms=0, partition=partition)

    def _enqueue(self, topic: str, key: bytes, value: bytes, partition: int) -> None:
        self.process.driver.writes.enqueue(topic, key, value, partition, 0.0, None, lambda _offset, _error: None)

    async def outside(self) -> None:
        """Send messages outside of any event, as a timer would."""
        for number in range(self.process.world.plan.outside_messages):
            await asyncio.sleep(self.rng.uniform(0.02, 0.6))
            if self.process.should_stop:
                return
            value = b"%s#%d" % (self.process.member.encode(), number)
            self.process.sent_outside.append(value)
            await self.process.producer.send(OUTSIDE, self.process.world.plan.keys[0], value, None, 0.0, None)
            # A caller that waits for a flush may be cancelled, as when a rebalance overtakes a recovery in Faust.
            with suppress(TimeoutError, LogUnavailableError):
                await asyncio.wait_for(self.process.producer.flush(), self.rng.choice((0.0004, 0.01)))


Content = dict[str, list[list[tuple[bytes, bytes | None]]]]
"""By topic and partition, the keys and values in order."""

Records = list[tuple[bytes, bytes | None]]


def check_content(content: Content, sent: Content, plan: Plan) -> Iterable[str]:
    """Return the errors in the final content of all topics: each input must have one effect, in order.

    `sent` holds what agents sent to `mid` and, by the partition of its cause, to `out`, as their own brokers have it.
    An event that is processed again after a failure comes after later ones, so its effects are counted, not compared.
    A partition that was divided and its children are compared together: its own records are older.
    """
    yield from _check_mid(content, sent, plan.keys, ordered=plan.concurrency == 1)
    for first in range(plan.partitions):
        family = range(first, plan.places, plan.partitions)

        def all_of(topic: list[Records], family: range = family) -> Records:
            return [record for p in family for record in topic[p]]

        records, outs_sent = all_of(content[MID]), all_of(sent[OUT])
        found = {key: value for p in family for key, value in fold(content[CHANGELOG][p]).items() if key != TOTAL}
        yield from _check_numbers(OUT, outs_sent, records, found, b"")
        both = records + all_of(content[SIDE])
        yield from _check_numbers(SHARED, all_of(content[SHARED]), both, found, b"sum-")
        if plan.failing_events:
            continue
        rows, outs = fold_mid(records)
        own = {key: value for key, value in found.items() if not key.startswith((b"sum-", b"seen-"))}
        if outs_sent != outs:
            yield f"out of partition {first} is {outs_sent}, expected {outs}"
        if own != rows:
            yield f"table partition {first} is {own}, expected {rows}"
    for value, times in Counter(value for records in sent[OUTSIDE] for _, value in records).items():
        if times > 1:
            yield f"message {value!r}, sent outside of any event, was written {times} times"


def _check_numbers(
    topic: str, written: Records, inputs: Records, rows: dict[bytes, bytes], prefix: bytes
) -> Iterable[str]:
    """Check a row that counts inputs by key: the values written must be 1, 2, 3 and so on, one for each input."""
    for key in sorted({key for key, _ in (*written, *inputs)}):
        expected = Counter(value for k, value in inputs if k == key)
        steps = [(value or b"").partition(b":") for k, value in written if k == key]
        if [number for number, _, _ in steps] != [b"%d" % (i + 1) for i in range(expected.total())]:
            yield f"{topic} has the steps {steps} for key {key!r}, expected 1 to {expected.total()}"
        if Counter(value for _, _, value in steps) != expected:
            yield f"{topic} has {steps} for key {key!r}, expected {expected}"
        if int(rows.get(prefix + key, b"0")) != expected.total():
            yield f"row {prefix + key!r} is {rows.get(prefix + key)!r}, expected {expected.total()}"


def _check_mid(content: Content, sent: Content, keys: Sequence[bytes], *, ordered: bool) -> Iterable[str]:
    inputs = [int(value or b"") for records in content[IN] for _, value in records]
    expected = Counter(output for number in inputs for output in outputs_of(number, keys))
    found = Counter((key, value) for records in sent[MID] for key, value in records)
    for output in expected.keys() | found.keys():
        if expected[output] != found[output]:  # type: ignore[index]
            yield f"output {output} is there {found[output]} times, expected {expected[output]}"  # type: ignore[index]
    if not ordered:
        return
    place = {value: (p, i) for p, records in enumerate(content[IN]) for i, (_, value) in enumerate(records)}
    latest: dict[tuple[int, bytes], tuple[int, bytes]] = {}
    for records in sent[MID]:
        for key, value in records:
            source, _, index = (value or b"").partition(b".")
            if source not in place:
                continue  # The effect has no cause; an earlier check reports it.
            partition, order = place[source]
            step = (order, index)
            if step < latest.get((partition, key), (-1, b"")):
                yield f"output {value!r} of key {key!r} comes after a later one"
            latest[partition, key] = step


def fold(records: list[tuple[bytes, bytes | None]]) -> dict[bytes, bytes]:
    """Return the last value of each key."""
    rows: dict[bytes, bytes] = {}
    for key, value in records:
        if value is None:
            rows.pop(key, None)
        else:
            rows[key] = value
    return rows


def fold_mid(records: list[tuple[bytes, bytes | None]]) -> tuple[dict[bytes, bytes], list[tuple[bytes, bytes]]]:
    """Return the rows and outputs that the second agent must make of one partition, from its input alone."""
    rows: dict[bytes, bytes] = {}
    outs = []
    for key, value in records:
        assert value is not None
        number = int(rows.get(key, b"0")) + 1
        rows[key] = b"%d" % number
        if writes_last(value):
            rows[b"last-" + key] = value
        outs.append((key, b"%d:%s" % (number, value)))
    return rows, outs
