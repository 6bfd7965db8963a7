"""Passwords are kept as Argon2id hashes, which threads make and verify, a few at a time."""

from __future__ import annotations

import secrets
import unicodedata
from typing import Final, NamedTuple

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from api.identity.threads import BoundedThreads

HASHES_AT_ONCE: Final = 2
"""Threads that hash. Each uses a core and 19 MiB."""
HASHES_WAITING_MAX: Final = 50
"""Hashes in work or waiting. In a longer queue clients would give up before their turn."""


class Argon2Parameters(NamedTuple):
    """The cost of a hash. After a raise, each password is hashed again when its user signs in next."""

    memory_kib: int
    passes: int
    lanes: int


OWASP: Final = Argon2Parameters(memory_kib=19_456, passes=2, lanes=1)
"""The parameters of OWASP's Password Storage Cheat Sheet for Argon2id."""


class Verdict(NamedTuple):
    """Whether a password was right, and whether its hash should be replaced by one of the present cost."""

    right: bool
    outdated: bool


class Passwords:
    """Hashes and verifies passwords."""

    def __init__(self, parameters: Argon2Parameters = OWASP) -> None:
        self._hasher = PasswordHasher(
            time_cost=parameters.passes, memory_cost=parameters.memory_kib, parallelism=parameters.lanes
        )
        self._threads = BoundedThreads(
            "passwords",
            threads=HASHES_AT_ONCE,
            calls_max=HASHES_WAITING_MAX,
            busy="too many passwords are being checked just now; try again",
        )
        self._dummy = self._hasher.hash(secrets.token_hex())

    async def hash(self, password: str) -> str:
        """Return the hash of a new password.

        Raises:
            BusyError: too many wait.
        """
        return await self._threads.run(lambda: self._hasher.hash(normalised(password)))

    async def verify(self, password: str, stored: str | None) -> Verdict:
        """Return whether a password fits a stored hash. Without a hash this does the same work, and the answer is no.

        Raises:
            BusyError: too many wait.
        """
        right = await self._threads.run(lambda: self._fits(normalised(password), stored or self._dummy))
        if stored is None or not right:
            return Verdict(right=False, outdated=False)
        return Verdict(right=True, outdated=self._hasher.check_needs_rehash(stored))

    def close(self) -> None:
        """End the threads."""
        self._threads.close()

    def _fits(self, password: str, stored: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


async def hash_password(password: str) -> str:
    """Return the hash of one password, for a command."""
    passwords = Passwords()
    try:
        return await passwords.hash(password)
    finally:
        passwords.close()


def normalised(password: str) -> str:
    """Return a password in the one form of its characters, whatever keyboard wrote them (NFKC)."""
    return unicodedata.normalize("NFKC", password)
