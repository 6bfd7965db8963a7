"""Speak to the broker of one namespace, or of one shard of it: run commands and scripts, and claim the namespace."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Sequence
from typing import Any, Self

from faust_redis.log import codec
from faust_redis.log.address import NAMESPACE
from faust_redis.log.claims import claim_namespace, claim_shard
from faust_redis.log.connection import answer, connect
from faust_redis.log.keys import Keys
from faust_redis.log.scripts import Script
from faust_redis.log.shards import WHOLE, Shard
from faust_redis.log.suitability import check_server

CHECK_INTERVAL_S = 5.0
"""How long a client that writes relies on its last check of the broker."""


class Connected:
    """The connections of a client to its broker.

    Attributes:
        owner: The application that the namespace belongs to; `check` refuses another one. Empty to share it.
        shard: Which of the namespace's shards this one is. The others' partitions are not here.
    """

    shard: Shard = WHOLE
    _check_due_s = math.inf
    """The event loop's time at which a commit checks the broker again; never before the first `check`."""

    def __init__(self, url: str, namespace: str = NAMESPACE, *, owner: str = "", shard: Shard = WHOLE) -> None:
        self.url = url
        self.owner = owner
        self.shard = shard
        self.base = namespace
        self.keys = Keys(shard.namespace(namespace))
        self.redis = connect(url, self.keys.prefix)

    async def __aenter__(self) -> Self:
        try:
            await self.check()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def check(self) -> None:
        """Refuse a broker that is too old or may evict records, and a namespace of another application.

        Raises:
            BrokerUnsuitableError: the message says what to change.
            NamespaceTakenError: another application was first to use the namespace.
            ShardMismatchError: the namespace is divided in another way.
        """
        await self._call(check_server(self.redis))
        await self._call(claim_shard(self.redis, self.base, self.shard, self.url))
        if self.owner:
            await self._call(claim_namespace(self.redis, self.keys, self.owner))
        self._check_due_s = asyncio.get_running_loop().time() + CHECK_INTERVAL_S

    def check_before_writing(self) -> None:
        """Let the first write check the broker, which may be away now."""
        self._check_due_s = -math.inf

    async def check_again(self) -> None:
        """Check the broker when the last check is some seconds old."""
        if asyncio.get_running_loop().time() >= self._check_due_s:
            await self.check()

    async def close(self) -> None:
        """Close all connections."""
        await self.redis.aclose()

    async def run(self, script: Script, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """Run a server-side script by its digest, loading it when the server does not know it."""
        with codec.foreign_key_named():
            return await self._call(script.run(self.redis, keys, args))

    async def at_once(self, *commands: Sequence[Any]) -> list[Any]:
        """Run commands in one MULTI/EXEC, so that all of them see the same state; return their replies."""
        pipe = self.redis.pipeline(transaction=True)
        for command in commands:
            pipe.execute_command(*command)
        with codec.foreign_key_named():
            return list(await self._call(pipe.execute()))

    async def _ask(self, command: str, key: str, *args: Any) -> Any:
        """Run a command on one key.

        Raises:
            ForeignKeyError: the key holds a value of another type.
        """
        with codec.foreign_key_named(key):
            return await self._call(self.redis.execute_command(command, key, *args))

    async def _call(self, awaitable: Awaitable[Any]) -> Any:
        return await answer(awaitable, self.url)
