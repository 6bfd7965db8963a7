"""Reach the primary that Redis Sentinel names. The URL of the broker says so by `sentinel`, the name of the service.

``redis://user:password@sentinel-0:26379/0?sentinel=main&sentinels=sentinel-1:26379,sentinel-2:26379``

Host and port are those of a Sentinel; user, password, database and TLS are those of the servers. A connection asks the
Sentinels when it is made, so that each one that is lost leads to the new primary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self
from urllib.parse import parse_qsl, urlencode

import redis.sentinel
from redis.asyncio.connection import BlockingConnectionPool, SSLConnection, parse_url
from redis.asyncio.sentinel import (
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)

SERVICE, OTHERS = "sentinel", "sentinels"
USERNAME, PASSWORD = "sentinel_username", "sentinel_password"
SENTINEL_TIMEOUT_S: Final = 1.0
"""How long a Sentinel may take to answer before the next one is asked."""
PORT: Final = 26_379


@dataclass(frozen=True, slots=True)
class Sentinels:
    """The Sentinels of a URL.

    Attributes:
        service: The name under which they watch the primary.
        nodes: Host and port of each.
        server: Arguments of connections to the servers.
        own: Arguments of connections to the Sentinels.
        tls: Whether both use TLS.
    """

    service: str
    nodes: tuple[tuple[str, int], ...]
    server: dict[str, Any]
    own: dict[str, Any]
    tls: bool

    @classmethod
    def of(cls, url: str) -> Self | None:
        """Return the Sentinels that a URL names, or None when it names a server.

        Raises:
            ValueError: the URL is malformed.
        """
        address, _, query = url.partition("?")
        options = dict(parse_qsl(query))
        service = options.pop(SERVICE, None)
        others = [one for one in options.pop(OTHERS, "").split(",") if one]
        credentials = {"username": options.pop(USERNAME, None), "password": options.pop(PASSWORD, None)}
        if service is None:
            if others:
                raise ValueError(f"it names {OTHERS}, and no {SERVICE}")
            return None
        server: dict[str, Any] = {**parse_url(f"{address}?{urlencode(options)}" if options else address)}
        if "path" in server:
            raise ValueError("Sentinels are not reached by a Unix socket")
        tls = server.pop("connection_class", None) is SSLConnection
        first = (server.pop("host", "localhost"), server.pop("port", PORT))
        encryption = {name: value for name, value in server.items() if name.startswith("ssl_")}
        own = {**{name: value for name, value in credentials.items() if value}, **encryption, "ssl": tls}
        return cls(service, (first, *map(_node, others)), server, own, tls)

    def pool(self, connections_max: int, timeout_s: float, **options: Any) -> BlockingConnectionPool:
        """Return a pool of connections to the primary. A task waits when all of them are in use."""
        own = {**self.own, "socket_timeout": SENTINEL_TIMEOUT_S, "socket_connect_timeout": SENTINEL_TIMEOUT_S}
        pool: BlockingConnectionPool = _Pool(  # type: ignore[no-untyped-call]
            self.service,
            Sentinel(self.nodes, sentinel_kwargs={**own, "protocol": 2}),
            connection_class=SentinelManagedSSLConnection if self.tls else SentinelManagedConnection,
            max_connections=connections_max,
            timeout=timeout_s,
            **{**self.server, **options},
        )
        return pool

    def blocking_client(self, **options: Any) -> redis.Redis:
        """Return a client for threads."""
        own = {**self.own, "socket_timeout": SENTINEL_TIMEOUT_S, "socket_connect_timeout": SENTINEL_TIMEOUT_S}
        manager = redis.sentinel.Sentinel(self.nodes, sentinel_kwargs={**own, "protocol": 2})
        client: redis.Redis = manager.master_for(self.service, ssl=self.tls, **{**self.server, **options})
        return client


class _Pool(SentinelConnectionPool, BlockingConnectionPool):
    """A pool whose tasks wait for a connection, as `BlockingConnectionPool`, to the primary that Sentinels name."""

    async def disconnect(self, inuse_connections: bool = True) -> None:
        """Close the connections, and with those in use the ones to the Sentinels."""
        await super().disconnect(inuse_connections)
        if inuse_connections:
            await self.sentinel_manager.aclose()


def _node(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(f"{text!r} in {OTHERS} is not a host and a port")
    return host.strip("[]"), int(port)
