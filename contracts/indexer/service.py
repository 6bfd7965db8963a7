"""Keep an indexer running: retry while node or log are away, and look for new blocks in time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from faust_redis.log import LogError
from faust_redis.log.errors import NamespaceTakenError

from contracts.indexer.errors import IndexerError, NodeError
from contracts.indexer.indexer import Indexer
from contracts.indexer.new_heads import NewHeads
from streams.retry import first_line, retry_through_outages
from streams.times import SECOND_US, Instant

UNAVAILABLE_ERRORS: Final = (NodeError, LogError, OSError)
"""The errors of work while node or log are away, or the node answers wrongly."""
WORKS_S: Final = 10.0
"""An indexer that is well reaches node and log more often than this."""


class IndexerService:
    """Runs one indexer: it waits through outages, and knows how far the indexer is behind.

    Attributes:
        indexer: The indexer.
        heads: Tells of new blocks.
        trouble: Why it could not index when it last failed.
    """

    def __init__(
        self,
        indexer: Indexer,
        check: Callable[[], Awaitable[None]],
        poll_s: float,
        now: Callable[[], Instant],
        heads: NewHeads | None = None,
    ) -> None:
        """Create the service.

        Args:
            indexer: The indexer.
            check: Checks that the log can be used.
            poll_s: How often an indexer that has caught up asks for a new block.
            now: The clock.
            heads: Tells of new blocks before the next poll.
        """
        self.indexer = indexer
        self.heads = heads or NewHeads(None)
        self.trouble = "it has not read a block yet"
        self.failures = 0
        self._check = check
        self._poll_s = poll_s
        self._now = now

    async def run(self) -> None:
        """Index until cancelled.

        Raises:
            IndexerError: node, log and settings do not belong together.
        """
        listening = asyncio.create_task(self.heads.run())
        try:
            await retry_through_outages(self._index, "indexing", UNAVAILABLE_ERRORS)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    @property
    def is_indexing(self) -> bool:
        """Return whether the indexer has reached node and log within the last seconds."""
        return time.monotonic() - self.indexer.counts.worked_s < WORKS_S + self._poll_s

    @property
    def behind_blocks(self) -> int:
        """Return how many blocks of the node's chain are not in the log."""
        return max(0, self.indexer.counts.head - self.indexer.counts.cursor)

    def behind_s(self) -> float:
        """Return how old the last block in the log is while there are newer ones, in seconds; 0 when there are none."""
        counts = self.indexer.counts
        if not self.behind_blocks or not counts.cursor_time_s:
            return 0.0
        return max(0.0, self._now() / SECOND_US - counts.cursor_time_s)

    async def _index(self) -> None:
        try:
            await self._check()
            while True:
                if not await self.indexer.step():
                    await self.heads.wait(self._poll_s)
        except NamespaceTakenError as exc:
            raise IndexerError(str(exc)) from exc
        except UNAVAILABLE_ERRORS as exc:
            self.failures += 1
            self.trouble = first_line(exc)
            raise
