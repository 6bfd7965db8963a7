"""The units that one request takes, and the headers that tell its caller what is left.

The fields follow draft-ietf-httpapi-ratelimit-headers:

    RateLimit-Policy: "account";q=6000;w=60     units of a full bucket; seconds in which an empty one fills
    RateLimit: "account";r=5979;t=1             units left; seconds until the bucket is full again
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from api.kit.problems import TOO_MANY_REQUESTS, Problem
from api.limits.buckets import Bucket
from api.limits.limiter import Grant, Limiter
from api.limits.policies import Policy

SCOPE_KEY = "astra.charge"
Header = tuple[bytes, bytes]


class Charge:
    """Takes units for one request from the buckets of its caller.

    Attributes:
        anonymous: Whether the request came without a valid token.
    """

    def __init__(self, limiter: Limiter, buckets: Sequence[Bucket], *, anonymous: bool) -> None:
        self.anonymous = anonymous
        self._limiter = limiter
        self._buckets = buckets
        self._grant: Grant | None = None

    @property
    def caller(self) -> str:
        """Return the name of the account or the address."""
        return self._buckets[-1].name

    async def take(self, units: int) -> None:
        """Take units from each bucket.

        Raises:
            Problem: 429 when one of them has too few. Units that were taken from another one are not given back.
        """
        for bucket in self._buckets:
            self._grant = grant = await self._limiter.take(bucket, units)
            if not grant.allowed:
                raise _refusal(grant, units)

    def headers(self) -> list[Header]:
        """Return the headers of the last bucket that units were taken from."""
        grant = self._grant
        if grant is None:
            return []
        left = f'"{grant.policy.name}";r={grant.left};t={grant.full_s}'
        return [_policy_header(grant.policy), (b"ratelimit", left.encode())]


async def charge_items(scope: Any, items: int) -> None:
    """Take a unit for each item of a batch after the first, which the request itself has paid.

    Raises:
        Problem: 429 when the caller has too few left.
    """
    if items > 1:
        await charge_units(scope, items - 1)


async def charge_units(scope: Any, units: int) -> None:
    """Take further units from the caller of a request or a socket.

    Raises:
        Problem: 429 when the caller has too few left.
    """
    charge: Charge | None = scope.get(SCOPE_KEY)
    if charge is not None:
        await charge.take(units)


def _refusal(grant: Grant, units: int) -> Problem:
    policy = grant.policy
    detail = (
        f"this request costs {units} units and {grant.left} are left; {policy.units} are refilled in "
        f"{policy.window_s} s; try again in {grant.wait_s} s"
    )
    return Problem(TOO_MANY_REQUESTS, detail, headers={"Retry-After": str(max(1, grant.wait_s))})


@lru_cache
def _policy_header(policy: Policy) -> Header:
    return b"ratelimit-policy", f'"{policy.name}";q={policy.units};w={policy.window_s}'.encode()
