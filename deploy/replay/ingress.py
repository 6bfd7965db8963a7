"""The API as a replay uses it: the Python client, with its errors as the command line prints them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

from astratrade_client import AstraTrade, AstraTradeError, Credentials, ProblemError, Retry, UnreachableError

from deploy.errors import DeployError
from deploy.replay.fills import Fill, Mark

PATIENCE_S = 120.0  # limit of the repetitions of one request
STALL_S = 120.0  # limit of a wait while the workers process no record
WAIT_MS = 5_000  # of one request that waits for the workers
NOT_YET_VISIBLE = 504
NO_ANSWER = "no answer from "  # how the client reports a request without an answer


class IngressError(DeployError):
    """The API refused a request, or was unreachable for too long."""


class NotYetVisibleError(IngressError):
    """The tables have not reached the position; `behind` records are unprocessed before it."""

    def __init__(self, behind: int, message: str) -> None:
        super().__init__(message)
        self.behind = behind


class Ingress:
    """A connection to the API with credentials. It reports repeated requests to `say`."""

    def __init__(self, url: str, credentials: Credentials, say: Callable[[str], None]) -> None:
        self._client = AstraTrade(url, credentials=credentials, retry=Retry(patience_s=PATIENCE_S, say=self._report))
        self.url = self._client.url
        self._say = say
        self._hinted = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()

    def _report(self, sentence: str) -> None:
        """Report a repeated request; say what to do at the first one that got no answer."""
        if sentence.startswith(NO_ANSWER) and not self._hinted:
            self._hinted = True
            self._say(f"waiting for the API at {self.url}; start `astratrade dev`, or give --url")
        self._say(sentence)

    async def report_fills(self, key: str, fills: Sequence[Fill]) -> dict[str, Any]:
        """Post one batch under its idempotency key. Return the answer.

        Raises:
            IngressError: when the API refuses the batch, or does not answer within `PATIENCE_S`.
        """
        async with _translated("POST /v1/fills"):
            return await self._client.command("/v1/fills", {"fills": fills}, idempotency_key=key)

    async def report_prices(self, key: str, marks: Sequence[Mark]) -> dict[str, Any]:
        """Post mark prices under an idempotency key. Return the answer.

        Raises:
            IngressError: when the API refuses them, or does not answer within `PATIENCE_S`.
        """
        async with _translated("POST /v1/prices"):
            return await self._client.command("/v1/prices", {"prices": marks}, idempotency_key=key)

    async def get_after(self, position: object, path: str, **params: str | int) -> dict[str, Any]:
        """Send a query, and wait until its answer shows the effects of all records below the position.

        Raises:
            IngressError: when the API refuses the query, or the workers have not processed a record for `STALL_S`.
        """
        behind, since = -1, time.monotonic()
        while True:
            try:
                return await self.get(path, after=str(position), wait_ms=WAIT_MS, **params)
            except NotYetVisibleError as exc:
                if exc.behind != behind:
                    behind, since = exc.behind, time.monotonic()
                if time.monotonic() - since > STALL_S:
                    raise IngressError(
                        f"nothing was processed for {STALL_S:.0f} s ({exc}); is a worker running?"
                    ) from exc

    async def get(self, path: str, **params: str | int) -> dict[str, Any]:
        """Send a query.

        Raises:
            NotYetVisibleError: when the query has `after` and the tables have not reached it.
            IngressError: when the API refuses the query, or does not answer within `PATIENCE_S`.
        """
        async with _translated(f"GET {path}"):
            return await self._client.get(path, **params)


@asynccontextmanager
async def _translated(request: str) -> AsyncIterator[None]:
    try:
        yield
    except ProblemError as problem:
        if problem.status == NOT_YET_VISIBLE and problem.kind == "not-yet-visible":
            behind: Any = problem.document.get("behind", 0)
            raise NotYetVisibleError(int(behind), str(problem)) from problem
        raise IngressError(f"{request} was refused: {problem}") from problem
    except UnreachableError as error:
        raise IngressError(
            f"{error}; gave up after {PATIENCE_S:.0f} s. Repeat the replay, it changes nothing"
        ) from error
    except AstraTradeError as error:
        raise IngressError(f"{error}; is the URL right?") from error
