"""Read a command from its request: the caller, the validated body, the idempotency key.

Command routes do this without FastAPI's dependencies, because resolving those costs more than the rest of the request.
This module also holds the OpenAPI description of these requests.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from fastapi import Request
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.responses import Response

from api.auth import unauthenticated
from api.kit.bodies import BodyReader, require_json
from api.kit.callers import BEARER, permitted
from api.kit.clock import now
from api.kit.commands.writer import Submission
from api.kit.context import Api
from api.kit.problems import VALIDATION, Fault, Problem
from streams.events.base import EventData
from streams.times import Instant

T = TypeVar("T", bound=BaseModel)
BodyT = TypeVar("BodyT", bound=BaseModel | None)

KEY_HEADER = "Idempotency-Key"
KEY_CHARS_MAX = 128
KEY_PATTERN = r"^[\x21-\x7e]+$"
KEY_DESCRIPTION = (
    "Makes the request safe to repeat: the same key and body give the same answer and one effect. "
    "A key counts for one caller and one route."
)
KEY_PARAMETER: Final[Mapping[str, Any]] = {
    "name": KEY_HEADER,
    "in": "header",
    "required": False,
    "description": KEY_DESCRIPTION,
    "schema": {
        "anyOf": [
            {"type": "string", "minLength": 1, "maxLength": KEY_CHARS_MAX, "pattern": KEY_PATTERN},
            {"type": "null"},
        ],
        "description": KEY_DESCRIPTION,
        "examples": ["order-7f3a"],
        "title": KEY_HEADER,
    },
}
_key = re.compile(KEY_PATTERN.removesuffix("$"))


@dataclass(frozen=True, slots=True)
class CommandRequest(Generic[BodyT]):
    """A command that was read and validated.

    Attributes:
        caller: The token's subject.
        value: The validated body; None for a command without one.
        digest: SHA-256 of the body, which distinguishes a repeated request from another one.
        key: The Idempotency-Key.
        now: The time at which the body was complete.
    """

    api: Api
    caller: str
    value: BodyT
    digest: str
    key: str | None
    now: Instant

    async def begin(self, command: type[EventData], route: str) -> Submission:
        """Begin to write a command. The Idempotency-Key is valid for this caller and this route only.

        Raises:
            Problem: 503 when the domain is down or too far behind, and the command's policy is to refuse it then.
            IdempotencyConflictError: the key was used with another body.
            BrokerUnsuitableError: the broker could lose records.
        """
        self.api.admission.require(command)
        return await self.api.writer.begin(self.caller, route, self.key, self.digest, self.now)


class Reader(Generic[T]):
    """Reads commands of one kind: checks whether the caller may send them and validates the body against a model."""

    def __init__(self, model: type[T]) -> None:
        self._body = BodyReader(model)

    async def __call__(self, request: Request) -> CommandRequest[T]:
        """Read a command.

        Raises:
            Problem: 401, 403, 415, 400 or 422, in this order.
        """
        api: Api = request.app.state.api
        caller = allowed(request)
        require_json(request)
        raw, time = await request.body(), now()
        limits = {"markets": api.config.markets, "mark_ahead_max_s": api.config.mark_ahead_max_s, "now": time}
        value = self._body.parse(raw, limits)
        return CommandRequest(api, caller, value, hashlib.sha256(raw).hexdigest(), key_of(request), time)

    def described(self, examples: Mapping[str, Any]) -> dict[str, Any]:
        """Return `openapi_extra` for a route that uses this reader."""
        return {**WITHOUT_BODY, "requestBody": self._body.described(examples)}


class CommandRoute(APIRoute):
    """A route that FastAPI matches and describes, and whose endpoint reads the request itself."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the endpoint itself; with parameters in the path, FastAPI's handler, which validates them."""
        return super().get_route_handler() if self.param_convertors else self.endpoint


WITHOUT_BODY: Final[dict[str, Any]] = {"security": [{BEARER.scheme_name: []}], "parameters": [KEY_PARAMETER]}
"""`openapi_extra` of a route whose command has no body."""


def read_without_body(request: Request) -> CommandRequest[None]:
    """Read a command that has no body.

    Raises:
        Problem: 401, 403 or 422, in this order.
    """
    api: Api = request.app.state.api
    return CommandRequest(api, allowed(request), None, "", key_of(request), now())


def allowed(request: Request) -> str:
    """Return the caller's id.

    Raises:
        Problem: 401 without a valid token, 403 when the permission table does not allow the request.
    """
    caller = permitted(request)
    if caller is None:
        raise unauthenticated("no bearer token was sent", error="")
    return caller.subject


def key_of(request: Request) -> str | None:
    """Return the Idempotency-Key, or None.

    Raises:
        Problem: 422 when the header is not a valid key.
    """
    key = request.headers.get("idempotency-key")
    if key is None or (len(key) <= KEY_CHARS_MAX and _key.fullmatch(key)):
        return key
    detail = f"expected 1 to {KEY_CHARS_MAX} visible ASCII characters, got {key[:KEY_CHARS_MAX]!r}"
    raise Problem(VALIDATION, f"{KEY_HEADER}: {detail}", errors=[Fault(parameter=KEY_HEADER, detail=detail)])
