"""Read and record the first use of idempotency keys, and the writes under them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from faust_redis.log.client import Log
from faust_redis.log.scripts import FIRST_USE


class Use(NamedTuple):
    """A use of an idempotency key: its name, the present time in the caller's unit, and how long to remember it."""

    name: str
    now: int
    ttl_ms: int


class FirstUse(NamedTuple):
    """The time of a key's first use, and the digest of the body that was written under it, or None."""

    began: int
    used_with: str | None


async def first_uses(log: Log, uses: Sequence[Use]) -> list[FirstUse]:
    """Record the uses of keys; return the first use of each key, in the same order.

    Raises:
        LogUnavailableError: The broker cannot be reached.
    """
    uses_args = [part for use in uses for part in use]
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
    [(digest, bases)] = await log.at_once(("HMGET", log.keys.idempotency_key(name), "digest", "bases"))
    return None if digest is None else Written(digest.decode(), tuple(orjson.loads(bases)))
