"""Watch whether the broker may still carry the log. Its settings can change while the API runs."""

from __future__ import annotations

import asyncio
import logging

from faust_redis.log import BrokerUnsuitableError, Log, LogError, LogUnavailableError

WATCH_EVERY_S = 1.0

logger = logging.getLogger(__name__)


class BrokerWatch:
    """The broker as it was seen last, looked at once a second.

    Attributes:
        unsuitable: Why the broker could lose records; None while it is suitable.
        unreachable: Why the broker did not answer; None while it answers.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self.unsuitable: BrokerUnsuitableError | None = None
        self.unreachable: LogUnavailableError | None = None

    def require_suitable(self) -> None:
        """Refuse to write to a broker that could lose what is written.

        Raises:
            BrokerUnsuitableError: saying what was found and what to set.
        """
        if self.unsuitable is not None:
            raise BrokerUnsuitableError(str(self.unsuitable))

    async def look(self) -> None:
        """Look at the broker once. Errors are kept, not raised."""
        try:
            await self._log.check()
        except BrokerUnsuitableError as exc:
            if self.unsuitable is None:
                logger.warning("commands are refused: %s", exc)
            self.unsuitable = exc
        except LogUnavailableError as exc:
            self.unreachable = exc
        except LogError:
            logger.exception("the broker's suitability could not be checked")
        else:
            if self.unsuitable is not None:
                logger.warning("the broker is suitable again; commands are accepted")
            self.unsuitable = self.unreachable = None

    async def run(self) -> None:
        """Look once a second, until cancelled."""
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            await self.look()
