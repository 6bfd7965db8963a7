"""Keep a sink running: retry while node or log are away, and stop at what an operator has to repair."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from faust_redis.log.errors import NamespaceTakenError

from contracts.settlement.service import UNAVAILABLE_ERRORS
from contracts.sink.errors import SinkError
from contracts.sink.sink import Sink
from streams.retry import first_line, retry_through_outages

WORKS_S: Final = 10.0
"""A sink that is well reaches node and log more often than this."""


class SinkService:
    """One sink and what it needs around it.

    Attributes:
        sink: The sink.
        trouble: Why it could not work when it last failed.
    """

    def __init__(self, sink: Sink, check: Callable[[], Awaitable[None]], poll_s: float) -> None:
        """Create the service.

        Args:
            sink: The sink.
            check: Checks that the log can be used.
            poll_s: How often a sink that has nothing to do looks again.
        """
        self.sink = sink
        self.trouble = "it has not read the log yet"
        self.failures = 0
        self._check, self._poll_s = check, poll_s

    async def run(self) -> None:
        """Carry what there is until cancelled.

        Raises:
            SinkError: the sink has to stop.
        """
        await retry_through_outages(self._work, "sending", UNAVAILABLE_ERRORS)

    @property
    def is_working(self) -> bool:
        """Return whether the sink has reached node and log within the last seconds."""
        return time.monotonic() - self.sink.counts.worked_s < WORKS_S + self._poll_s

    async def _work(self) -> None:
        try:
            await self._check()
            while True:
                if not await self.sink.step():
                    await asyncio.sleep(self._poll_s)
        except NamespaceTakenError as exc:
            raise SinkError(str(exc)) from exc
        except UNAVAILABLE_ERRORS as exc:
            self.failures += 1
            self.trouble = first_line(exc)
            raise
