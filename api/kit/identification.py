"""Identify the caller of a request, once: the middleware does it, and the routes read the outcome from the scope."""

from __future__ import annotations

from functools import partial
from typing import Any, Final, NamedTuple

from api.auth import Principal
from api.identity.api_keys.known import Pay
from api.kit import request_identity
from api.kit.clock import now
from api.kit.context import Api
from api.kit.problems import Problem

SCOPE_KEY: Final = "astra.identified"
"""The key of the outcome in the ASGI scope. Clients cannot set it."""
_SCHEME: Final = "bearer"


class Identified(NamedTuple):
    """The outcome of the identification of a request.

    Attributes:
        credential: The token or API key that the request was sent with; empty for a request without one.
        caller: The caller; None without a valid credential.
        problem: Why the credential is refused; None when it is valid, or when there is none.
    """

    credential: str = ""
    caller: Principal | None = None
    problem: Problem | None = None


ANONYMOUS: Final = Identified()


async def identify(api: Api, scope: Any, pay: Pay) -> Identified:
    """Find out who sends a request, and note the outcome in its scope. `pay` charges for a reading of the store."""
    found = ANONYMOUS
    if credential := _credential(scope):
        try:
            found = Identified(credential, principal := await verified(api, scope, credential, pay))
            request_identity.caller.set(principal.subject)
        except Problem as problem:
            found = Identified(credential, problem=problem)
    scope[SCOPE_KEY] = found
    return found


async def verified(api: Api, scope: Any, credential: str, pay: Pay) -> Principal:
    """Return the caller that a credential names, sent by the client of a connection.

    Raises:
        Problem: 401; for an API key that this process does not know also 429 and 503.
    """
    return await api.identity.verifier.caller(credential, now(), partial(api.addresses.client, scope), pay)


def identified(scope: Any) -> Identified:
    """Return the outcome of the identification of a request."""
    found: Identified = scope[SCOPE_KEY]
    return found


def _credential(scope: Any) -> str:
    """Return what the request sends as a bearer; empty when it sends none."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, credential = value.decode("latin-1").partition(" ")
            return credential.strip() if scheme.lower() == _SCHEME else ""
    return ""
