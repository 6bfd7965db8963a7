"""Bundle the parts of a process that identify callers: the store, the key ring, the revocations, the sessions."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.exc import SQLAlchemyError

from api.auth import Tokens
from api.identity.api_keys.known import KnownKeys
from api.identity.api_keys.store import purge_keys
from api.identity.back_off import purge_attempts
from api.identity.key_ring import KeyRing
from api.identity.passwords import Passwords
from api.identity.revocation import Revocations, purge_revocations
from api.identity.secret import Seal
from api.identity.sessions import Sessions, purge_sessions
from api.identity.signing_keys import ensure_key, open_keys, purge_signing_keys, sealed_keys
from api.identity.store.database import IdentityStore
from api.identity.store.errors import StoreError
from api.identity.sub_accounts import Parents
from api.identity.verifier import Verifier
from api.identity.wallets.challenges import purge_challenges
from api.kit.background import uninterrupted
from streams.retry import first_line
from streams.times import Instant

POLL_S: Final = 0.5
"""How often a process reads the latest revocations and the signing keys."""
BLIND_AFTER_S: Final = 3.0
"""A process that could not read them for so long is not ready."""
NOTE_USES_S: Final = 60.0
"""How often each process writes down which API keys were used."""
PURGE_S: Final = 3_600.0
"""How often each process deletes what has expired, on average."""

logger = logging.getLogger(__name__)


class Identity:
    """The parts of one process. `begin` before the first request, `run` while it serves, `close` at the end."""

    def __init__(self, store: IdentityStore, secret: str, clock: Callable[[], Instant]) -> None:
        self.store = store
        self.keys = KeyRing()
        self.revocations = Revocations()
        self.tokens = Tokens(self.keys, self.revocations)
        self.api_keys = KnownKeys(store, self.revocations, clock)
        self.parents = Parents()
        self.verifier = Verifier(self.tokens, self.api_keys)
        self.passwords = Passwords()
        self.sessions = Sessions(self.keys)
        self._seal = Seal(secret)
        self._sealed_keys: Sequence[Row[Any]] = ()
        self._clock = clock
        self._seen_s: float | None = None

    async def begin(self) -> None:
        """Open the store, make the first signing key if there is none, and learn keys and revocations.

        Raises:
            StoreError: the database cannot be used.
            WrongSecretError: another secret sealed the signing keys.
        """
        await self.store.open()
        await ensure_key(self.store, self._seal, self._clock())
        await self.refresh()

    async def refresh(self) -> None:
        """Learn the signing keys and the latest revocations now."""
        async with self.store.read() as connection:
            rows = await sealed_keys(connection)
            await self.revocations.read(connection, self._clock)
            await self.parents.read(connection, self._clock())
        if rows != self._sealed_keys:  # keys seldom change, and opening them costs more than the rest of this
            if self.keys.replace(open_keys(rows, self._seal)):
                self.tokens.forget_all()
            self._sealed_keys = rows
        self._seen_s = asyncio.get_running_loop().time()

    def fault(self) -> str | None:
        """Return why this process may not know the latest revocations, or None."""
        if self._seen_s is not None and asyncio.get_running_loop().time() - self._seen_s < BLIND_AFTER_S:
            return None
        return "the database of accounts cannot be reached"

    async def run(self) -> None:
        """Refresh twice a second; now and then note the use of API keys, and delete what has expired.

        A database that is away is logged once.
        """
        clock = asyncio.get_running_loop().time
        purge_s = clock() + random.uniform(0, 2 * PURGE_S)  # noqa: S311 - spreads the processes
        note_s = clock() + random.uniform(0, NOTE_USES_S)  # noqa: S311
        away = False
        while True:
            await asyncio.sleep(POLL_S)
            try:
                await uninterrupted(self.refresh())
                if clock() > note_s:
                    note_s = clock() + NOTE_USES_S
                    await uninterrupted(self.api_keys.note_uses())
                if clock() > purge_s:
                    purge_s = clock() + random.uniform(0, 2 * PURGE_S)  # noqa: S311
                    await uninterrupted(self.purge())
            except (SQLAlchemyError, StoreError, OSError) as exc:
                if not away:
                    logger.warning("cannot read revocations and signing keys: %s", first_line(exc))
                away = True
                continue
            if away:
                logger.warning("revocations and signing keys are read again")
            away = False

    async def purge(self) -> None:
        """Delete what has expired."""
        async with self.store.work(self._clock()) as work:
            await purge_revocations(work)
            await purge_sessions(work)
            await purge_signing_keys(work)
            await purge_attempts(work)
            await purge_challenges(work)
            await purge_keys(work)

    async def close(self) -> None:
        """End the threads, and close all connections."""
        self.passwords.close()
        await self.store.close()
