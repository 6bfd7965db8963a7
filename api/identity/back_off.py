"""Slow down guesses of passwords: waits that double with each failure, by account and by client address.

A guess is counted before its password is checked, and counting locks the row. So parallel guesses cannot pass together.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import RowMapping, delete, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from api.identity.store.tables import SESSIONS, SIGN_IN_FAILURES
from streams.connect.outbox.unit_of_work import UnitOfWork
from streams.times import DAY_US, HOUR_US, SECOND_US

FORGOTTEN_AFTER_US: Final = HOUR_US
"""So long after the last failure, counting starts again."""
KNOWN_FOR_US: Final = 90 * DAY_US
DOUBLINGS_MAX: Final = 20
KEPT_US: Final = DAY_US


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long to wait after a number of failures: nothing for the first ones, then 1 s, 2 s, 4 s, … up to `max_s`."""

    free: int
    max_s: int

    def wait_s(self, failures: int) -> int:
        """Return the seconds to wait after so many failures."""
        return 0 if failures < self.free else min(1 << min(failures - self.free, DOUBLINGS_MAX), self.max_s)


ACCOUNT: Final = Schedule(free=5, max_s=300)
ADDRESS: Final = Schedule(free=20, max_s=900)


class TooManyAttemptsError(Exception):
    """The next guess has to wait for `retry_after_s` seconds."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"too many failed attempts; try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Attempt:
    """A guess that was counted. `forgive` takes it back when it was right."""

    address: str
    account: str | None = None


async def count_attempt(work: UnitOfWork, account: str, address: str, *, account_id: str) -> Attempt:
    """Count a guess as a failure until it is forgiven. A guess that has to wait is not counted.

    From an address where the account has signed in before, guesses count apart. So an attacker elsewhere can slow
    down strangers to the account, but cannot lock its user out.

    Args:
        work: The transaction. Commit it before the password is checked.
        account: What was given as the account's name, also when there is no such account.
        address: The client's address; one for all addresses of a host.
        account_id: The account; empty when there is none.

    Raises:
        TooManyAttemptsError: the account or the address has to wait.
    """
    return await _count_both(work, "account", account_id or account, address, account_id)


async def count_wallet_attempt(work: UnitOfWork, wallet: str, address: str, *, account_id: str) -> Attempt:
    """Count a proof of a wallet as a failure until it is forgiven, as `count_attempt` does for passwords.

    Counts of wallets and of passwords are apart. Otherwise an attacker could see from the one which account has the
    other.

    Args:
        work: The transaction. Commit it before the proof is checked.
        wallet: The chain and the address of the wallet, whether an account has it or not.
        address: The client's address.
        account_id: The account that has the wallet; empty when there is none.

    Raises:
        TooManyAttemptsError: the wallet or the address has to wait.
    """
    return await _count_both(work, "wallet", wallet, address, account_id)


async def _count_both(work: UnitOfWork, kind: str, name: str, address: str, account_id: str) -> Attempt:
    place = address if await _is_known(work, account_id, address) else ""
    subject = _subject(kind, name, place)
    attempt = await count_address(work, address)
    await _count(work, subject, ACCOUNT)
    return replace(attempt, account=subject)


async def count_address(work: UnitOfWork, address: str) -> Attempt:
    """Count something that only an address answers for: a registration, which tells whether a name is taken.

    Raises:
        TooManyAttemptsError: the address has to wait.
    """
    subject = _subject("address", address)
    await _count(work, subject, ADDRESS)
    return Attempt(subject)


async def forgive(work: UnitOfWork, attempt: Attempt) -> None:
    """Take back a guess that was right, and forget all failures of the account at this place.

    The address keeps its other failures. Otherwise an attacker would clear them by signing in to an account of the
    attacker's own.
    """
    table = SIGN_IN_FAILURES.c
    one_less = update(SIGN_IN_FAILURES).where(table.subject == attempt.address).values(count=table.count - 1)
    await work.connection.execute(one_less)
    if attempt.account is not None:
        await work.connection.execute(delete(SIGN_IN_FAILURES).where(table.subject == attempt.account))


async def purge_attempts(work: UnitOfWork) -> None:
    """Delete counts that no longer matter."""
    old = SIGN_IN_FAILURES.c.last_us < work.now - KEPT_US
    await work.connection.execute(delete(SIGN_IN_FAILURES).where(old))


async def _is_known(work: UnitOfWork, account_id: str, address: str) -> bool:
    """Return whether an account has signed in at an address lately."""
    table = SESSIONS.c
    known = select(literal(1)).where(
        table.account_id == account_id, table.address == address, table.created_us > work.now - KNOWN_FOR_US
    )
    return (await work.connection.execute(known.limit(1))).first() is not None


async def _count(work: UnitOfWork, subject: str, schedule: Schedule) -> None:
    """Count a failure.

    Raises:
        TooManyAttemptsError: the subject has to wait; nothing is counted.
    """
    table, now = SIGN_IN_FAILURES.c, int(work.now)
    row = await _locked(work, subject)
    if row["blocked_until_us"] > now:
        raise TooManyAttemptsError(-(-(row["blocked_until_us"] - now) // SECOND_US))
    count = 1 if row["last_us"] < now - FORGOTTEN_AFTER_US else row["count"] + 1
    wait_s = schedule.wait_s(count)
    # Without a wait nothing is blocked: another process, or a transaction that began earlier, has an earlier clock.
    blocked_until_us = now + wait_s * SECOND_US if wait_s else 0
    counted = {"count": count, "last_us": max(now, row["last_us"]), "blocked_until_us": blocked_until_us}
    await work.connection.execute(update(SIGN_IN_FAILURES).where(table.subject == subject).values(counted))


async def _locked(work: UnitOfWork, subject: str) -> RowMapping:
    """Return the row of a subject, which no other transaction can change before this one ends."""
    # The dialects' inserts are alike and have no type in common.
    insert: Any = postgresql.insert if work.connection.dialect.name == "postgresql" else sqlite.insert
    new = insert(SIGN_IN_FAILURES).values(subject=subject, count=0, last_us=0, blocked_until_us=0)
    upsert = new.on_conflict_do_update(index_elements=["subject"], set_={"subject": new.excluded.subject})
    row: RowMapping = (await work.connection.execute(upsert.returning(SIGN_IN_FAILURES))).mappings().one()
    return row


def _subject(kind: str, name: str, place: str = "") -> str:
    """Return the key of a count. Names are hashed, since they may be longer than the column."""
    digest = hashlib.sha256(f"{name}\x00{place}".encode()).hexdigest()
    return f"{kind}:{digest}"
