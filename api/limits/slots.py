"""Count the open feeds or sockets of each caller and in all, and keep some for callers with a token."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from api.kit.problems import TOO_MANY_FEEDS, UNAVAILABLE, Problem
from api.limits.caps import Caps

RETRY_AFTER_S: Final = 5
_RETRY: Final = {"Retry-After": str(RETRY_AFTER_S)}


class Shares(NamedTuple):
    """How many slots there are: in all, of these for callers without a token, for an account, for an address."""

    in_all: int
    anonymous: int
    per_account: int
    per_address: int


class Slots:
    """The slots of one process for one kind of thing, such as feeds.

    Args:
        what: What a slot is for, in the plural.
        shares: How many there are.
    """

    def __init__(self, what: str, shares: Shares) -> None:
        self._what = what
        self._shares = shares
        self._by_caller: Counter[str] = Counter()
        self._in_all = 0
        self._anonymous = 0

    def __len__(self) -> int:
        return self._in_all

    @contextmanager
    def hold(self, caller: str, *, anonymous: bool) -> Iterator[None]:
        """Hold a slot. `caller` names the account or the address.

        Raises:
            Problem: 429 when the caller has too many, 503 when all have.
        """
        self._check(caller, anonymous)
        self._by_caller[caller] += 1
        self._in_all += 1
        self._anonymous += anonymous
        try:
            yield
        finally:
            self._in_all -= 1
            self._anonymous -= anonymous
            self._by_caller[caller] -= 1
            if not self._by_caller[caller]:
                del self._by_caller[caller]

    def _check(self, caller: str, anonymous: bool) -> None:
        shares, what = self._shares, self._what
        own = shares.per_address if anonymous else shares.per_account
        if self._by_caller[caller] >= own:
            whose = "this address without a token" if anonymous else "this account"
            raise Problem(TOO_MANY_FEEDS, f"{own} {what} are open for {whose}", headers=_RETRY)
        if self._in_all >= shares.in_all:
            raise Problem(UNAVAILABLE, f"{shares.in_all} {what} are open here; try again", headers=_RETRY)
        if anonymous and self._anonymous >= shares.anonymous:
            detail = f"{shares.anonymous} {what} without a token are open here; try again, or use a token"
            raise Problem(UNAVAILABLE, detail, headers=_RETRY)


def feed_slots(caps: Caps) -> Slots:
    """Return the slots for feeds, over HTTP and over sockets."""
    shares = Shares(caps.feeds_max, caps.feeds_anonymous_max, caps.feeds_per_account_max, caps.feeds_per_address_max)
    return Slots("feeds", shares)


def socket_slots() -> Slots:
    """Return the slots for WebSockets. A socket counts for the caller of its handshake."""
    return Slots("sockets", Shares(in_all=1_000, anonymous=800, per_account=20, per_address=40))
