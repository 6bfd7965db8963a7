"""An operator who suspends accounts, as `astratrade accounts suspend` does, also while the database is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from api.identity import account_changes
from api.identity.accounts import StatusError
from api.identity.store.database import IdentityStore
from streams.connect.outbox.service import UNAVAILABLE_ERRORS
from streams.connect.outbox.unit_of_work import UnitOfWork
from tests.outbox.database import now

ACTOR = "operator:test"
RETRY_S = 0.05
DONE_WITHIN_S = 60.0


class Operator:
    """Changes accounts in the database."""

    def __init__(self, store: IdentityStore) -> None:
        self._store = store

    async def suspend(self, account_id: str) -> None:
        """Suspend an account."""
        await self._until_done(lambda work: account_changes.suspend(work, account_id, actor=ACTOR, reason="test"))

    async def reinstate(self, account_id: str) -> None:
        """End its suspension."""
        await self._until_done(lambda work: account_changes.reinstate(work, account_id, actor=ACTOR, reason="test"))

    async def _until_done(self, change: Callable[[UnitOfWork], Awaitable[None]]) -> None:
        deadline = time.monotonic() + DONE_WITHIN_S
        while True:
            assert time.monotonic() < deadline, "the database does not come back"
            with suppress(*UNAVAILABLE_ERRORS):
                try:
                    async with self._store.work(now()) as work:
                        await change(work)
                except StatusError:
                    pass  # an attempt whose commit was not answered has done it
                return
            await asyncio.sleep(RETRY_S)
