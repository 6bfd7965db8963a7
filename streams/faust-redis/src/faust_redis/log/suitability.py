"""Check that a server can carry the log: its version, and its eviction policy."""

from __future__ import annotations

from redis.asyncio import Redis

from faust_redis.log.errors import BrokerUnsuitableError

REDIS_VERSION_MIN = (7, 0)


async def check_server(redis: Redis) -> None:
    """Refuse a server below Redis 7.0 or with an eviction policy that could drop streams.

    Raises:
        BrokerUnsuitableError: the server is unsuitable. The message names the setting to change.
    """
    info = await redis.info()
    version = str(info.get("redis_version", "0"))
    if version_tuple(version) < REDIS_VERSION_MIN:
        raise BrokerUnsuitableError(
            f"the broker is Redis {version}; 7.0 or later (or Valkey 7.2 or later) is needed. Upgrade it."
        )
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if policy != "noeviction":
        raise BrokerUnsuitableError(
            f"the broker's maxmemory-policy is {policy!r}, which may drop streams when memory is short; "
            "set it to 'noeviction' (CONFIG SET maxmemory-policy noeviction, and in its configuration file)."
        )


def version_tuple(version: str) -> tuple[int, ...]:
    """Return a version such as ``"7.0.15"`` as ``(7, 0, 15)``; parts that are not numbers count as 0."""
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("."))
