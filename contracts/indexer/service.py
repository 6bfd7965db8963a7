"""Keep an indexer running, and let the node tell it of new blocks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from contracts.connector import ConnectorService
from contracts.indexer.indexer import Indexer
from contracts.indexer.new_heads import NewHeads


class IndexerService(ConnectorService[Indexer]):
    """Runs one indexer, which looks for a new block when the node tells of one, or after a pause.

    Attributes:
        heads: Tells of new blocks.
    """

    def __init__(
        self, indexer: Indexer, check: Callable[[], Awaitable[None]], poll_s: float, heads: NewHeads | None = None
    ) -> None:
        """Create the service; `heads` tells of new blocks before the next poll."""
        self.heads = heads or NewHeads(None)
        super().__init__(indexer, check, poll_s, self.heads.wait)

    async def run(self) -> None:
        """Index until cancelled.

        Raises:
            IndexerError: node, log and settings do not belong together.
        """
        listening = asyncio.create_task(self.heads.run())
        try:
            await super().run()
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
