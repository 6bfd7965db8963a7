"""Watch whether the broker may still carry the log. Its settings can change while the API runs."""

from __future__ import annotations

import asyncio
import logging

from faust_redis.log import BrokerUnsuitableError, Log, LogError, LogUnavailableError

WATCH_EVERY_S = 1.0
ANSWER_AGE_MAX_S = 3.0
"""A broker that has not answered for so long counts as unreachable."""

logger = logging.getLogger(__name__)


class BrokerWatch:
    """The broker as it was seen last, looked at once a second.

    Attributes:
        unsuitable: Why the broker could lose records; None while it is suitable.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self.unsuitable: BrokerUnsuitableError | None = None
        self._answered_s: float | None = None

    def require_suitable(self) -> None:
        """Refuse to write to a broker that could lose what is written.

        Raises:
            BrokerUnsuitableError: saying what was found and what to set.
        """
        if self.unsuitable is not None:
            raise BrokerUnsuitableError(str(self.unsuitable))

    def why_not_ready(self) -> str | None:
        """Say what keeps the broker from carrying the log; None when nothing does."""
        now_s = asyncio.get_running_loop().time()
        if self._answered_s is None or now_s - self._answered_s > ANSWER_AGE_MAX_S:
            return "the broker does not answer"
        return None if self.unsuitable is None else str(self.unsuitable)

    async def begin(self) -> None:
        """Look for the first time.

        Raises:
            BrokerUnsuitableError: saying what was found and what to set.
        """
        await self.look()
        self.require_suitable()

    async def look(self) -> None:
        """Look at the broker once. Errors are kept, not raised."""
        try:
            await self._log.check()
            self._answered_s = asyncio.get_running_loop().time()
        except BrokerUnsuitableError as exc:
            self._answered_s = asyncio.get_running_loop().time()
            if self.unsuitable is None:
                logger.warning("commands are refused: %s", exc)
            self.unsuitable = exc
        except LogUnavailableError as exc:
            if self._answered_s is not None:
                logger.warning("the broker does not answer: %s", exc)
            self._answered_s = None
        except LogError:
            logger.exception("the broker's suitability could not be checked")
        else:
            if self.unsuitable is not None:
                logger.warning("the broker is suitable again; commands are accepted")
            self.unsuitable = None

    async def run(self) -> None:
        """Look once a second, until cancelled."""
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            await self.look()
