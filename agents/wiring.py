"""Wire a domain to Faust: one batch agent for each consumed topic, and a topic for each event class sent.

`wire` binds a domain's handlers to a Faust app as the domain's declaration (`tables.<domain>.DOMAIN`) says.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Protocol, TypeAlias

import faust
from faust.types import TopicT
from faust_redis.batches import Batch, batch_agent
from faust_redis.log.partitioner import partition_for

from streams.events import AnyEvent, EventData
from streams.events.base import CATALOGUE
from streams.events.recent import Recent
from streams.events.wanted import Wanted
from streams.handling import BATCH
from streams.times import MILLISECOND_US
from streams.topology import Domain
from tables.unit_of_work import UnitOfWork

Handler = Callable[[AnyEvent], list[AnyEvent]]
"""Handle one event: write rows and return the events that follow."""

Decode = Callable[[bytes | None], AnyEvent]
Encode = Callable[[AnyEvent], bytes]

Outputs = Mapping[str, Any]
"""The topics that a domain produces, by name."""

COMMIT_US_MAX = 10_000
"""How long the commit of a batch may block the server, in microseconds. Larger batches write fewer rows a fill, but the
API waits while the server is blocked (docs/decisions/0012-batches-learn-what-they-cost.md)."""


BATCH_RECORDS_MAX = 1_000
"""Most records in a batch. A thousand instead of 500 saved 6 % of the worker's time and 16 % of the broker's. The other
tasks of a domain wait meanwhile, for some 50 ms."""

FETCH_WAIT_MS = 100
"""How long the events of a domain's unhurried topics may wait for others."""

KEYS_CACHED = 65_536
"""Keys whose partition a topic's agent remembers, as most events of a batch have few keys."""


class WiringError(TypeError):
    """A domain's handlers and its declaration contradict each other."""


@dataclass(frozen=True, slots=True)
class Each:
    """A handler of one event that needs events of some classes only."""

    handle: Handler
    classes: Collection[type[EventData]]

    def __call__(self, event: AnyEvent) -> list[AnyEvent]:
        """Handle an event."""
        return self.handle(event)


@dataclass(frozen=True, slots=True)
class Together:
    """A handler that takes all events of a batch, and returns the events that follow, in the order of their causes.

    Attributes:
        classes: The classes of the events that it needs; None for all.
    """

    handle: Callable[[Sequence[AnyEvent]], list[AnyEvent]]
    classes: Collection[type[EventData]] | None = None


@dataclass(frozen=True, slots=True)
class Broadcast:
    """Replaces a handler: copy each event of a topic unchanged to every partition of another topic."""

    topic: str


AnyHandler: TypeAlias = Handler | Each | Together | Broadcast
"""What a domain does with the events of a topic. A plain function handles each event, of any class."""


@dataclass(frozen=True, slots=True)
class Handlers:
    """The handlers of a domain for each topic that it consumes, and the tables that they share."""

    tables: UnitOfWork
    by_topic: Mapping[str, AnyHandler]


class Messages(Protocol):
    """The part of a batch that a handler needs: its values, and sending with its commit."""

    @property
    def values(self) -> Sequence[bytes | None]:
        """Return the bytes of the events."""

    def send(self, topic: Any, *, key: bytes, value: bytes, timestamp_ms: int, partition: int) -> None:
        """Append a record with the commit of the batch."""


class Observer(Protocol):
    """Observes the batches of a domain."""

    def handled(self, events: Sequence[AnyEvent], effects: Sequence[AnyEvent]) -> None:
        """Observe that the batch of this task was handled, and what follows from it. It is not committed yet."""


BatchHandler = Callable[[Messages], None]
"""Handle one batch of a topic."""


def wire(
    app: faust.App,
    domain: Domain,
    tables: UnitOfWork,
    codec: Recent,
    handlers: Mapping[str, AnyHandler],
    *,
    observer: Observer | None = None,
) -> None:
    """Add an agent for each topic that a domain consumes.

    The app's `topic_partitions` is the partition count of every topic and table.

    Args:
        app: The domain's Faust app. Its store must keep partitions apart: several tables use one key in each partition.
        domain: The domain's declaration.
        tables: The domain's tables.
        codec: Encodes and decodes events.
        handlers: For each consumed topic a handler of one event, a handler of a batch's events, or a broadcast.
        observer: Observes each batch but those that are broadcast.

    Raises:
        WiringError: when the handlers are not for exactly the topics that the domain consumes.
    """
    if handlers.keys() != set(domain.consumes):
        raise WiringError(f"{domain.name} consumes {sorted(domain.consumes)}, its handlers are for {sorted(handlers)}")
    channels = {name: raw_topic(app, name) for name in dict.fromkeys((*domain.consumes, *domain.produces))}
    outputs = {name: channels[name] for name in domain.produces}
    from_clients = {model.topic for model in domain.commands}
    for topic, handler in handlers.items():
        needs = None
        if isinstance(handler, Broadcast):
            handle = _copying(app, domain, handler, codec, outputs)
        else:
            classes = handler.classes if isinstance(handler, Each | Together) else None
            decode = codec.decode
            if topic in from_clients:
                decode = codec.decode_from_client
            else:
                codec.expect(classes_of(topic) if classes is None else classes)
            handle = partial(
                handle_batch,
                handle=handler,
                tables=tables,
                decode=decode,
                encode=codec.encode,
                outputs=outputs,
                partition_of=partitioner(app.conf.topic_partitions),
                observer=observer,
            )
            if classes is not None and observer is None:
                needs = Wanted(classes)
        wait_ms = FETCH_WAIT_MS if topic in domain.unhurried else 0
        _consume(app, channels[topic], agent_name(topic), handle, needs=needs, wait_ms=wait_ms)


def classes_of(topic: str) -> list[type[EventData]]:
    """Return the classes of the events of a topic."""
    return [model for model in CATALOGUE.values() if model.topic == topic]


def agent_name(topic: str) -> str:
    """Return the name of the agent of a topic: ``trading-commands`` for ``astra.trading.commands.v1``."""
    return "-".join(topic.split(".")[1:-1])


def raw_topic(app: faust.App, name: str) -> TopicT:
    """Return a topic of raw bytes with the app's number of partitions."""
    return app.topic(
        name,
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
        partitions=app.conf.topic_partitions,
        allow_empty=True,
    )


def _copying(app: faust.App, domain: Domain, handler: Broadcast, codec: Recent, outputs: Outputs) -> BatchHandler:
    if handler.topic not in domain.broadcasts:
        raise WiringError(f"{domain.name} does not declare {handler.topic} as a topic that it broadcasts")
    return partial(broadcast, codec=codec, out=outputs[handler.topic], partitions=app.conf.topic_partitions)


def _consume(
    app: faust.App, topic: TopicT, name: str, handle: BatchHandler, *, needs: Wanted | None, wait_ms: int
) -> None:
    async def agent(batch: Batch[bytes | None]) -> None:
        BATCH.set(batch)  # stays after an error, since the driver logs what becomes of the batch in this task
        handle(batch)
        BATCH.set(None)

    batch_agent(
        app,
        topic,
        name=name,
        records_max=BATCH_RECORDS_MAX,
        commit_us_max=COMMIT_US_MAX,
        fetch_wait_ms=wait_ms,
        needs=needs,
    )(agent)


def handle_batch(
    batch: Messages,
    *,
    handle: Handler | Each | Together,
    tables: UnitOfWork,
    decode: Decode,
    encode: Encode,
    outputs: Outputs,
    partition_of: Callable[[str], int],
    observer: Observer | None = None,
) -> None:
    """Decode and handle each record. Send resulting events to the topic of their class, by their key.

    Each step runs over the whole batch, so that its code stays in the processor's cache. The batch writes the tables'
    rows once, at the end. When a record cannot be decoded or handled, this function raises and writes nothing. The
    driver then splits the batch and delivers its records one by one. The record that fails becomes a dead letter.
    """
    events = [decode(value) for value in batch.values]
    with tables.batch():
        if isinstance(handle, Together):
            effects = handle.handle(events)
        else:
            effects = [effect for event in events for effect in handle(event)]
        for effect in effects:
            topic = effect.data.topic
            if topic not in outputs:
                raise WiringError(f"{effect.type} belongs to {topic}, which this domain does not produce")
            send(batch, outputs[topic], effect, encode, partition_of(effect.partitionkey))
    if observer is not None:
        observer.handled(events, effects)


def partitioner(partitions: int) -> Callable[[str], int]:
    """Return a function from an event's key to its partition. It remembers the keys of the last events."""

    @lru_cache(KEYS_CACHED)
    def partition_of(key: str) -> int:
        return partition_for(key.encode(), partitions)

    return partition_of


def send(batch: Messages, out: Any, event: AnyEvent, encode: Encode, partition: int) -> None:
    """Append an event to a partition, under its key and at its event time."""
    batch.send(
        out,
        key=event.partitionkey.encode(),
        value=encode(event),
        partition=partition,
        timestamp_ms=event.time // MILLISECOND_US,
    )


def broadcast(batch: Messages, *, codec: Recent, out: Any, partitions: int) -> None:
    """Copy each event unchanged to every partition of `out`."""
    for value in batch.values:
        event = codec.decode(value)
        for partition in range(partitions):
            send(batch, out, event, codec.encode, partition)
