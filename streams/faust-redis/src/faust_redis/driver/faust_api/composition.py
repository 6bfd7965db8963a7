"""Compose the driver of one worker: build its parts and pass each part its dependencies.

No part depends on the transport. A part that needs Faust's consumer gets a function that returns the consumer under a
narrow protocol, because Faust creates the consumer later.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol, cast

from faust.types import TP

from faust_redis.append_order import consumes_in_append_order
from faust_redis.driver.broker import Broker
from faust_redis.driver.commit.commit_loop import CommitLoop
from faust_redis.driver.commit.committer import CommitLimits, Committer
from faust_redis.driver.commit.costs import WriteCosts
from faust_redis.driver.commit.dependencies import Dependencies
from faust_redis.driver.commit.offset_tracker import OffsetTracker
from faust_redis.driver.commit.row_writes import Clock, RowWrites
from faust_redis.driver.delivery.direct_queues import DirectQueues
from faust_redis.driver.delivery.fetch_state import FetchState
from faust_redis.driver.delivery.fetch_waits import FetchWaits, waits_of
from faust_redis.driver.delivery.fetcher import Fetcher
from faust_redis.driver.delivery.flow import Flow
from faust_redis.driver.delivery.hand_over import FastPath, HandOver
from faust_redis.driver.delivery.in_flight import InFlight
from faust_redis.driver.delivery.seeker import Seeker
from faust_redis.driver.delivery.turns import Turns
from faust_redis.driver.event_tasks import EventTasks
from faust_redis.driver.failures.failures import DeadLetterTopic, Failures
from faust_redis.driver.failures.redelivery import Redelivery
from faust_redis.driver.groups.fencing import Fencing
from faust_redis.driver.groups.forwarding import Forwarding
from faust_redis.driver.groups.membership import Membership
from faust_redis.driver.groups.ownership import Ownership
from faust_redis.driver.groups.ports import RebalanceListener, Standby
from faust_redis.driver.groups.retention import Retention
from faust_redis.driver.limits import WRITER_BYTES
from faust_redis.driver.sending.asks import Asks
from faust_redis.driver.sending.event_writes import EventWrites
from faust_redis.driver.sending.waits import Waits
from faust_redis.driver.state.memory import MemoryTables
from faust_redis.driver.state.plain import plain_tables
from faust_redis.driver.state.restore import Restorer
from faust_redis.driver.state.standby import Standbys
from faust_redis.driver.state.table_stores import TableStores
from faust_redis.driver.state.windows import Windows
from faust_redis.driver.telemetry import Telemetry
from faust_redis.driver.topics import Topics
from faust_redis.hooks import HookList, hooks_of
from faust_redis.labels import labels_of
from faust_redis.log import DamagedPartitionError
from faust_redis.log.forwarding import Target


class Consumer(Flow, RebalanceListener, Protocol):
    """Faust's consumer, as the driver's parts use it. Each part has its own protocol."""

    def on_buffer_full(self, tp: Any) -> None:
        """Note that an agent's queue is full."""

    def on_buffer_drop(self, tp: Any) -> None:
        """Note that an agent's queue has room again."""


def machine_clock() -> Clock:
    """Return the machine's clock and randomness."""
    return Clock(lambda: int(time.time() * 1000), lambda: secrets.token_bytes(WRITER_BYTES))


@dataclass(frozen=True, slots=True)
class Environment:
    """The parts that a simulation replaces.

    Attributes:
        clock: The wall clock, and names of writers.
        limits: How much one commit may be.
        fast_path: Finds direct queues; None for the driver's own.
        standbys: Follows standby partitions; None for the driver's own.
    """

    clock: Clock
    limits: CommitLimits = field(default_factory=CommitLimits)
    fast_path: FastPath | None = None
    standbys: Standby | None = None


@dataclass(frozen=True, slots=True)
class Driver:
    """The parts of one worker's driver."""

    broker: Broker
    group: str
    topics: Topics
    tables: TableStores
    memory: MemoryTables
    windows: Windows
    restorer: Restorer
    telemetry: Telemetry
    tracker: OffsetTracker
    dependencies: Dependencies
    in_flight: InFlight
    committer: Committer
    commit_loop: CommitLoop
    ownership: Ownership
    fencing: Fencing
    membership: Membership
    retention: Retention
    forwarding: Forwarding
    fetch_state: FetchState
    seeker: Seeker
    hand_over: HandOver
    fetcher: Fetcher
    redelivery: Redelivery
    failures: Failures
    writes: EventWrites
    waits: Waits
    hooks: HookList

    def damages(self) -> dict[TP, DamagedPartitionError]:
        """Return the damaged partitions that keep this member from reading, writing or forwarding, with the errors."""
        refused = self.committer.refused.damaged.values()
        errors = [*self.fetch_state.damages(self.ownership.assigned), *refused, *self.forwarding.damages()]
        return {TP(error.topic, error.partition): error for error in errors}


def compose(
    app: Any,
    broker: Broker,
    member: str,
    dead_letters: str,
    opened: Callable[[], Any],
    environment: Environment | None = None,
    *,
    others: Mapping[int, Target] | None = None,
) -> Driver:
    """Build the driver of one worker.

    Args:
        app: Faust's app.
        broker: The broker's client.
        member: This member's id, unlike that of any other process.
        dead_letters: The topic of dead letters.
        opened: Makes an awaitable that is over when the broker has answered for the first time.
        environment: What a simulation replaces.
        others: The other shards of the namespace, by number.
    """
    world = environment or Environment(machine_clock())
    group: str = app.conf.id
    hooks = hooks_of(app)

    def consumer() -> Consumer:
        return cast("Consumer", app.consumer)

    def should_stop() -> bool:
        return consumer().should_stop

    @cache  # Faust looks a setting up in 2 us, and every fetch asks about each of its partitions.
    def is_reply_topic(topic: str) -> bool:
        return topic == app.conf.reply_to or topic.startswith(app.conf.reply_to_prefix)

    def on_full(tp: TP) -> None:
        telemetry.buffer_full(tp)
        consumer().on_buffer_full(tp)

    topics, tables, telemetry = Topics(app, broker, opened), TableStores(app), Telemetry(app)
    tracker, dependencies, fencing, ownership = OffsetTracker(is_reply_topic), Dependencies(), Fencing(), Ownership()
    tasks = EventTasks()
    in_flight = InFlight(app, tracker, dependencies, tasks)
    memory = MemoryTables(app, in_flight)
    committer = Committer(
        broker,
        f"{group}:{member}",
        costs=WriteCosts(broker.known_topic),
        rows=RowWrites(topics, tables, ownership, world.clock),
        tables=tables,
        memory=memory,
        tracker=tracker,
        dependencies=dependencies,
        fencing=fencing,
        hooks=hooks,
        limits=world.limits,
    )
    committer.on_committed(in_flight.note_committed)
    fetch_state = FetchState()
    fast_path = world.fast_path or DirectQueues(app, on_full, lambda tp: consumer().on_buffer_drop(tp))
    hand_over = HandOver(app, group, fetch_state, tracker, committer, consumer, telemetry, fast_path, in_flight)
    turns = Turns(
        fetch_state,
        tracker,
        dependencies,
        ownership,
        hand_over,
        is_ordered=lambda: consumes_in_append_order(app),
        is_reply_topic=is_reply_topic,
    )
    fetcher = Fetcher(
        broker,
        group,
        fetch_state,
        FetchWaits(lambda: waits_of(app)),
        ownership,
        hand_over,
        turns,
        consumer,
        fencing,
        tables,
        hooks,
        is_reply_topic,
    )
    redelivery = Redelivery(app, in_flight, tracker, ownership, consumer)

    def on_damaged_changelog(tp: TP, error: DamagedPartitionError) -> None:
        """Hold back the partitions whose events need the table, and keep Faust from reading its changelog."""
        app.tables.recovery.active_offsets[tp] = max(fetch_state.high_watermarks.get(tp, 0) - 1, 0)
        own_prefix = app.conf.reply_to_prefix
        needing = [
            source
            for source in sorted(ownership.assigned)
            if source.partition == tp.partition
            and not tables.is_changelog(source.topic)
            and not source.topic.startswith(own_prefix)
        ]
        fetcher.hold_back_writers(needing, error)

    restorer = Restorer(broker, tables.stores, lambda tps: plain_tables(app, tps), should_stop, on_damaged_changelog)
    standbys = world.standbys or Standbys(
        app,
        broker,
        topics,
        tables.stores,
        restorer_of_standbys(app, broker, tables),
        fetcher.hold_back,
    )
    membership = Membership(
        app,
        broker.groups,
        group,
        member,
        listener=consumer,
        generations=committer,
        fencing=fencing,
        topics=topics,
        shard=broker.shard,
        stores=tables.stores,
        restorer=restorer,
        standbys=standbys,
        hooks=hooks,
        labels=labels_of(app),
    )
    committer.on_unwritable(fetcher.hold_back_writers)
    committer.refused.on_refused(Asks(app).fail)
    letters = DeadLetterTopic(group, dead_letters, lambda: app.conf.topic_partitions)
    return Driver(
        broker=broker,
        group=group,
        topics=topics,
        tables=tables,
        memory=memory,
        windows=Windows(app, lambda: committer.fence is not None),
        restorer=restorer,
        telemetry=telemetry,
        tracker=tracker,
        dependencies=dependencies,
        in_flight=in_flight,
        committer=committer,
        commit_loop=CommitLoop(committer, tracker, in_flight, consumer, telemetry),
        ownership=ownership,
        fencing=fencing,
        membership=membership,
        retention=Retention(broker, membership, is_reply_topic),
        forwarding=Forwarding(broker, others or {}, group, membership),
        fetch_state=fetch_state,
        seeker=Seeker(
            broker,
            group,
            fetch_state,
            ownership,
            tracker,
            committer,
            fencing,
            tables,
            is_reply_topic=is_reply_topic,
            begins_at_end=lambda: str(app.conf.consumer_auto_offset_reset) == "latest",
            should_stop=should_stop,
        ),
        hand_over=hand_over,
        fetcher=fetcher,
        redelivery=redelivery,
        failures=Failures(app, committer, in_flight, redelivery, turns, topics, letters, consumer, hooks),
        writes=EventWrites(app, committer.pending, tracker, dependencies, topics),
        waits=Waits(dependencies, tasks),
        hooks=hooks,
    )


def restorer_of_standbys(app: Any, broker: Broker, tables: TableStores) -> Restorer:
    """Return a separate restorer for standbys, which restore after the worker's own tables."""
    return Restorer(broker, tables.stores, lambda tps: plain_tables(app, tps), lambda: app.consumer.should_stop)
