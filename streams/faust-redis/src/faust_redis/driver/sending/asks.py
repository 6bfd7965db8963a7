"""Fail the `ask` whose request was not written. Without this, Faust waits for the reply without end."""

from __future__ import annotations

import asyncio
from typing import Any

from faust_redis.driver import faust_internals as internals
from faust_redis.driver.commit.outputs import Output

CORRELATION_HEADER = "Faust-Ag-CorrelationId"
REGISTRATION_POLL_S = 0.1
REGISTRATION_ATTEMPTS_MAX = 50
"""Attempts to find the waiting caller. Faust sends a request before it registers the caller."""


class Asks:
    """The requests of one app that wait for a reply."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def fail(self, request: Output, error: BaseException, attempts: int = REGISTRATION_ATTEMPTS_MAX) -> None:
        """Fail the caller that waits for the reply to a request; do nothing for a record that is not a request."""
        for name, value in request.headers:
            if name == CORRELATION_HEADER:
                found = internals.fail_reply(self._app, value.decode(), error)
                if not found and attempts > 1:
                    loop = asyncio.get_running_loop()
                    loop.call_later(REGISTRATION_POLL_S, self.fail, request, error, attempts - 1)
