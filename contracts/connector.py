"""What indexer, settlement and sink share: steps between a chain and a log, and a service that takes them.

The service retries while node or log are away, and stops at what an operator has to repair.
"""

from __future__ import annotations

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import ClassVar, Final, Generic, Protocol, TypeVar

from faust_redis.log import IncarnationError, LogError, ResizedError, SourceMovedError, UnknownTopicError
from faust_redis.log.errors import NamespaceTakenError

from contracts.indexer.errors import BlockGoneError, NodeError
from streams.retry import first_line, retry_through_outages

UNAVAILABLE_ERRORS: Final = (NodeError, LogError, OSError)
"""The errors of work while node or log are away, the node answers wrongly, or it takes no transaction."""
REFUSED_ERRORS: Final = (SourceMovedError, IncarnationError, ResizedError, UnknownTopicError)
"""The errors of a write while another process was first, or the log is another one."""
WORKS_S: Final = 10.0
"""A connector that is well reaches node and log more often than this."""

logger = logging.getLogger(__name__)


class Counts(Protocol):
    """What every connector counts.

    Attributes:
        refused: Writes that the log refused because another process was first.
        worked_s: When node and log were last reached, by the monotonic clock; -inf for never.
    """

    refused: int
    worked_s: float


class Connector(ABC):
    """Carries between a chain and a log, one step after the other. `step` may be called again after it raised.

    Attributes:
        doing: The connector's work in one word, such as `settling`, for log lines and the readiness.
        fatal: The error at which it stops, for an operator to repair.
    """

    doing: ClassVar[str]
    fatal: ClassVar[type[Exception]]
    counts: Counts

    async def step(self) -> bool:
        """Do the next thing that there is to do. Return whether there was any.

        Raises:
            NodeError: the node gives no answer, a wrong one, or takes no transaction.
            LogError: the log is away.
            Exception: the one in `fatal`: the connector has to stop.
        """
        try:
            return await self._step()
        except BlockGoneError as exc:
            logger.info("the chain changed while it was read, or the node is behind: %s", exc)
            return False
        except REFUSED_ERRORS as exc:
            logger.debug("a write was refused, and the state is read again: %s", exc)
            self.counts.refused += 1
            self._forget()
            return True

    @abstractmethod
    async def _step(self) -> bool:
        """Do the next thing."""

    @abstractmethod
    def _forget(self) -> None:
        """Forget the state, so that the next step reads it from the log."""

    def failed(self, error: Exception) -> None:  # noqa: B027 - most connectors note nothing
        """Note why a step failed."""


C = TypeVar("C", bound=Connector)


class ConnectorService(Generic[C]):
    """Takes the steps of one connector.

    Attributes:
        connector: The connector.
        failures: Times that node or log were away, or the node took no transaction.
        trouble: Why the last step that failed did.
    """

    def __init__(
        self,
        connector: C,
        check: Callable[[], Awaitable[None]],
        poll_s: float,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """Create the service.

        Args:
            connector: The connector.
            check: Checks that the log can be used.
            poll_s: How often a connector that has nothing to do looks again, in seconds.
            pause: Waits for so many seconds, or shorter when there is something to do.
        """
        self.connector = connector
        self.failures = 0
        self.trouble = "it has not read the log yet"
        self._check, self._poll_s, self._pause = check, poll_s, pause

    async def run(self) -> None:
        """Take steps until cancelled.

        Raises:
            Exception: the connector's `fatal` one: it has to stop.
        """
        await retry_through_outages(self._work, self.connector.doing, UNAVAILABLE_ERRORS)

    @property
    def works(self) -> bool:
        """Return whether the connector has reached node and log within the last seconds."""
        return time.monotonic() - self.connector.counts.worked_s < WORKS_S + self._poll_s

    @property
    def why_not(self) -> str | None:
        """Return why the connector does not work; None if it does."""
        return None if self.works else self.trouble

    async def _work(self) -> None:
        try:
            await self._check()
            while True:
                if not await self.connector.step():
                    await self._pause(self._poll_s)
        except NamespaceTakenError as exc:
            raise self.connector.fatal(str(exc)) from exc
        except UNAVAILABLE_ERRORS as exc:
            self.failures += 1
            self.trouble = first_line(exc)
            self.connector.failed(exc)
            raise
