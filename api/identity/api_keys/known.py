"""The API keys that a process knows. A request with a known key costs no call to the store.

The first request with a key waits for a reading of the store. Each ten minutes the process reads a used key again, in
the background. When the store is away, known keys stay valid for a day. A revocation of the key or of its account makes
the process read the key again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.exc import SQLAlchemyError

from api.auth import EXPIRED, REVOKED, Principal, Role, unauthenticated
from api.identity.accounts import Status
from api.identity.api_keys.networks import contains, networks
from api.identity.api_keys.store import find_with_account, note_uses
from api.identity.api_keys.text import digest_of, id_in, is_intact
from api.identity.limits import ACCESS_TTL_S_MAX
from api.identity.revocation import Revocations
from api.identity.store.database import IdentityStore
from api.identity.store.errors import StoreError
from api.kit.problems import UNAVAILABLE, Problem
from api.limits.client_address import Network
from streams.retry import first_line
from streams.times import SECOND_US, Instant

KEYS_KNOWN_MAX: Final = 10_000
UNKNOWN_MAX: Final = 10_000
UNKNOWN_S: Final = 10
"""How long a process remembers that an id has no key, or that a key is refused."""
READ_AGAIN_S: Final = 600
KEPT_S: Final = ACCESS_TTL_S_MAX
"""How long a key is known without a new reading. A revocation is remembered for longer."""
READ_TIMEOUT_S: Final = 5.0
USES_MAX: Final = 500
"""Uses of keys that one transaction writes down."""
END_S: Final = 1.0
"""How long the end of a process waits for readings that are under way."""
READS_MAX: Final = 2
"""A reading that began before a revocation was seen is repeated."""

NOT_VALID: Final = "the API key is not valid here"
KEY_EXPIRED: Final = "the API key has expired"
KEY_REVOKED: Final = "the API key was revoked"
INACTIVE: Final = "the account of this API key is suspended or closed"
ELSEWHERE: Final = "this API key may not be used from this address"

logger = logging.getLogger(__name__)

Pay = Callable[[], Awaitable[None]]
Address = Callable[[], str]


@dataclass(slots=True)
class _Known:
    """A key as it was read."""

    digest: bytes
    caller: Principal
    networks: tuple[Network, ...]
    expires: Instant
    refusal: str | None
    read_again: Instant
    kept_until: Instant


class KnownKeys:
    """Finds the callers of API keys.

    Args:
        store: The identity store.
        revocations: What this process knows of revocations.
        clock: The wall clock.
    """

    def __init__(self, store: IdentityStore, revocations: Revocations, clock: Callable[[], Instant]) -> None:
        self._store = store
        self._revocations = revocations
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._unknown: dict[str, Instant] = {}  # ids without a key, until when each is remembered
        self._reading: dict[str, asyncio.Task[_Known | None]] = {}
        self._used: dict[str, Instant] = {}
        self._away = False

    async def caller(self, text: str, address: Address, pay: Pay) -> Principal:
        """Return the caller that a key names.

        Args:
            text: The key.
            address: Returns the client's address, for a key that may be used from some networks only.
            pay: Charges the client for a reading of the store.

        Raises:
            Problem: 401; 429 from `pay`; 503 when the key is not known and the store is away.
        """
        key_id = id_in(text)
        if key_id is None:
            raise unauthenticated(NOT_VALID)
        at = self._clock()
        known = self._known.get(key_id)
        if known is None or self._is_over(known, at):
            if not is_intact(text) or self._unknown.get(key_id, at) > at:
                raise unauthenticated(NOT_VALID)
            await pay()
            known = await self._read(key_id)
        elif at >= known.read_again:
            known.read_again = Instant(at + UNKNOWN_S * SECOND_US)
            self._start_reading(key_id)
        caller = _admitted(known, text, address, at)
        self._used[key_id] = at
        return caller

    def recheck(self, caller: Principal, at: Instant) -> None:
        """Refuse a caller whose key was admitted before, and has expired or was revoked since. It reads nothing.

        Raises:
            Problem: 401.
        """
        if caller.expires is not None and at >= caller.expires:
            raise unauthenticated(EXPIRED)
        if self._revocations.is_revoked(caller):
            raise unauthenticated(REVOKED)

    async def note_uses(self) -> None:
        """Write down when keys were used since the last time.

        All processes write in the order of the ids, a bounded number in a transaction. So they cannot block each other
        for good, and no transaction is long.

        Raises:
            StoreError: the store is away; the uses that were not written are kept for the next time.
        """
        uses, self._used = self._used, {}
        waiting = sorted(uses)
        try:
            while waiting:
                async with self._store.work(self._clock()) as work:
                    await note_uses(work, {key_id: uses[key_id] for key_id in waiting[:USES_MAX]})
                del waiting[:USES_MAX]
        finally:
            self._used = {key_id: uses[key_id] for key_id in waiting} | self._used

    async def close(self) -> None:
        """Wait for the readings that are under way, and cancel those that take too long."""
        reading = list(self._reading.values())
        if reading:
            await asyncio.wait(reading, timeout=END_S)
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)

    def _is_over(self, known: _Known, at: Instant) -> bool:
        return at >= known.kept_until or self._revocations.is_revoked(known.caller)

    async def _read(self, key_id: str) -> _Known:
        """Read a key; requests for one key share a reading."""
        for _ in range(READS_MAX):
            try:
                found = await asyncio.shield(self._start_reading(key_id))
            except (SQLAlchemyError, StoreError, OSError, TimeoutError) as exc:
                raise _unavailable("the database of accounts cannot be reached just now") from exc
            if found is None:
                raise unauthenticated(NOT_VALID)
            if not self._revocations.is_revoked(found.caller):
                return found
        raise _unavailable("the API key is being changed just now")

    def _start_reading(self, key_id: str) -> asyncio.Task[_Known | None]:
        task = self._reading.get(key_id)
        if task is None:
            task = self._reading[key_id] = asyncio.create_task(self._read_and_keep(key_id), name="read an API key")
            task.add_done_callback(lambda done: self._end_reading(key_id, done))
        return task

    def _end_reading(self, key_id: str, task: asyncio.Task[_Known | None]) -> None:
        """Note the end of a reading. Log a failure once: a reading in the background has no request to tell it to."""
        del self._reading[key_id]
        if task.cancelled():
            return
        failure = task.exception()
        if failure is not None and not self._away:
            logger.warning("cannot read API keys: %s", first_line(failure))
        self._away = failure is not None

    async def _read_and_keep(self, key_id: str) -> _Known | None:
        began, polls = self._clock(), self._revocations.polls
        async with asyncio.timeout(READ_TIMEOUT_S), self._store.read() as connection:
            row = await find_with_account(connection, key_id)
        self._known.pop(key_id, None)
        if row is None:
            _keep(self._unknown, key_id, Instant(began + UNKNOWN_S * SECOND_US), UNKNOWN_MAX)
            return None
        found = _known(row, began, polls)
        _keep(self._known, key_id, found, KEYS_KNOWN_MAX)
        return found


def _unavailable(why: str) -> Problem:
    return Problem(UNAVAILABLE, f"{why}, and this process does not know the key", headers={"Retry-After": "1"})


def _admitted(known: _Known, text: str, address: Address, at: Instant) -> Principal:
    if not compare_digest(known.digest, digest_of(text)):
        raise unauthenticated(NOT_VALID)
    if known.refusal is not None:
        raise unauthenticated(known.refusal)
    if at >= known.expires:
        raise unauthenticated(KEY_EXPIRED)
    if known.networks and not contains(known.networks, address()):
        raise unauthenticated(ELSEWHERE)
    return known.caller


def _known(row: Row[Any], began: Instant, polls_before: int) -> _Known:
    active = row.status == Status.ACTIVE and row.parent_status in {None, Status.ACTIVE}
    refusal = KEY_REVOKED if row.revoked_us is not None else None if active else INACTIVE
    kept_s = KEPT_S if refusal is None else UNKNOWN_S
    caller = Principal(
        row.account_id,
        Role(row.role),
        scopes=frozenset(row.scopes),
        key_id=row.id,
        expires=Instant(row.expires_us),
        polls_before=polls_before,
    )
    return _Known(
        digest=row.digest,
        caller=caller,
        networks=networks(row.addresses),
        expires=Instant(row.expires_us),
        refusal=refusal,
        read_again=Instant(began + READ_AGAIN_S * SECOND_US),
        kept_until=Instant(began + kept_s * SECOND_US),
    )


def _keep(kept: dict[str, Any], name: str, value: Any, most: int) -> None:
    """Keep a value; forget the oldest one when there are too many."""
    if len(kept) >= most and name not in kept:
        del kept[next(iter(kept))]
    kept[name] = value
