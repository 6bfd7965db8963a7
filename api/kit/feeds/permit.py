"""The right to follow a feed. It lapses with the token that it came from, unless the client sends a new one."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Protocol

import jwt

from api.auth import EXPIRED, Principal, Tokens
from api.kit.problems import Problem
from streams.times import SECOND_US, Instant


class Lapse(StrEnum):
    """Why a permit no longer holds."""

    EXPIRED = "expired"  # the token's time is over
    REVOKED = "revoked"  # the session was ended, or the account may no longer do this


class Right(Protocol):
    """The right of a feed's reader to be shown what the feed shows."""

    def lapsed(self, at: Instant) -> Lapse | None:
        """Return why the feed has to end at a time; None while it may go on."""


class Permit:
    """The right of one caller, as long as the newest token of that caller is valid.

    Attributes:
        caller: The caller. It stays the same when the token is renewed.
    """

    def __init__(self, tokens: Tokens, token: str, at: Instant) -> None:
        """Verify a token.

        Raises:
            Problem: 401; its `detail` names the fault of the token.
        """
        self._tokens = tokens
        self.token = token
        self.caller: Principal = tokens.caller(token, at)

    def renew(self, newer: Permit) -> None:
        """Take over the token of another permit of the same subject."""
        self.token, self.caller = newer.token, newer.caller

    def lapsed(self, at: Instant) -> Lapse | None:
        """Return why the permit does not hold at a time; None while it holds. The hub's clock asks twice a second."""
        try:
            self._tokens.caller(self.token, at)
        except Problem as problem:
            return Lapse.EXPIRED if problem.detail == EXPIRED else Lapse.REVOKED
        return None

    @property
    def expires(self) -> Instant | None:
        """Return when the token expires; None when it is one that says nothing of its end."""
        try:
            claims: dict[str, Any] = jwt.decode(self.token, options={"verify_signature": False})
        except jwt.InvalidTokenError:
            return None
        return Instant(int(claims["exp"]) * SECOND_US)
