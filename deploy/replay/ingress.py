"""A client of the ingress. It posts batches and repeats unanswered requests; idempotency keys make this safe."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import httpx
import orjson

from deploy.errors import DeployError
from deploy.replay.fills import Fill

REQUEST_TIMEOUT_S = 30.0
PATIENCE_S = 120.0  # limit of the repetitions of one request
BACKOFF_FIRST_S = 0.2
BACKOFF_MAX_S = 5.0
PASSING = frozenset({408, 425, 429, 502, 503, 504})
PROBLEM_CHARS = 400


class IngressError(DeployError):
    """The API refused a request, or was unreachable for too long."""


class NotYetVisibleError(IngressError):
    """The tables have not reached the position; `behind` records are unprocessed before it."""

    def __init__(self, behind: int, message: str) -> None:
        super().__init__(message)
        self.behind = behind


class GivenToken(httpx.Auth):
    """Authenticates all requests with one token."""

    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send a request with the token."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


class Ingress:
    """A connection to the API of an authenticated client. It reports repeated requests to `say`."""

    def __init__(self, url: str, auth: httpx.Auth, say: Callable[[str], None]) -> None:
        self.url = url.rstrip("/")
        self._say = say
        self._client = httpx.Client(
            base_url=self.url,
            auth=auth,
            timeout=REQUEST_TIMEOUT_S,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def report_fills(self, key: str, fills: Sequence[Fill]) -> dict[str, Any]:
        """Post one batch under its idempotency key. Return the answer.

        Raises:
            IngressError: when the API refuses the batch, or does not answer within `PATIENCE_S`.
        """
        headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
        return self._call("POST", "/v1/fills", headers=headers, content=orjson.dumps({"fills": fills}))

    def get(self, path: str, **params: str | int) -> dict[str, Any]:
        """Send a query.

        Raises:
            NotYetVisibleError: when the query has `after` and the tables have not reached it.
            IngressError: when the API refuses the query, or does not answer within `PATIENCE_S`.
        """
        return self._call("GET", path, params=params)

    def _call(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE_S
        backoff_s = BACKOFF_FIRST_S
        while True:
            try:
                response = self._client.request(method, path, **request)
            except httpx.TransportError as exc:
                trouble, wait_s = f"no answer from {self.url} ({exc or type(exc).__name__})", backoff_s
            else:
                if response.is_success:
                    return self._json(response)
                trouble = _problem(response)
                if response.status_code == HTTPStatus.GATEWAY_TIMEOUT and "after" in request.get("params", ()):
                    raise NotYetVisibleError(_behind(response), trouble)
                if response.status_code not in PASSING:
                    raise IngressError(f"{method} {path} was refused: {trouble}")
                wait_s = retry_after(response.headers, backoff_s)
            if time.monotonic() + wait_s > deadline:
                raise IngressError(
                    f"{trouble}; gave up after {PATIENCE_S:.0f} s. Repeat the replay, it changes nothing"
                )
            self._say(f"{trouble}; again in {wait_s:g} s")
            time.sleep(wait_s)
            backoff_s = min(2 * backoff_s, BACKOFF_MAX_S)

    def _json(self, response: httpx.Response) -> dict[str, Any]:
        try:
            body = response.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise IngressError(f"{self.url} does not answer as the AstraTrade API does; is the URL right?")
        return body


def retry_after(headers: Mapping[str, str], otherwise_s: float) -> float:
    """Return the seconds of the Retry-After header, or `otherwise_s` without one."""
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        return otherwise_s


def _behind(response: httpx.Response) -> int:
    try:
        return int(response.json()["behind"])
    except (ValueError, KeyError, TypeError):
        return 0


def _problem(response: httpx.Response) -> str:
    """Return the text of a problem document on one line."""
    try:
        document = response.json()
        faults = [
            f"{fault.get('pointer') or fault.get('parameter')}: {fault['detail']}" for fault in document["errors"]
        ]
        text = "; ".join([f"{document['title']}: {document['detail']}", *faults])
    except (ValueError, KeyError, TypeError, AttributeError):
        text = " ".join(response.text.split())
    return f"{response.status_code} {text}"[:PROBLEM_CHARS]
