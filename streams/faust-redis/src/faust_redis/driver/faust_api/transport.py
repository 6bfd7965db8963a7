"""Provide the transport that Faust selects by URL scheme. It parses the URL, opens the log, and owns the driver."""

from __future__ import annotations

import asyncio
import uuid
from functools import cached_property
from typing import Any, ClassVar, cast

import redis
from faust.agents.models import ReqRepResponse
from faust.exceptions import ImproperlyConfigured
from faust.transport import base
from faust.transport.conductor import Conductor as BaseConductor
from faust.types import AppT
from yarl import URL

from faust_redis.archive.tiered import client_of
from faust_redis.driver.faust_api.composition import Driver, compose
from faust_redis.driver.faust_api.consumer import Consumer
from faust_redis.driver.faust_api.producer import Producer
from faust_redis.driver.faust_api.stream import use_stream
from faust_redis.driver.faust_api.transactions import TransactionManager
from faust_redis.driver.limits import RESUBSCRIBE_S
from faust_redis.driver.retry import retry_while_unavailable
from faust_redis.log import Log
from faust_redis.log.address import NAMESPACE, split_options
from faust_redis.log.shards import shards_of


class Conductor(BaseConductor):
    """Faust's conductor, with a shorter wait for further subscription changes than Faust's 45 s.

    A message that a topic cannot decode becomes a dead letter.
    """

    _resubscribe_sleep_lock_seconds = RESUBSCRIBE_S

    def add(self, topic: Any) -> None:
        """Register a topic's channel.

        Faust registers a reply topic, and then a copy of it that it reads. Nothing would read the first, so its queue
        would fill up and the group's offset would never advance. As an iterator, the first is read itself.
        """
        if topic.value_type is ReqRepResponse:
            topic.is_iterator = True
        if topic.acks and not self.app.client_only:
            cast("Transport", self.app.transport).driver.failures.watch(topic)
        super().add(topic)


class Transport(base.Transport):
    """Faust transport over Redis Streams.

    The broker URL is a Redis URL, ``redis://host:port/db``, ``rediss://…`` or ``unix:///path``. Its query may name
    the key namespace, the topic of dead letters and the archive:
    ``?namespace=shop&dead_letters=shop-dead-letters&archive=file:///var/lib/archive``.

    A list of URLs names the shards of a namespace. Each app serves one of them: ``?shard=1`` on the first URL.
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
        use_stream(app)

    @cached_property
    def broker(self) -> Log:
        """Return the log's client: of this worker's shard, when the URL names several brokers.

        Raises:
            ImproperlyConfigured: the URLs name several brokers, and not which of them this worker serves.
        """
        number = self._options.get("shard", "" if len(self.url) > 1 else "0")
        if not number.isdecimal() or int(number) >= len(self.url):
            raise ImproperlyConfigured(
                f"expected ?shard=0 to ?shard={len(self.url) - 1} on the first of {len(self.url)} broker URLs, "
                f"got {number or 'none'}: each app serves one shard"
            )
        log = self._shard(int(number))
        log.keeps_partitions = True
        return log

    @cached_property
    def others(self) -> dict[int, Log]:
        """Return the clients of the other shards."""
        own = self.broker.shard.number
        others = {number: self._shard(number) for number in range(len(self.url)) if number != own}
        for log in others.values():
            log.check_before_writing()
        return others

    def _shard(self, number: int) -> Log:
        url, _ = split_options(str(self.url[number]))
        namespace, group = self._options.get("namespace", NAMESPACE), self.app.conf.id
        client = client_of(self._options.get("archive"))
        shard = shards_of([split_options(str(each))[0] for each in self.url])[number]
        return client(url, namespace, shard=shard, transit=group)

    @cached_property
    def _options(self) -> dict[str, str]:
        return split_options(str(self.url[0]))[1]

    @cached_property
    def dead_letters(self) -> str:
        """Return the name of the dead-letter topic."""
        return self._options.get("dead_letters", f"{self.app.conf.id}-dead-letters")

    @cached_property
    def driver(self) -> Driver:
        """Return the driver of this worker."""
        return compose(self.app, self.broker, self.member, self.dead_letters, self.open, others=self.others)

    async def open(self) -> None:
        """Wait until the broker answers, and check that it can carry the log.

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
            for log in (self.broker, *self.others.values()):
                await log.close()
