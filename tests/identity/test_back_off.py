"""Back-off: waits double with each failure, parallel guesses are counted one by one, and nobody is locked out."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import insert

from api.identity.accounts import create_account
from api.identity.back_off import (
    ACCOUNT,
    ADDRESS,
    FORGOTTEN_AFTER_US,
    Attempt,
    Schedule,
    TooManyAttemptsError,
    count_address,
    count_attempt,
    forgive,
    purge_attempts,
)
from api.identity.store.database import IdentityStore
from api.identity.store.tables import SESSIONS
from streams.times import DAY_US, SECOND_US, Instant

START = Instant(1_800_000_000_000_000)


async def attempt(
    store: IdentityStore, at_us: int = 0, *, account: str = "alice", address: str = "192.0.2.1", account_id: str = ""
) -> Attempt | int:
    """Count a guess. Return it, or the seconds to wait."""
    try:
        async with store.work(Instant(START + at_us)) as work:
            return await count_attempt(work, account, address, account_id=account_id)
    except TooManyAttemptsError as exc:
        return exc.retry_after_s


async def guesses(store: IdentityStore, number: int, **where: str) -> list[Attempt | int]:
    """Guess so often, each guess when the wait before it is over."""
    at_us, made = 0, []
    for _ in range(number):
        made.append(found := await attempt(store, at_us, **where))
        if isinstance(found, int):
            at_us += found * SECOND_US
            made.append(await attempt(store, at_us, **where))
    return made


def test_a_schedule_doubles_up_to_its_maximum() -> None:
    waits = [Schedule(free=3, max_s=60).wait_s(failures) for failures in range(1, 14)]
    assert waits == [0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60]
    assert Schedule(free=3, max_s=60).wait_s(10**9) == 60


async def test_a_guess_with_an_earlier_clock_waits_only_where_there_is_a_wait(store: IdentityStore) -> None:
    """Transactions take the lock in another order than they began, and clocks of processes differ."""
    for number in range(ACCOUNT.free):
        assert isinstance(await attempt(store, -number * SECOND_US), Attempt)
    assert isinstance(await attempt(store, -ACCOUNT.free * SECOND_US), int)


async def test_waits_double_from_the_fifth_failure_on(store: IdentityStore) -> None:
    made = await guesses(store, 15)
    waits = [found for found in made if isinstance(found, int)]
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]
    assert all(isinstance(found, Attempt) for found in made[: ACCOUNT.free])


async def test_a_guess_that_has_to_wait_does_not_lengthen_the_wait(store: IdentityStore) -> None:
    for _ in range(ACCOUNT.free):
        await attempt(store)
    assert [await attempt(store) for _ in range(20)] == [1] * 20
    assert isinstance(await attempt(store, SECOND_US), Attempt)


async def test_parallel_guesses_do_not_pass_together(store: IdentityStore) -> None:
    made = await asyncio.gather(*(attempt(store) for _ in range(30)))
    assert sum(isinstance(found, Attempt) for found in made) == ACCOUNT.free


async def test_an_address_that_guesses_at_many_accounts_has_to_wait(store: IdentityStore) -> None:
    made = [await attempt(store, account=f"user-{number}") for number in range(ADDRESS.free + 5)]
    assert [isinstance(found, Attempt) for found in made] == [True] * ADDRESS.free + [False] * 5
    assert isinstance(await attempt(store, account="user-0", address="192.0.2.2"), Attempt)


async def test_an_attacker_elsewhere_does_not_lock_the_user_out(store: IdentityStore) -> None:
    async with store.work(START) as work:
        account = await create_account(work, username="alice")
        row = {
            "id": "s-1",
            "account_id": account.id,
            "method": "password",
            "address": "198.51.100.7",
            "user_agent": "",
            "created_us": int(START),
            "last_used_us": int(START),
            "expires_us": START + DAY_US,
        }
        await work.connection.execute(insert(SESSIONS).values(row))
    for number in range(30):
        await attempt(store, address=f"192.0.2.{number}", account_id=account.id)
    assert isinstance(await attempt(store, address="192.0.2.99", account_id=account.id), int)
    assert isinstance(await attempt(store, address="198.51.100.7", account_id=account.id), Attempt)


async def test_a_right_guess_clears_the_accounts_failures_and_only_itself_of_the_addresss(store: IdentityStore) -> None:
    for number in range(ADDRESS.free - 2):
        await attempt(store, account=f"victim-{number}")
    own = await attempt(store, account="attacker")
    assert isinstance(own, Attempt)
    for _ in range(5):
        async with store.work(START) as work:
            await forgive(work, own)
            own = await count_attempt(work, "attacker", "192.0.2.1", account_id="")
    made = [await attempt(store, account=f"more-{number}") for number in range(3)]
    assert [isinstance(found, Attempt) for found in made] == [True, False, False]


async def test_failures_are_forgotten_after_an_hour_and_deleted_after_a_day(store: IdentityStore) -> None:
    await guesses(store, 12)
    last = 600 * SECOND_US
    await attempt(store, last)
    again = [await attempt(store, last + FORGOTTEN_AFTER_US + SECOND_US) for _ in range(ACCOUNT.free)]
    assert all(isinstance(found, Attempt) for found in again)
    async with store.work(Instant(START + 3 * DAY_US)) as work:
        await purge_attempts(work)
    assert isinstance(await attempt(store, 3 * DAY_US), Attempt)


async def test_registrations_count_for_their_address(store: IdentityStore) -> None:
    with pytest.raises(TooManyAttemptsError):  # noqa: PT012 - which one is refused does not matter
        for _ in range(ADDRESS.free + 1):
            async with store.work(START) as work:
                await count_address(work, "192.0.2.1")
