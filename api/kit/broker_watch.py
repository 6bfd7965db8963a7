"""Watch whether the broker may still carry the log. Its settings can change while the API runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from faust_redis.log import BrokerUnsuitableError, Log, LogError, LogUnavailableError
from faust_redis.log.shards import OTHERS_WITHIN_S

WATCH_EVERY_S = 1.0
ANSWER_AGE_MAX_S = 3.0
"""A broker that has not answered for so long counts as unreachable."""

StorageFault = Callable[[], str | None]
"""Returns why the broker keeps nothing although it answers, or None."""

logger = logging.getLogger(__name__)


class BrokerWatch:
    """The last known state of the broker, checked once a second.

    Attributes:
        unsuitable: Why commands are refused: the broker could lose records, or the namespace belongs to another
            application. None while all is well.
        away: The shards that did not answer, of those that the others do without.
    """

    def __init__(self, log: Log, storage_fault: StorageFault = lambda: None) -> None:
        self._log = log
        self._storage_fault = storage_fault
        self.unsuitable: LogError | None = None
        self._answered_s: float | None = None
        self._absent = False
        self.away: set[int] = set()

    def require_suitable(self) -> None:
        """Refuse to write to a broker that could lose records.

        Raises:
            BrokerUnsuitableError: the message names the setting that was found and the one to set.
        """
        if self.unsuitable is not None:
            raise BrokerUnsuitableError(str(self.unsuitable))

    def why_not_ready(self) -> str | None:
        """Return the reason why the broker cannot carry the log, or None."""
        now_s = asyncio.get_running_loop().time()
        if self._answered_s is None or now_s - self._answered_s > ANSWER_AGE_MAX_S:
            return "the broker does not answer"
        return None if self.unsuitable is None else str(self.unsuitable)

    async def begin(self) -> None:
        """Check the broker for the first time. Wait while it is away.

        Raises:
            LogError: the broker is unsuitable, or the namespace belongs to another application; with what to do.
        """
        try:
            await self._check()
        except LogUnavailableError as exc:
            self._note_absence(exc)

    async def look(self) -> None:
        """Check the broker once. Store an error instead of raising it."""
        try:
            await self._check()
        except LogUnavailableError as exc:
            self._note_absence(exc)
        except LogError as exc:
            if self.unsuitable is None:
                logger.warning("commands are refused: %s", exc)
            self.unsuitable = exc
        else:
            if self.unsuitable is not None:
                logger.warning("the broker is suitable again; commands are accepted")
            self.unsuitable = None

    async def run(self) -> None:
        """Check the broker once a second, until cancelled."""
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            await self.look()

    async def _check(self) -> None:
        """Check the first shard, without which nothing works, and then the others."""
        first, *others = self._log.shards
        try:
            await first.check()
            for number, shard in enumerate(others, start=1):
                await self._check_other(number, shard)
        except LogUnavailableError:
            raise
        except LogError:
            self._note_answer()
            raise
        self._note_answer()
        fault = self._storage_fault()
        if fault is not None:
            raise BrokerUnsuitableError(fault)

    async def _check_other(self, number: int, shard: Log) -> None:
        """Check a shard without which the others go on."""
        try:
            async with asyncio.timeout(OTHERS_WITHIN_S):
                await shard.check()
        except (LogUnavailableError, TimeoutError):
            if number not in self.away:
                logger.warning("shard %d of the log does not answer; what belongs to the others goes on", number)
            self.away.add(number)
        else:
            if number in self.away:
                logger.warning("shard %d of the log answers again", number)
            self.away.discard(number)

    def _note_answer(self) -> None:
        if self._absent:
            logger.warning("the broker answers again")
        self._absent = False
        self._answered_s = asyncio.get_running_loop().time()

    def _note_absence(self, exc: LogUnavailableError) -> None:
        if not self._absent:
            logger.warning("waiting for the broker: %s", exc)
        self._absent = True
        self._answered_s = None
