"""Open connections to the broker, and translate its errors into errors of the log."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, cast

from redis import Redis as BlockingRedis
from redis.asyncio import Redis
from redis.asyncio.connection import BlockingConnectionPool
from redis.exceptions import BusyLoadingError, RedisError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from faust_redis.log import codec
from faust_redis.log.cluster import Cluster
from faust_redis.log.errors import LogUnavailableError
from faust_redis.log.sentinels import Sentinels

CONNECTIONS_MAX = 32
CONNECT_TIMEOUT_S = 5.0
REPLY_TIMEOUT_S = 20.0
REPLY_BY_SENTINEL_TIMEOUT_S = 5.0
"""How long a primary that Sentinels watch may take to answer. Then the client asks them for the primary again and takes
no late answer of one that was replaced meanwhile."""
CLOSED_HANDLE = "the handler is closed"
"""uvloop's text for a write to a connection that was cut, where asyncio's own loop raises a connection error."""
ADD_WRITER = "_add_writer"
"""asyncio's transport since Python 3.12 asks `None` for this attribute when it writes to a connection that was cut."""


def connect(url: str, prefix: str) -> Redis:
    """Return a client for a ``redis://``, ``rediss://`` or ``unix://`` URL, with raw replies (RESP2, bytes).

    The URL may name Sentinels, see `faust_redis.log.sentinels`, or a cluster, see `faust_redis.log.cluster`.

    Args:
        url: The URL.
        prefix: The prefix of the keys that the client uses. On a cluster it chooses the node.

    Raises:
        ValueError: the URL has another scheme, or is malformed.
    """
    options: dict[str, Any] = {
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        # `answer` bounds the time for a reply. redis-py's own bound uses `asyncio.wait_for`, which on Python 3.11 may
        # swallow a cancellation; a task that waits for the cancelled one would then never end.
        "socket_timeout": None,
        "protocol": 2,
    }
    client = Redis.from_pool(_pool(url, prefix, options))
    for command in ("XREAD", "XRANGE", "XREVRANGE"):
        cast("Any", client).set_response_callback(command, codec.identity)
    return client


def _pool(url: str, prefix: str, options: dict[str, Any]) -> BlockingConnectionPool:
    if (cluster := Cluster.of(url)) is not None:
        return cluster.pool(prefix, CONNECTIONS_MAX, REPLY_TIMEOUT_S, **options)
    if (sentinels := Sentinels.of(url)) is not None:
        return sentinels.pool(CONNECTIONS_MAX, REPLY_TIMEOUT_S, **options)
    return BlockingConnectionPool.from_url(url, max_connections=CONNECTIONS_MAX, timeout=REPLY_TIMEOUT_S, **options)


def connect_thread(url: str, prefix: str, reply_timeout_s: float) -> BlockingRedis:
    """Return a client for a thread, for the same URLs."""
    options: dict[str, Any] = {"protocol": 2, "socket_timeout": reply_timeout_s}
    if (cluster := Cluster.of(url)) is not None:
        return cluster.blocking_client(prefix, **options)
    sentinels = Sentinels.of(url)
    return BlockingRedis.from_url(url, **options) if sentinels is None else sentinels.blocking_client(**options)


def without_password(url: str) -> str:
    """Return a broker URL with its passwords replaced: before the host, and among the options after `?`."""
    address = re.sub(r"(?<=://)([^:@/]*):[^/]*@", r"\1:***@", url)
    return re.sub(r"(?<=[?&])((?:ssl_|sentinel_)?password)=[^&]*", r"\1=***", address)


async def answer(awaitable: Awaitable[Any], url: str) -> Any:
    """Wait for the broker's answer; raise as `translated` does when it does not come in time."""
    with translated(url):
        async with asyncio.timeout(reply_timeout_s(url)):
            return await awaitable


def reply_timeout_s(url: str) -> float:
    """Return how long a server may take to answer."""
    return REPLY_BY_SENTINEL_TIMEOUT_S if _names_sentinels(url) else REPLY_TIMEOUT_S


@lru_cache
def _names_sentinels(url: str) -> bool:
    return Sentinels.of(url) is not None


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Translate the errors of the broker's client.

    Raises:
        LogUnavailableError: the broker does not answer in time, or not usably.
        BrokerUnsuitableError: the broker lacks a command that the log needs.
        PermissionDeniedError: the broker's user may not run a command.
        ResponseError: the broker refuses the command for another reason.
    """
    try:
        yield
    except (RedisConnectionError, RedisTimeoutError, BusyLoadingError, OSError, TimeoutError) as exc:
        raise LogUnavailableError(f"no answer from the broker at {without_password(url)}: {exc}") from exc
    except ResponseError as exc:
        codec.raise_for_response(exc)
        raise
    except RuntimeError as exc:
        if CLOSED_HANDLE not in str(exc):
            raise
        raise LogUnavailableError(f"the connection to {without_password(url)} is closed") from exc
    except AttributeError as exc:
        if exc.name != ADD_WRITER:
            raise
        raise LogUnavailableError(f"the connection to {without_password(url)} is closed") from exc
    except RedisError as exc:
        raise LogUnavailableError(f"no usable answer from the broker at {without_password(url)}: {exc}") from exc
