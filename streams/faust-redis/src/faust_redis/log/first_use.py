"""Read and record the first use of idempotency keys, and the writes under them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from faust_redis.log.client import Log
from faust_redis.log.scripts import FIRST_USE


class Use(NamedTuple):
    """A use of an idempotency key.

    Attributes:
        name: The key.
        now: The present time in the caller's unit.
        ttl_ms: How long to remember it.
        digest: The digest of the body.
    """

    name: str
    now: int
    ttl_ms: int
    digest: str


class FirstUse(NamedTuple):
    """The time of a key's first use, and the digest of the body that was written under it, or None.

    On a log of several shards it is the body of the first use, written or not.
    """

    began: int
    used_with: str | None


async def first_uses(log: Log, uses: Sequence[Use]) -> list[FirstUse]:
    """Record the uses of keys; return the first use of each key, in the same order.

    Raises:
        LogUnavailableError: The broker cannot be reached.
    """
    # The shard that gets the write remembers its digest. Another body may belong to another shard, so the first shard
    # remembers the body of the first use.
    divided = len(log.shards) > 1
    uses_args = [part for use in uses for part in (use.name, use.now, use.ttl_ms, use.digest if divided else "")]
    answer = await log.run(FIRST_USE, [log.keys.topics], [log.keys.prefix, *uses_args])
    return [
        FirstUse(int(began), None if used_with is None else used_with.decode())
        for began, used_with in zip(answer[::2], answer[1::2], strict=True)
    ]


class Written(NamedTuple):
    """A write under an idempotency key: the digest of its body, and the first offset in each partition."""

    digest: str
    offsets: tuple[int, ...]


async def written_under(log: Log, name: str) -> Written | None:
    """Return the write under an idempotency key; None when there was none, or when the log has forgotten it.

    Raises:
        LogUnavailableError: The broker cannot be reached.
    """
    for shard in log.shards:
        [(digest, bases)] = await shard.at_once(("HMGET", shard.keys.idempotency_key(name), "digest", "bases"))
        if digest is not None:
            return Written(digest.decode(), tuple(orjson.loads(bases)))
    return None
