"""Bundle the parts of a process that identify callers: the store, the key ring, the revocations, the sessions."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from sqlalchemy import Row

from api.auth import Tokens
from api.identity.api_keys.known import KnownKeys
from api.identity.api_keys.store import purge_keys
from api.identity.back_off import purge_attempts
from api.identity.key_ring import KeyRing
from api.identity.passwords import Passwords
from api.identity.periodic import Periodic
from api.identity.revocation import Revocations, purge_revocations
from api.identity.secret import Seal
from api.identity.sessions import Sessions, purge_sessions
from api.identity.signing_keys import ensure_key, open_keys, purge_signing_keys, sealed_keys
from api.identity.store.database import IdentityStore
from api.identity.sub_accounts import Parents
from api.identity.verifier import Verifier
from api.identity.wallets.challenges import purge_challenges
from streams.times import Instant

POLL_S: Final = 0.5
"""How often a process reads the latest revocations and the signing keys."""
BLIND_AFTER_S: Final = 3.0
"""A process that could not read them for so long is not ready."""
NOTE_USES_S: Final = 60.0
"""How often each process writes down which API keys were used."""
PURGE_S: Final = 3_600.0
"""How often each process deletes what has expired, on average."""
PURGES: Final = (
    purge_revocations,
    purge_sessions,
    purge_signing_keys,
    purge_attempts,
    purge_challenges,
    purge_keys,
)
"""Delete what has expired, a table each; refresh tokens go with their sessions."""

logger = logging.getLogger(__name__)


class Identity:
    """The parts of one process. `begin` before the first request, `tasks` while it serves, `close` at the end."""

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
        self.seal = Seal(secret)
        self.sealed_keys: Sequence[Row[Any]] = ()
        self._clock = clock
        self._seen_s: float | None = None

    async def begin(self) -> None:
        """Open the store, make the first signing key if there is none, and learn keys and revocations.

        Raises:
            StoreError: the database cannot be used.
            WrongSecretError: another secret sealed the signing keys.
        """
        await self.store.open()
        await ensure_key(self.store, self.seal, self._clock())
        await self.refresh()

    async def refresh(self) -> None:
        """Learn the signing keys and the latest revocations now."""
        async with self.store.read() as connection:
            rows = await sealed_keys(connection)
            await self.revocations.read(connection, self._clock())
            await self.parents.read(connection, self._clock())
        if rows != self.sealed_keys:  # keys seldom change, and opening them costs more than the rest of this
            if self.keys.replace(open_keys(rows, self.seal)):
                self.tokens.forget_all()
            self.sealed_keys = rows
        self._seen_s = asyncio.get_running_loop().time()

    def fault(self) -> str | None:
        """Return why this process may not know the latest revocations, or None."""
        if self._seen_s is not None and asyncio.get_running_loop().time() - self._seen_s < BLIND_AFTER_S:
            return None
        return "the database of accounts cannot be reached"

    def tasks(self) -> dict[str, Coroutine[Any, Any, None]]:
        """Return what runs while the process serves, by name. No task waits for another one's work.

        Revocations take effect within two seconds, so their poll shares its task with nothing that may be slow.
        """
        poll = Periodic(
            work=self.refresh,
            pause_s=lambda: POLL_S,
            failed="cannot read revocations and signing keys",
            again="revocations and signing keys are read again",
            logger=logger,
        )
        uses = Periodic(
            work=self.api_keys.note_uses,
            pause_s=lambda: NOTE_USES_S,
            failed="cannot write down which API keys were used",
            again="uses of API keys are written down again",
            logger=logger,
        )
        purge = Periodic(
            work=self.purge,
            pause_s=lambda: random.uniform(0, 2 * PURGE_S),  # noqa: S311 - spreads the processes
            failed="cannot delete what has expired",
            again="what has expired is deleted again",
            logger=logger,
        )
        return {"identity": poll.run(), "uses of API keys": uses.run(), "identity purge": purge.run()}

    async def purge(self) -> None:
        """Delete what has expired. Each kind has a transaction of its own, so that none holds its locks for long."""
        for purge in PURGES:
            async with self.store.work(self._clock()) as work:
                await purge(work)

    async def close(self) -> None:
        """End the threads and the readings of API keys, and close all connections."""
        self.passwords.close()
        await self.api_keys.close()
        await self.store.close()
