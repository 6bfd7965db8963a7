"""Claim a namespace for an application, and a broker for a shard of it. The first to claim keeps it."""

from __future__ import annotations

from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import NoPermissionError

from faust_redis.log.cluster import Cluster
from faust_redis.log.connection import without_password
from faust_redis.log.errors import NamespaceTakenError, ShardMismatchError
from faust_redis.log.keys import Keys
from faust_redis.log.shards import WHOLE, Shard


async def claim_namespace(redis: Redis, keys: Keys, owner: str) -> None:
    """Claim a namespace for an application.

    Raises:
        NamespaceTakenError: another application was first.
    """
    found = await _first(redis, keys.owner, owner)
    if found is not None and found.decode() != owner:
        raise NamespaceTakenError(keys.namespace, owner, found.decode(), keys.owner)


async def claim_shard(redis: Redis, base: str, shard: Shard, url: str) -> None:
    """Claim a broker for a shard of a namespace; a namespace that is not divided claims nothing, and looks.

    Raises:
        ShardMismatchError: the broker holds another shard, or the namespace is divided in another way.
    """
    found = None if Cluster.of(url) is not None else await _otherwise(redis, base, shard)
    if found is None and shard.count > 1:
        found = await _first(redis, Keys(shard.namespace(base)).shard, str(shard))
    if found is not None and found.decode() != str(shard):
        raise ShardMismatchError(base, without_password(url), found.decode(), str(shard))


async def _otherwise(redis: Redis, base: str, shard: Shard) -> bytes | None:
    """Return which shard a broker holds that should be elsewhere, or that is divided in another way; else None.

    On a cluster such keys may be on a node that this client does not speak to.
    """
    try:
        if shard.count > 1:
            if await redis.exists(Keys(base).topics):
                return str(WHOLE).encode()
            for other in shard.elsewhere:
                if await redis.exists(Keys(Shard(other, shard.count).namespace(base)).shard):
                    return str(Shard(other, shard.count)).encode()
            return None
        return cast("bytes | None", await redis.get(Keys(Shard(0, 2).namespace(base)).shard))
    except NoPermissionError:
        return None


async def _first(redis: Redis, key: str, value: str) -> bytes | None:
    """Set a key unless it has a value; return that value."""
    found: Any = await redis.set(key, value, nx=True, get=True)
    return cast("bytes | None", found)
