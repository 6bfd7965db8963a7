"""The right to follow a feed. It lapses with its token or API key, unless the client sends a newer token."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Protocol

import jwt

from api.auth import EXPIRED, Principal
from api.kit.problems import Problem
from streams.times import SECOND_US, Instant


class Lapse(StrEnum):
    """Why a permit no longer holds."""

    EXPIRED = "expired"  # the time of the token or key is over
    REVOKED = "revoked"  # the session or key was ended, or the account may no longer do this
    CHANGED = "changed"  # the reader follows other people now, or what is shown has left; a feed opened again shows it


class Right(Protocol):
    """The right of a feed's reader to be shown what the feed shows."""

    def lapsed(self, at: Instant) -> Lapse | None:
        """Return why the feed has to end at a time; None while it may go on."""


class Rechecks(Protocol):
    """Knows whether credentials that were verified before are valid still."""

    def recheck(self, credential: str, caller: Principal, at: Instant) -> None:
        """Raise the problem 401 when the credential has ended. It must not wait."""


class Permit:
    """The right of one caller, as long as the newest token of that caller, or the API key, is valid.

    Attributes:
        credential: The token or key.
        caller: The caller. It stays the same when the token is renewed.
    """

    def __init__(self, verifier: Rechecks, credential: str, caller: Principal) -> None:
        """Give a caller, whose credential was verified just now, the right."""
        self._verifier = verifier
        self.credential = credential
        self.caller = caller

    def renew(self, newer: Permit) -> None:
        """Take over the token of another permit of the same subject."""
        self.credential, self.caller = newer.credential, newer.caller

    def lapsed(self, at: Instant) -> Lapse | None:
        """Return why the permit does not hold at a time; None while it holds. The hub's clock asks twice a second."""
        try:
            self._verifier.recheck(self.credential, self.caller, at)
        except Problem as problem:
            return Lapse.EXPIRED if problem.detail == EXPIRED else Lapse.REVOKED
        return None

    @property
    def expires(self) -> Instant | None:
        """Return when the token or key expires; None when it is one that says nothing of its end."""
        if self.caller.expires is not None:
            return self.caller.expires
        try:
            claims: dict[str, Any] = jwt.decode(self.credential, options={"verify_signature": False})
        except jwt.InvalidTokenError:
            return None
        return Instant(int(claims["exp"]) * SECOND_US)
