"""Identify the caller of a request, once: the middleware does it, and the routes read the outcome from the scope."""

from __future__ import annotations

from typing import Any, Final, NamedTuple, Protocol

from api.auth import Principal
from api.kit.clock import now
from api.kit.problems import Problem
from streams.times import Instant

SCOPE_KEY: Final = "astra.identified"
"""The key of the outcome in the ASGI scope. Clients cannot set it."""
_SCHEME: Final = "bearer"


class Verifies(Protocol):
    """Knows the callers of credentials."""

    def caller(self, credential: str, now: Instant) -> Principal:
        """Return the caller that a credential names, or raise the problem 401."""


class Identified(NamedTuple):
    """The outcome of the identification of a request.

    Attributes:
        credential: The text that the request was sent with; empty for a request without one.
        caller: The caller; None without a valid credential.
        problem: Why the credential is refused; None when it is valid, or when there is none.
    """

    credential: str = ""
    caller: Principal | None = None
    problem: Problem | None = None


ANONYMOUS: Final = Identified()


async def identify(verifier: Verifies, scope: Any) -> Identified:
    """Find out who sends a request, and note the outcome in its scope."""
    found = scope[SCOPE_KEY] = _identified(verifier, scope)
    return found


def identified(scope: Any) -> Identified:
    """Return the outcome of the identification of a request."""
    found: Identified = scope[SCOPE_KEY]
    return found


def _identified(verifier: Verifies, scope: Any) -> Identified:
    credential = _credential(scope)
    if not credential:
        return ANONYMOUS
    try:
        return Identified(credential, verifier.caller(credential, now()))
    except Problem as problem:
        return Identified(credential, problem=problem)


def _credential(scope: Any) -> str:
    """Return what the request sends as a bearer; empty when it sends none."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, credential = value.decode("latin-1").partition(" ")
            return credential.strip() if scheme.lower() == _SCHEME else ""
    return ""
