"""Problem documents (RFC 9457): all kinds, and the exception that carries one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from api.kit import request_identity

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem; its name is the stable last part of the `type` URI. `remedy` is the text of its page."""

    name: str
    status: int
    title: str
    remedy: str

    @property
    def uri(self) -> str:
        """Return the `type` of problem documents of this kind."""
        return f"/problems/{self.name}"


_kinds: dict[str, Kind] = {}
KINDS: Final[Mapping[str, Kind]] = _kinds
"""All kinds by their names, in the order of their status."""


def _kind(name: str, status: int, title: str, remedy: str) -> Kind:
    kind = _kinds[name] = Kind(name, status, title, remedy)
    return kind


BAD_REQUEST = _kind("bad-request", 400, "The request is not valid HTTP for this API", "See `detail` for what is wrong.")
MALFORMED_JSON = _kind("malformed-json", 400, "The body is not JSON", "Send one JSON document in UTF-8; see `detail`.")
UNKNOWN_CURSOR = _kind(
    "unknown-cursor",
    400,
    "The cursor is not one of this list",
    "A cursor works only for the board, period and market it was given for, and only while the table lives. "
    "Start again without a cursor.",
)
UNAUTHENTICATED = _kind(
    "unauthenticated",
    401,
    "A valid token is needed",
    "Send `Authorization: Bearer <token>` with a token that has not expired.",
)
SIGN_IN_FAILED = _kind(
    "sign-in-failed",
    401,
    "Signing in failed",
    "Check the user name and the password; or sign in again, when a refresh token was refused. A wallet signs a new "
    "challenge.",
)
FORBIDDEN = _kind(
    "forbidden", 403, "The caller may not do this", "Use a token or an API key that has what `detail` names."
)
NOT_FOUND = _kind("not-found", 404, "There is nothing here", "Check the path against /openapi.json.")
METHOD_NOT_ALLOWED = _kind(
    "method-not-allowed", 405, "This path has no such method", "Use a method of the Allow header."
)
REQUEST_TIMEOUT = _kind(
    "request-timeout", 408, "The request did not arrive in time", "Send the whole request at once, on a new connection."
)
TAKEN = _kind("taken", 409, "The user name or e-mail address is taken", "Choose another one, or sign in.")
WALLET_TAKEN = _kind(
    "wallet-taken",
    409,
    "The wallet is linked to an account",
    "Sign in with the wallet, or unlink it from the account that has it.",
)
LAST_CREDENTIAL = _kind(
    "last-credential",
    409,
    "The account would have no way to sign in",
    "Link another wallet first, or close the account.",
)
TOO_MANY_WALLETS = _kind("too-many-wallets", 409, "The account has as many wallets as it may have", "Unlink one first.")
LIMIT_REACHED = _kind(
    "limit-reached",
    409,
    "The account has as many of these as it may have",
    "Remove one that is not used; see `detail`.",
)
ACCOUNT_STATE = _kind(
    "account-state",
    409,
    "The state of the account does not allow this",
    "`detail` says why: the account is suspended already, for example, or closed.",
)
POSITION_GONE = _kind(
    "position-gone",
    410,
    "The position is of another epoch",
    "The topic was re-created or rolled back since the position was given. Send the command again, or read without it.",
)
ROWS_LEFT = _kind(
    "rows-left",
    410,
    "The rows have left the tables",
    "Old rows leave the tables; `detail` says up to which time. The archive of the installation has them, and its "
    "operators query it by `astratrade history`.",
)
TOO_LARGE = _kind("too-large", 413, "The body is too large", "Send smaller batches; `detail` says the limit.")
UNSUPPORTED_MEDIA = _kind(
    "unsupported-media-type", 415, "The body must be JSON", "Send `Content-Type: application/json`."
)
VALIDATION = _kind(
    "validation",
    422,
    "The request does not have the expected form",
    "`errors` lists each fault with a JSON pointer or the parameter's name. Nothing was accepted.",
)
IDEMPOTENCY_CONFLICT = _kind(
    "idempotency-conflict",
    422,
    "The Idempotency-Key was used with another body",
    "Use a new key for a new request; repeat a request with exactly the body it had.",
)
UPGRADE_REQUIRED = _kind(
    "upgrade-required", 426, "This path speaks WebSocket", "Open a WebSocket, or follow a feed of /v1/feed."
)
TOO_MANY_ATTEMPTS = _kind(
    "too-many-attempts",
    429,
    "Too many attempts to sign in have failed",
    "Wait for `Retry-After` seconds. The wait doubles with each failure.",
)
TOO_MANY_REQUESTS = _kind(
    "too-many-requests",
    429,
    "Too many requests",
    "Send the same request again after `Retry-After` seconds. The `RateLimit` header says what is left.",
)
TOO_MANY_FEEDS = _kind(
    "too-many-feeds",
    429,
    "Too many feeds are open",
    "Close feeds that you do not use. `detail` says how many a caller may have.",
)
HEAD_TOO_LARGE = _kind(
    "headers-too-large", 431, "The headers are too large", "Send fewer or shorter headers; `detail` says the limit."
)
INTERNAL = _kind("internal", 500, "Something failed on our side", "Try again; nothing is known to be accepted.")
UNAVAILABLE = _kind(
    "unavailable",
    503,
    "The service cannot do this just now",
    "`detail` names the reason. Repeat the request after `Retry-After` seconds. A command with the same "
    "Idempotency-Key takes effect once.",
)
TOO_MANY_CONNECTIONS = _kind(
    "too-many-connections",
    503,
    "Too many connections are open",
    "Close connections that you do not use, and try again after `Retry-After` seconds.",
)
DOMAIN_DELAYED = _kind(
    "domain-delayed",
    503,
    "The domain that processes this command is down or too far behind",
    "`delayed` names the domain and how far it is behind. Repeat the request after `Retry-After` seconds with the same "
    "Idempotency-Key. Commands of other domains, and all queries, are answered as usual.",
)
NOT_YET_VISIBLE = _kind(
    "not-yet-visible",
    504,
    "The table has not caught up with the position in time",
    "The command is in the log and will be applied. Ask again; `detail` gives the number of records before it.",
)


class Fault(BaseModel):
    """One thing that is wrong with the request."""

    pointer: Annotated[str | None, Field(description="JSON pointer into the body", examples=["#/fills/3/price"])] = None
    parameter: Annotated[str | None, Field(description="Query, path or header parameter", examples=["limit"])] = None
    detail: Annotated[str, Field(examples=["must be greater than 0"])]


class ProblemDocument(BaseModel):
    """A problem document (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: Annotated[str, Field(examples=["/problems/validation"])]
    title: str
    status: int
    detail: str
    instance: Annotated[str, Field(description="The path of the request", examples=["/v1/trades"])]
    request_id: Annotated[
        str | None, Field(description="The request's X-Request-Id, as in the logs", examples=["9f86d081884c7d65"])
    ] = None
    errors: Annotated[list[Fault], Field(description="The faults of the request; empty for other problems")] = []


class Problem(Exception):  # noqa: N818 - the standard's word
    """Raise it to answer with a problem document. `extra` members are added to the document."""

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})
        self.extra = extra

    def document(self, instance: str) -> dict[str, Any]:
        """Return the problem as a JSON object, with the id of the request that this task serves."""
        request = request_identity.current.get()
        named = {} if request is None else {"request_id": request.request_id}
        return {
            "type": self.kind.uri,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
            "instance": instance,
            **named,
            "errors": [fault.model_dump(exclude_none=True) for fault in self.errors],
            **self.extra,
        }


def invalid(parameter: str, detail: str) -> Problem:
    """Return the problem of a parameter that has no valid value: 422."""
    return Problem(VALIDATION, detail, errors=[Fault(parameter=parameter, detail=detail)])
