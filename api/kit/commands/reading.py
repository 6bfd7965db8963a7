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

from fastapi import Depends, Request
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.responses import Response

from api.auth import Role
from api.kit.callers import BEARER, caller_of
from api.kit.clock import now
from api.kit.commands.duplicate_keys import Duplicate, find_duplicate_key
from api.kit.commands.writer import Submission
from api.kit.context import Api
from api.kit.faults import faults_of
from api.kit.problems import FORBIDDEN, MALFORMED_JSON, UNSUPPORTED_MEDIA, VALIDATION, Fault, Problem
from streams.events.base import EventData
from streams.times import Instant

T = TypeVar("T", bound=BaseModel)
BodyT = TypeVar("BodyT", bound=BaseModel | None)

JSON = "application/json"
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
    """Reads commands of one kind: checks the caller's role and validates the body against a model."""

    def __init__(self, role: Role, model: type[T]) -> None:
        self._role = role
        self._model = model
        self._adapter: TypeAdapter[T] = TypeAdapter(model)

    async def __call__(self, request: Request) -> CommandRequest[T]:
        """Read a command.

        Raises:
            Problem: 401, 403, 415, 400 or 422, in this order.
        """
        api: Api = request.app.state.api
        caller = allowed(api, request, self._role)
        media_type = request.headers.get("content-type", JSON)
        if media_type != JSON and media_type.partition(";")[0].strip().lower() != JSON:
            raise Problem(UNSUPPORTED_MEDIA, f"expected {JSON}, got {media_type.partition(';')[0].strip()[:80]!r}")
        raw, time = await request.body(), now()
        limits = {"markets": api.config.markets, "mark_ahead_max_s": api.config.mark_ahead_max_s, "now": time}
        try:
            value = self._adapter.validate_json(raw, context=limits)
        except ValidationError as exc:
            raise _problem(exc) from exc
        if duplicate := find_duplicate_key(raw, value):
            raise _duplicate(duplicate)
        return CommandRequest(api, caller, value, hashlib.sha256(raw).hexdigest(), key_of(request), time)

    def described(self, examples: Mapping[str, Any]) -> dict[str, Any]:
        """Return `openapi_extra` for a route that uses this reader; `api.kit.openapi` adds the model's schema."""
        content = {
            "schema": {"$ref": f"#/components/schemas/{self._model.__name__}"},
            "examples": {name: {"value": value} for name, value in examples.items()},
        }
        return {**WITHOUT_BODY, "requestBody": {"required": True, "content": {JSON: content}}}


class CommandRoute(APIRoute):
    """A route that FastAPI matches and describes, and whose endpoint reads the request itself."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the endpoint itself; with parameters in the path, FastAPI's handler, which validates them."""
        return super().get_route_handler() if self.param_convertors else self.endpoint


WITHOUT_BODY: Final[dict[str, Any]] = {"security": [{BEARER.scheme_name: []}], "parameters": [KEY_PARAMETER]}
"""`openapi_extra` of a route whose command has no body."""


async def _trader(request: Request) -> None:
    """Refuse a caller who may not trade, before FastAPI checks the parameters of the path."""
    allowed(request.app.state.api, request, Role.USER)


TRADER: Final = Depends(_trader)


def read_without_body(request: Request, role: Role) -> CommandRequest[None]:
    """Read a command that has no body.

    Raises:
        Problem: 401, 403 or 422, in this order.
    """
    api: Api = request.app.state.api
    return CommandRequest(api, allowed(api, request, role), None, "", key_of(request), now())


def allowed(api: Api, request: Request, role: Role) -> str:
    """Return the caller's id.

    Raises:
        Problem: 401 without a valid token, 403 when the token has another role.
    """
    caller = caller_of(api, request)
    if caller.role is not role:
        raise Problem(FORBIDDEN, f"this needs a token with the role {role}; yours has the role {caller.role}")
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


def _duplicate(duplicate: Duplicate) -> Problem:
    detail = f"the key {duplicate.key!r} occurs twice in one object"
    fault = Fault(pointer=duplicate.pointer, detail=detail)
    return Problem(VALIDATION, f"{duplicate.pointer}: {detail}; nothing was accepted", errors=[fault])


def _problem(exc: ValidationError) -> Problem:
    found = exc.errors(include_url=False, include_context=False, include_input=False)
    if found[0]["type"] == "json_invalid":
        return Problem(MALFORMED_JSON, found[0]["msg"].removeprefix("Invalid JSON: "))
    indices = sorted({error["loc"][1] for error in found if len(error["loc"]) > 1 and isinstance(error["loc"][1], int)})
    extra: Mapping[str, Any] = {"indices": indices} if indices else {}
    many = f"{len(indices)} items of the batch are not valid" if indices else "the body is not valid"
    return Problem(VALIDATION, f"{many}; nothing was accepted", errors=faults_of(found), **extra)
