"""Name the buckets that a request takes from: its account's and its API key's, or its address's."""

from __future__ import annotations

from api.auth import Principal
from api.limits.buckets import Bucket
from api.limits.limiter import Limiter
from api.limits.policies import ANONYMOUS, API_KEYS, POLICIES


def of_address(limiter: Limiter, address: str) -> tuple[Bucket, ...]:
    """Return the bucket of a caller without a token."""
    return (limiter.bucket(ANONYMOUS, address),)


def of_principal(limiter: Limiter, principal: Principal) -> tuple[Bucket, ...]:
    """Return the bucket of an account; before it that of the API key with which the request was made."""
    account = limiter.bucket(POLICIES[principal.role], principal.subject)
    if principal.key_id is None:
        return (account,)
    return (limiter.bucket(API_KEYS[principal.role], principal.key_id), account)
