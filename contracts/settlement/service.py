"""Keep a settlement running: retry while node or log are away, and stop at what an operator has to repair."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from faust_redis.log import LogError
from faust_redis.log.errors import NamespaceTakenError

from contracts.indexer.errors import NodeError
from contracts.settlement.errors import SettlementError
from contracts.settlement.settlement import Settlement
from contracts.settlement.waits import wait_of
from streams.retry import first_line, retry_through_outages

UNAVAILABLE_ERRORS: Final = (NodeError, LogError, OSError)
"""The errors of work while node or log are away, or the node takes no transaction."""
WORKS_S: Final = 10.0
"""A settlement that is well reaches node and log more often than this."""


class SettlementService:
    """One settlement and what it needs around it.

    Attributes:
        settlement: The settlement.
        trouble: Why it could not settle when it last failed.
    """

    def __init__(self, settlement: Settlement, check: Callable[[], Awaitable[None]], poll_s: float) -> None:
        """Create the service.

        Args:
            settlement: The settlement.
            check: Checks that the log can be used.
            poll_s: How often a settlement that has nothing to do looks again.
        """
        self.settlement = settlement
        self.trouble = "it has not read the log yet"
        self.failures = 0
        self._check, self._poll_s = check, poll_s

    async def run(self) -> None:
        """Settle until cancelled.

        Raises:
            SettlementError: settlement has to stop.
        """
        await retry_through_outages(self._settle, "settling", UNAVAILABLE_ERRORS)

    @property
    def is_settling(self) -> bool:
        """Return whether the settlement has reached node and log within the last seconds."""
        return time.monotonic() - self.settlement.counts.worked_s < WORKS_S + self._poll_s

    async def _settle(self) -> None:
        try:
            await self._check()
            while True:
                if not await self.settlement.step():
                    await asyncio.sleep(self._poll_s)
        except NamespaceTakenError as exc:
            raise SettlementError(str(exc)) from exc
        except UNAVAILABLE_ERRORS as exc:
            self.failures += 1
            self.trouble = first_line(exc)
            self.settlement.counts.waits = wait_of(exc)
            raise
