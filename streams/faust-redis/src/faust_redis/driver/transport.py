"""The transport: what Faust selects by URL scheme. Owns the log's client and what consumer and producer share."""

from __future__ import annotations

import asyncio
import secrets
import time
import uuid
from collections.abc import Container, Mapping
from functools import cached_property
from typing import Any, ClassVar, cast

import redis
from faust.transport import base
from faust.transport.conductor import Conductor as BaseConductor
from faust.types import TP, AppT
from yarl import URL

from faust_redis.driver.committer import Committer
from faust_redis.driver.consumer import Consumer
from faust_redis.driver.failures import Failures
from faust_redis.driver.limits import RESUBSCRIBE_S, RETENTION_MS, TAIL_MS, WRITER_BYTES
from faust_redis.driver.memory import MemoryTables
from faust_redis.driver.producer import Producer
from faust_redis.driver.restore import Restorer
from faust_redis.driver.retry import retry_while_unavailable
from faust_redis.driver.stores import CommittedStore
from faust_redis.driver.stream import use_stream
from faust_redis.driver.transactions import TransactionManager
from faust_redis.driver.windows import Windows
from faust_redis.log import Log, TopicInfo, TopicMismatchError, TopicSpec, UnknownTopicError
from faust_redis.log.address import NAMESPACE, split_options
from faust_redis.log.partitioner import partition_for
from faust_redis.log.records import Cleanup


class Conductor(BaseConductor):
    """Faust's conductor; a changed subscription waits for others, but not for 45 s; what cannot be decoded is kept."""

    _resubscribe_sleep_lock_seconds = RESUBSCRIBE_S

    def add(self, topic: Any) -> None:
        """Register a topic's channel."""
        transport = cast("Transport", self.app.transport)
        if topic.acks and not self.app.client_only:
            transport.failures.watch(topic)
        super().add(topic)


class Transport(base.Transport):
    """Faust transport over Redis Streams.

    The broker URL is a Redis URL, ``redis://host:port/db``, ``rediss://…`` or ``unix:///path``. Its query may name
    the key namespace and the topic of dead letters: ``?namespace=shop&dead_letters=shop-failed``.
    """

    Consumer: ClassVar[Any] = Consumer
    Producer: ClassVar[Any] = Producer
    TransactionManager: ClassVar[Any] = TransactionManager
    Conductor: ClassVar[Any] = Conductor
    default_port: ClassVar[int] = 6379
    driver_version = f"redis-py={redis.__version__}"

    def __init__(self, url: list[URL], app: AppT, loop: asyncio.AbstractEventLoop | None = None) -> None:
        super().__init__(url, app, loop)
        self.member = f"{app.conf.broker_client_id}-{uuid.uuid4().hex[:12]}"
        self._opened = False
        self._stores: dict[str, CommittedStore] | None = None
        self.failures = Failures(self)
        self.windows = Windows(self)
        self.memory = MemoryTables(self)
        self.restorer = Restorer(self)
        use_stream(self)

    @property
    def group(self) -> str:
        """The consumer group: the application's id."""
        return self.app.conf.id

    @cached_property
    def broker(self) -> Log:
        """The log's client."""
        url, options = split_options(str(self.url[0]))
        return Log(url, options.get("namespace", NAMESPACE))

    @cached_property
    def dead_letters(self) -> str:
        """The topic of messages that could not be processed."""
        return split_options(str(self.url[0]))[1].get("dead_letters", f"{self.group}-dead-letters")

    @cached_property
    def committer(self) -> Committer:
        """Where outputs, changelog and offsets meet."""
        return Committer(self)

    async def open(self) -> None:
        """Wait until the broker answers and is fit to carry the log.

        Raises:
            BrokerUnsuitableError: when it is too old or may evict records.
        """
        if not self._opened:
            await retry_while_unavailable(self.broker.check, "start")
            self._opened = True

    async def close(self) -> None:
        """Close the log's connections."""
        if self._opened:
            self._opened = False
            await self.broker.close()

    # --- topics -------------------------------------------------------------------------------------------------------

    async def ensure_topic(self, name: str, partitions: int | None = None, **policy: Any) -> TopicInfo:
        """The topic; created with the app's default partition count when it does not exist and the app may declare.

        Raises:
            UnknownTopicError: it does not exist and `topic_allow_declare` is off.
            TopicMismatchError: `partitions` was given and it exists with another count.
        """
        known = self.broker.known_topic(name)
        if known is not None and partitions is None:
            return known
        await self.open()
        try:
            info = await retry_while_unavailable(lambda: self.broker.topic(name), "look-up of a topic")
        except UnknownTopicError:
            if not self.app.conf.topic_allow_declare:
                raise
            spec = self._spec(name, partitions or self.app.conf.topic_partitions, **policy)
            return await retry_while_unavailable(lambda: self.broker.create_topic(spec), "creation of a topic")
        if partitions is not None and info.spec.partitions != partitions:
            raise TopicMismatchError(
                f"topic {name!r} has {info.spec.partitions} partitions, {partitions} were declared; "
                "a partition count never changes: declare the existing one or use another topic name"
            )
        return info

    def _spec(self, name: str, partitions: int, cleanup: Cleanup = "delete", retention_ms: int = 0) -> TopicSpec:
        """A topic as it is declared, with how long its records are kept where that is not said.

        Records of a changelog with a snapshot may go soon. Whoever reads another compacted topic, or the changelog of a
        Set table or a global table, needs every record that stands.
        """
        table = cast("Any", self.app.tables)._changelogs.get(name)
        if table is not None:
            retention_ms = TAIL_MS if cleanup != "delete" and not table.is_global else 0
        elif cleanup != "compact":
            retention_ms = retention_ms or RETENTION_MS
        return TopicSpec(name, partitions, cleanup, retention_ms=retention_ms)

    def now_ms(self) -> int:
        """The time, for records that are not an event's."""
        return int(time.time() * 1000)

    def new_writer(self) -> bytes:
        """A name under which to write changelogs, that nobody ever had; see `Checkpoint`."""
        return secrets.token_bytes(WRITER_BYTES)

    def incarnation(self, topic: str) -> str:
        """The incarnation id of a topic seen before; empty when it is not known."""
        info = self.broker.known_topic(topic)
        return info.incarnation if info else ""

    def partition_count(self, topic: str) -> int | None:
        """Partitions of a topic seen before; None when it is not known."""
        info = self.broker.known_topic(topic)
        return info.spec.partitions if info else None

    def partition(self, topic: str, key: bytes | None) -> int:
        """The partition of a key.

        Raises:
            UnknownTopicError: when the topic is not known yet.
        """
        count = self.partition_count(topic)
        if count is None:
            raise UnknownTopicError(f"topic {topic!r} is not known yet; declare it or send to it first")
        return partition_for(key, count)

    def holds(self, tp: TP) -> bool:
        """Whether this member was assigned a partition."""
        return tp in cast("Consumer", self.app.consumer).held

    def changelogs(self) -> Container[str]:
        """Names of the changelog topics of the app's tables."""
        return cast("Container[str]", self.app.tables.changelog_topics)

    def changelog_stores(self) -> Mapping[str, CommittedStore]:
        """By changelog topic, the table stores that keep uncommitted writes apart."""
        if self._stores is None:
            # Tables are fixed once the worker has started, so this is looked up once.
            tables = cast("Any", self.app.tables)
            found = {table.changelog_topic.get_topic_name(): table.data for table in tables.values()}
            self._stores = {topic: store for topic, store in found.items() if isinstance(store, CommittedStore)}
        return self._stores

    def on_committed(self, offsets: Mapping[TP, int]) -> None:
        """Tell the monitor and Faust's own bookkeeping what was committed."""
        if offsets:
            consumer = cast("Consumer", self.app.consumer)
            consumer.note_committed(offsets)
