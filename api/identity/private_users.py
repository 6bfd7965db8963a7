"""Keep the set of private users in the process's memory. The store is read twice a second.

Memory: a set of ids. 100,000 private users take about 13 MB
(`test_the_ids_of_100_000_private_users_take_a_few_megabytes`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from api.identity.limits import LATE_COMMIT_US
from api.identity.store.database import IdentityStore
from api.identity.store.errors import StoreError
from api.identity.store.tables import ACCOUNTS
from api.kit.background import uninterrupted
from streams.times import Instant

POLL_S: Final = 0.5

logger = logging.getLogger(__name__)


class PrivateUsers:
    """The ids of all private users.

    Attributes:
        version: Counts the changes of the set, so that what was derived from it can be kept.
    """

    def __init__(self, store: IdentityStore, clock: Callable[[], Instant]) -> None:
        self.version = 0
        self._ids: set[str] = set()
        self._noted: set[str] = set()
        self._store = store
        self._clock = clock
        self._read_at: Instant | None = None

    def __contains__(self, user_id: object) -> bool:
        return user_id in self._ids

    def __len__(self) -> int:
        return len(self._ids)

    async def refresh(self) -> None:
        """Read what changed since the last time, at first all private users.

        Raises:
            StoreError: the database cannot be used.
        """
        began, table = self._clock(), ACCOUNTS.c
        self._noted.clear()
        query = select(table.id, table.is_private)
        if self._read_at is None:
            query = query.where(table.is_private)
        else:
            query = query.where(table.changed_us > self._read_at - LATE_COMMIT_US)
        async with self._store.read() as connection:
            rows = (await connection.execute(query)).all()
        for user_id, is_private in rows:
            if user_id not in self._noted:  # this process committed a newer value meanwhile
                self._set(user_id, is_private=is_private)
        self._read_at = began

    def note(self, user_id: str, *, is_private: bool) -> None:
        """Note that a user is private, or is no longer, as this process has just committed."""
        self._noted.add(user_id)
        self._set(user_id, is_private=is_private)

    def _set(self, user_id: str, *, is_private: bool) -> None:
        if (user_id in self._ids) == is_private:
            return
        self.version += 1
        if is_private:
            self._ids.add(user_id)
        else:
            self._ids.discard(user_id)

    async def run(self) -> None:
        """Refresh until cancelled. While the database is away, the users known to be private stay private."""
        away = False
        while True:
            await asyncio.sleep(POLL_S)
            try:
                await uninterrupted(self.refresh())
            except (SQLAlchemyError, StoreError, OSError) as exc:
                if not away:
                    logger.warning("cannot read which users are private: %s", type(exc).__name__)
                away = True
            else:
                away = False
