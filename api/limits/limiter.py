"""Decide whether a caller may have what it asks for.

A process takes units from the shared bucket in advance and spends them without a call (a lease). So most requests cost
no round trip, and yet the processes together never spend more than the bucket had: every unit comes from it.
"""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from faust_redis.log import Log, LogError

from api.limits.buckets import REQUESTS_MAX, Bucket, LocalBuckets, SharedBuckets, TakeRequest, TakeResult
from api.limits.policies import AWAY_SHARE, Policy
from api.metrics import Metrics
from streams.times import SECOND_US

ADVANCE_SHARE = 20
"""A process takes at most this part of a bucket's units in advance; the script gives no more than a quarter of those
that are left, so that a bucket that runs low is shared exactly."""

LEASE_S = 1.0
"""How long a process may spend what it took in advance. Then it gives the rest back."""

REFUSAL_KEPT_S = 1.0
"""How long a process remembers a refusal, so that a caller that asks on costs Redis nothing."""

LEASES_MAX = 20_000
"""Callers that a process takes units in advance for; some 10 MB. Each request of any other is a call."""

LOCAL_MAX = 20_000
AWAY_S = 1.0
"""After a failed call a process uses its own buckets for this long before it tries Redis again."""


class Grant(NamedTuple):
    """The answer to a caller.

    Attributes:
        policy: The bucket's policy.
        allowed: Whether the units were taken.
        left: Units that the caller has left.
        full_s: Seconds until the bucket is full again, rounded up.
        wait_s: Seconds until the units can be taken, rounded up; 0 when they were.
    """

    policy: Policy
    allowed: bool
    left: int
    full_s: int
    wait_s: int


@dataclass(slots=True)
class _Lease:
    """What a process knows of a bucket.

    Attributes:
        bucket: The bucket.
        units: Units taken in advance and not spent yet.
        until_s: The event loop's time until which they may be spent.
        left: Units left in the bucket at the last call.
        full_s: Seconds until it is full, as of the last call.
        asking: Whether a call is in flight that asks for units in advance.
        refused_units: A take of as many units was refused.
        refused_until_s: The event loop's time until which that refusal is repeated.
        possible_at_s: The event loop's time from which it would be granted.
    """

    bucket: Bucket
    units: int = 0
    until_s: float = 0.0
    left: int = 0
    full_s: int = 0
    asking: bool = False
    refused_units: int = 0
    refused_until_s: float = 0.0
    possible_at_s: float = 0.0


class Limiter:
    """Takes units for callers, from a lease or from the shared bucket.

    Args:
        log: The log's client; the buckets are in its namespace.
        metrics: Counts refusals, and decisions that were made while Redis was away.
        factor: How many times the units of the table each bucket has.
    """

    def __init__(self, log: Log, metrics: Metrics, factor: int = 1) -> None:
        self.shared = SharedBuckets(log)
        self.local = LocalBuckets(LOCAL_MAX)
        self._metrics = metrics
        self._factor = factor
        self._leases: dict[str, _Lease] = {}
        self._away_until_s = -math.inf
        self._policies: dict[Policy, Policy] = {}

    def bucket(self, policy: Policy, caller: str) -> Bucket:
        """Return the bucket of a caller."""
        scaled = self._policies.get(policy)
        if scaled is None:
            scaled = self._policies[policy] = policy.times(self._factor)
        return Bucket(f"{policy.name}:{caller}", scaled)

    async def take(self, bucket: Bucket, units: int) -> Grant:
        """Take units from a bucket; take none when it has too few. A take of 0 units is always granted."""
        grant = self._from_lease(bucket, units)
        if grant is None:
            grant = await self._from_bucket(bucket, units)
        if not grant.allowed:
            self._metrics.limited.labels(bucket.policy.name).inc()
        return grant

    def _from_lease(self, bucket: Bucket, units: int) -> Grant | None:
        lease = self._leases.get(bucket.name)
        if lease is None:
            return None
        now_s = asyncio.get_running_loop().time()
        if units <= lease.units and now_s < lease.until_s:
            lease.units -= units
            return Grant(bucket.policy, True, lease.left + lease.units, lease.full_s, 0)
        if units >= lease.refused_units and now_s < lease.refused_until_s:
            wait_s = math.ceil(lease.possible_at_s - now_s)
            return Grant(bucket.policy, False, lease.left, lease.full_s, wait_s)
        return None

    async def _from_bucket(self, bucket: Bucket, units: int) -> Grant:
        clock = asyncio.get_running_loop().time
        if clock() < self._away_until_s:
            return self._from_local(bucket, units, clock())
        lease = self._leases.get(bucket.name)
        if lease is None:
            lease = _Lease(bucket)
            if len(self._leases) < LEASES_MAX:
                self._leases[bucket.name] = lease
        in_advance = not lease.asking and bucket.name in self._leases
        returned, lease.units = lease.units, 0
        lease.asking = True
        try:
            request = TakeRequest(bucket, units, bucket.policy.units // ADVANCE_SHARE if in_advance else 0, returned)
            return _learn(lease, units, await self.shared.take(request), clock())
        except LogError:
            self._away_until_s = clock() + AWAY_S
            return self._from_local(bucket, units, clock())
        finally:
            lease.asking = lease.asking and not in_advance

    def _from_local(self, bucket: Bucket, units: int, now_s: float) -> Grant:
        self._metrics.limited_alone.inc()
        strict = Bucket(bucket.name, bucket.policy.stricter(AWAY_SHARE))
        return _grant(strict.policy, self.local.take(strict, units, now_s))

    async def run(self) -> None:
        """Give back, each second, what was taken in advance and not spent; forget callers that are gone."""
        while True:
            await asyncio.sleep(LEASE_S)
            await self.give_back(asyncio.get_running_loop().time())

    async def give_back(self, now_s: float) -> None:
        """Give back what was taken in advance and may not be spent any more."""
        over = [lease for lease in self._leases.values() if not lease.asking and _is_over(lease, now_s)]
        for lease in over:
            del self._leases[lease.bucket.name]
        requests = [TakeRequest(lease.bucket, 0, returned=lease.units) for lease in over if lease.units]
        with suppress(LogError):  # lost then: they only refill as units that were spent
            for start in range(0, len(requests), REQUESTS_MAX):
                await self.shared.take_all(requests[start : start + REQUESTS_MAX])


def _is_over(lease: _Lease, now_s: float) -> bool:
    return lease.until_s <= now_s and lease.refused_until_s <= now_s


def _learn(lease: _Lease, units: int, taken: TakeResult, now_s: float) -> Grant:
    """Keep what the shared bucket answered, and return the grant."""
    if taken.prefetched is None:
        lease.refused_units = units
        lease.possible_at_s = now_s + taken.wait_us / SECOND_US
        lease.refused_until_s = min(lease.possible_at_s, now_s + REFUSAL_KEPT_S)
    else:
        lease.units += taken.prefetched
        lease.until_s = now_s + LEASE_S
        lease.refused_until_s = 0.0
    lease.left, lease.full_s = taken.left, _seconds(taken.full_us)
    return _grant(lease.bucket.policy, taken, lease.units)


def _grant(policy: Policy, taken: TakeResult, in_advance: int = 0) -> Grant:
    allowed = taken.prefetched is not None
    return Grant(policy, allowed, taken.left + in_advance, _seconds(taken.full_us), _seconds(taken.wait_us))


def _seconds(us: int) -> int:
    return -(-us // SECOND_US)
