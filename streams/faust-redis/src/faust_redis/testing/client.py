"""Provide the client of a simulated network, with the parts of redis-py that `faust_redis.log.Log` needs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from faust_redis.log import Log, Shard
from faust_redis.log.shards import WHOLE
from faust_redis.testing.loop import ProcessLoop


class Carrier(Protocol):
    """Carry commands to the server."""

    @property
    def listeners(self) -> dict[str, Callable[[], None]]:
        """Return the calls to make when a group announces a change, by member."""

    def call(self, sender: str, loop: ProcessLoop, command: tuple[Any, ...]) -> asyncio.Future[Any]:
        """Send a command. The future gets the reply."""


class Client:
    """Implement the part of redis-py's interface that `faust_redis.log.Log` uses."""

    def __init__(self, network: Carrier, sender: str, loop: ProcessLoop) -> None:
        self.network = network
        self._sender, self._loop = sender, loop

    def execute_command(self, *command: Any) -> asyncio.Future[Any]:
        """Send one command. A process that crashed in the middle of a callback sends nothing."""
        if self._loop.dead:
            return self._loop.create_future()
        return self.network.call(self._sender, self._loop, command)

    def get(self, key: str) -> asyncio.Future[Any]:
        """Send GET."""
        return self.execute_command("GET", key)

    def exists(self, key: str) -> asyncio.Future[Any]:
        """Send EXISTS."""
        return self.execute_command("EXISTS", key)

    def set(self, key: str, value: str, *, nx: bool, get: bool) -> asyncio.Future[Any]:
        """Send SET with NX and GET."""
        return self.execute_command("SET", key, value, *(["NX"] if nx else []), *(["GET"] if get else []))

    def hmget(self, key: str, *fields: str) -> asyncio.Future[Any]:
        """Send HMGET."""
        return self.execute_command("HMGET", key, *fields)

    def hgetall(self, key: str) -> asyncio.Future[Any]:
        """Send HGETALL."""
        return self.execute_command("HGETALL", key)

    def hset(self, key: str, name: str, value: str) -> asyncio.Future[Any]:
        """Send HSET."""
        return self.execute_command("HSET", key, name, value)

    def hdel(self, key: str, name: str) -> asyncio.Future[Any]:
        """Send HDEL."""
        return self.execute_command("HDEL", key, name)

    def smembers(self, key: str) -> asyncio.Future[Any]:
        """Send SMEMBERS."""
        return self.execute_command("SMEMBERS", key)

    def info(self) -> asyncio.Future[Any]:
        """Send INFO."""
        return self.execute_command("INFO")

    async def aclose(self) -> None:
        """Do nothing: there is no connection."""

    def pipeline(self, *, transaction: bool) -> Pipeline:
        """Return a pipeline, whose commands are sent together."""
        return Pipeline(self)


class Pipeline:
    """Send several commands together. The modelled server runs them atomically, with or without `transaction`."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._commands: list[tuple[Any, ...]] = []

    def execute_command(self, *command: Any) -> None:
        """Queue one command."""
        self._commands.append(command)

    def execute(self, raise_on_error: bool = True) -> asyncio.Future[Any]:
        """Send the commands. The reply has the error of a failed command in its place unless it is to be raised."""
        return self._client.execute_command("MULTI" if raise_on_error else "EACH", *self._commands)


class SimulatedLog(Log):
    """Connect the production client of the log to a simulated network."""

    def __init__(self, client: Client, namespace: str, *, shard: Shard = WHOLE, transit: str = "") -> None:
        super().__init__("redis://virtual", namespace, shard=shard, transit=transit)
        self.client = client
        self.redis = client  # type: ignore[assignment]
