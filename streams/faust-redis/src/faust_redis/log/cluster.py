"""Reach the node of a Redis or Valkey cluster that has a namespace. The URL of the broker says so by `cluster`.

``redis://user:password@node-0:7000?cluster=node-1:7001,node-2:7002``

Host and port are those of a node, and `cluster` names others that can be asked, or none. All keys of a namespace, or of
a shard of one, share a hash tag and so a slot. So a client speaks to one node. A connection asks the cluster when it is
made which node has the slot, and is closed when the slot has moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import SystemRandom
from typing import Any, Final, NamedTuple, Self
from urllib.parse import parse_qsl, urlencode

import redis
from redis.asyncio import Redis
from redis.asyncio.connection import BlockingConnectionPool, Connection, SSLConnection, parse_url
from redis.crc import key_slot
from redis.exceptions import AskError, ClusterDownError, MovedError, NoPermissionError, RedisError, TryAgainError
from redis.exceptions import ConnectionError as RedisConnectionError

OPTION: Final = "cluster"
NODE_TIMEOUT_S: Final = 1.0
"""How long a node may take to answer before the next one is asked."""
ELSEWHERE: Final = (MovedError, AskError, TryAgainError, ClusterDownError)


class Node(NamedTuple):
    """A node of a cluster."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Cluster:
    """The cluster of a URL.

    Attributes:
        nodes: Nodes that can be asked.
        options: Arguments of connections.
        tls: Whether they use TLS.
    """

    nodes: tuple[Node, ...]
    options: dict[str, Any]
    tls: bool

    @classmethod
    def of(cls, url: str) -> Self | None:
        """Return the cluster that a URL names, or None when it names a server.

        Raises:
            ValueError: the URL is malformed.
        """
        address, _, query = url.partition("?")
        given = dict(parse_qsl(query, keep_blank_values=True))
        others = given.pop(OPTION, None)
        if others is None:
            return None
        options: dict[str, Any] = {**parse_url(f"{address}?{urlencode(given)}" if given else address)}
        if "path" in options or options.pop("db", 0):
            raise ValueError("a cluster is reached by host and port, and has the database 0 alone")
        tls = options.pop("connection_class", None) is SSLConnection
        first = Node(options.pop("host", "localhost"), options.pop("port", 6379))
        return cls((first, *(_node(one) for one in others.split(",") if one)), options, tls)

    def pool(self, prefix: str, connections_max: int, timeout_s: float, **options: Any) -> BlockingConnectionPool:
        """Return a pool of connections to the node that has the keys with a prefix."""
        return BlockingConnectionPool(
            connection_class=_SslConnection if self.tls else _Connection,
            max_connections=connections_max,
            timeout=timeout_s,
            cluster=self,
            slot=key_slot(prefix.encode()),
            **{**self.options, **options},
        )

    async def holder(self, slot: int) -> Node:
        """Return the node that has a slot.

        Raises:
            RedisConnectionError: no node says so.
        """
        for node in SystemRandom().sample(self.nodes, len(self.nodes)):  # one that was cut off may name itself
            client = Redis(host=node.host, port=node.port, ssl=self.tls, **self._asking())
            try:
                return _holder(await client.execute_command("CLUSTER", "SLOTS"), slot, node)
            except NoPermissionError:
                raise
            except (RedisError, OSError, LookupError):
                continue
            finally:
                await client.aclose()
        raise RedisConnectionError(f"no node of the cluster says where slot {slot} is")

    def blocking_client(self, prefix: str, **options: Any) -> redis.Redis:
        """Return a client for threads. Make another one when it has lost its node.

        Raises:
            RedisConnectionError: no node says where the keys are.
        """
        slot = key_slot(prefix.encode())
        for node in self.nodes:
            try:
                with redis.Redis(host=node.host, port=node.port, ssl=self.tls, **self._asking()) as client:
                    at = _holder(client.execute_command("CLUSTER", "SLOTS"), slot, node)
                return redis.Redis(host=at.host, port=at.port, ssl=self.tls, **{**self.options, **options})
            except (RedisError, OSError, LookupError):
                continue
        raise RedisConnectionError(f"no node of the cluster says where slot {slot} is")

    def _asking(self) -> dict[str, Any]:
        return {
            **self.options,
            "protocol": 2,
            "socket_timeout": NODE_TIMEOUT_S,
            "socket_connect_timeout": NODE_TIMEOUT_S,
        }


class _Located(Connection):
    """A connection to the node that has a slot when it is made."""

    def __init__(self, *, cluster: Cluster, slot: int, **options: Any) -> None:
        super().__init__(**options)
        self._cluster, self._slot = cluster, slot

    async def connect(self) -> None:
        """Find the node, and connect."""
        if not self.is_connected:
            self.host, self.port = await self._cluster.holder(self._slot)
            await super().connect()  # type: ignore[no-untyped-call]

    async def read_response(self, *args: Any, **options: Any) -> Any:
        """Read a reply. When the slot has moved, close the connection, so that the next one finds it."""
        try:
            return await super().read_response(*args, **options)
        except ELSEWHERE as exc:
            await self.disconnect()
            raise RedisConnectionError(f"the keys are on their way to another node: {exc}") from exc


class _Connection(_Located):
    pass


class _SslConnection(_Located, SSLConnection):
    pass


def _holder(slots: Sequence[Any], slot: int, asked: Node) -> Node:
    """Return the primary that has a slot, from the reply to CLUSTER SLOTS.

    Raises:
        LookupError: none has it.
    """
    for first, last, primary, *_ in slots:
        if first <= slot <= last:
            host = primary[0].decode() if isinstance(primary[0], bytes) else primary[0]
            return Node(host or asked.host, primary[1])
    raise LookupError(f"no node has slot {slot}")


def _node(text: str) -> Node:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(f"{text!r} in {OPTION} is not a host and a port")
    return Node(host.strip("[]"), int(port))
