"""Token buckets in Redis, which all API processes share.

Concurrent requests share one run of `take.lua`. It uses the server's clock, and declares every key that it touches.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from importlib.resources import files
from typing import NamedTuple

from faust_redis.log import Log, LogUnavailableError
from faust_redis.log.scripts import Script

from api.kit.coalescer import RequestCoalescer
from api.limits.policies import Policy
from streams.times import SECOND_US

TAKE = Script("take", files("api.limits").joinpath("take.lua").read_text("utf-8"))
REQUESTS_MAX = 200
REPLY_TIMEOUT_S = 2.0
"""A broker that takes longer counts as away, because a limit must not make a request wait longer than its work."""

ANSWER_ITEMS = 4


class Bucket(NamedTuple):
    """The bucket of one caller."""

    name: str
    policy: Policy


class TakeRequest(NamedTuple):
    """A request for units of a bucket.

    Attributes:
        bucket: Where from.
        units: How many.
        prefetch: How many more the process would take in advance.
        returned: How many units taken in advance the process gives back first.
    """

    bucket: Bucket
    units: int
    prefetch: int = 0
    returned: int = 0


class TakeResult(NamedTuple):
    """The result of a take.

    Attributes:
        now_us: The server's time in microseconds.
        prefetched: Units taken in advance; None when the bucket did not have the units, and none were taken.
        left: Units left in the bucket.
        full_us: Microseconds until the bucket is full.
        wait_us: Microseconds until the bucket has the units; 0 when they were taken.
    """

    now_us: int
    prefetched: int | None
    left: int
    full_us: int
    wait_us: int


class SharedBuckets:
    """Takes units from the buckets in Redis."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.take = RequestCoalescer(self.take_all, size_max=REQUESTS_MAX)

    async def take_all(self, requests: Sequence[TakeRequest]) -> list[TakeResult]:
        """Take units for each ask in order, in one call.

        Raises:
            LogUnavailableError: Redis does not answer in time.
        """
        keys = [f"{self._log.keys.prefix}limit:{request.bucket.name}" for request in requests]
        args = [part for request in requests for part in _arguments(request)]
        try:
            async with asyncio.timeout(REPLY_TIMEOUT_S):
                reply = await self._log.run(TAKE, keys, args)
        except TimeoutError as exc:
            raise LogUnavailableError(f"no answer about limits within {REPLY_TIMEOUT_S} s") from exc
        now_us, items = int(reply[0]), reply[1:]
        starts = range(0, len(items), ANSWER_ITEMS)
        return [_taken(now_us, *map(int, items[start : start + ANSWER_ITEMS])) for start in starts]


def _arguments(request: TakeRequest) -> tuple[int, int, int, int, int]:
    policy = request.bucket.policy
    return min(request.units, policy.units), policy.unit_us, policy.full_us, request.prefetch, request.returned


def _taken(now_us: int, prefetched: int, left: int, full_us: int, wait_us: int) -> TakeResult:
    return TakeResult(now_us, None if prefetched < 0 else prefetched, left, full_us, wait_us)


class LocalBuckets:
    """Token buckets of one process alone, for the time in which Redis is away.

    It keeps as many buckets as `kept_max`, and forgets the one that was used the longest ago.
    """

    def __init__(self, kept_max: int) -> None:
        self._kept_max = kept_max
        self._full_at_us: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._full_at_us)

    def take(self, bucket: Bucket, units: int, now_s: float) -> TakeResult:
        """Take units at a time of the caller's clock."""
        policy, now_us = bucket.policy, int(now_s * SECOND_US)
        debt = max(0, self._full_at_us.pop(bucket.name, now_us) - now_us)
        cost = min(units, policy.units) * policy.unit_us
        wait = max(0, debt + cost - policy.full_us)
        if not wait:
            debt += cost
        self._full_at_us[bucket.name] = now_us + debt
        if len(self._full_at_us) > self._kept_max:
            del self._full_at_us[next(iter(self._full_at_us))]
        return TakeResult(now_us, None if wait else 0, (policy.full_us - debt) // policy.unit_us, debt, wait)
