"""Passwords: the cost of their hashes, how many at once, and which new ones are refused."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest
from argon2 import extract_parameters
from argon2.low_level import Type

from api.identity import passwords
from api.identity.password_rules import WeakPasswordError, check_new_password, common_words
from api.identity.passwords import HASHES_AT_ONCE, HASHES_WAITING_MAX, OWASP, Argon2Parameters, Passwords
from api.identity.threads import BusyError

CHEAP = Argon2Parameters(memory_kib=64, passes=1, lanes=1)
GOOD = "zephyr-quilt-mattress"


async def test_a_hash_has_the_cost_that_owasp_recommends() -> None:
    """Argon2id with 19 MiB, 2 passes and 1 lane is a choice of its Password Storage Cheat Sheet."""
    found = extract_parameters(await Passwords().hash(GOOD))
    assert (found.type, found.memory_cost, found.time_cost, found.parallelism) == (Type.ID, 19_456, 2, 1)
    assert tuple(OWASP) == (19_456, 2, 1)
    assert (found.salt_len, found.hash_len) == (16, 32)


async def test_a_password_fits_its_own_hash_alone() -> None:
    hasher = Passwords(CHEAP)
    stored = await hasher.hash(GOOD)
    assert await hasher.verify(GOOD, stored) == (True, False)
    assert await hasher.verify(GOOD + "x", stored) == (False, False)
    assert await hasher.verify(GOOD, None) == (False, False)
    assert await hasher.verify(GOOD, "nonsense") == (False, False)
    assert await hasher.hash(GOOD) != stored


async def test_one_password_may_be_typed_in_two_ways() -> None:
    """A keyboard writes é as one character or as two."""
    hasher = Passwords(CHEAP)
    assert (await hasher.verify("cafe\u0301-zebra-lamp", await hasher.hash("caf\u00e9-zebra-lamp"))).right


async def test_a_hash_of_another_cost_is_outdated_when_the_password_is_right() -> None:
    stored = await Passwords(CHEAP).hash(GOOD)
    costlier = Passwords(Argon2Parameters(memory_kib=128, passes=1, lanes=1))
    assert await costlier.verify(GOOD, stored) == (True, True)
    assert await costlier.verify("wrong", stored) == (False, False)


async def test_few_hashes_run_at_once_and_few_wait() -> None:
    hasher = Passwords(CHEAP)
    running, most, release = 0, 0, threading.Event()
    lock = threading.Lock()

    def slow(call: Callable[[], bool]) -> Callable[[], bool]:
        def run() -> bool:
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
            release.wait(10)
            with lock:
                running -= 1
            return call()

        return run

    waiting = [asyncio.ensure_future(hasher._threads.run(slow(lambda: True))) for _ in range(HASHES_WAITING_MAX)]
    await asyncio.sleep(0)
    with pytest.raises(BusyError):
        await hasher.verify(GOOD, None)
    release.set()
    assert all(await asyncio.gather(*waiting))
    assert most == HASHES_AT_ONCE
    assert not (await hasher.verify(GOOD, None)).right


@pytest.mark.parametrize(
    "password",
    [
        "Password1234!", "p@ssw0rd2024!!", "P@$$w0rd2024", "passwordpassword", "Welcome@12345", "letmein!letmein",
        "iloveyou12345", "Summer2024!!!", "dragonmonkey99", "correct horse battery staple", "LiverpoolFC2024",
        "astratrade2026", "bitcoin-tothemoon", "qwertyuiop[]12", "1qaz2wsx3edc4rfv", "!QAZ@WSX#EDC", "abcdefghijkl",
        "zyxwvutsrqpo", "123456789012", "112233445566", "198711281987", "aaaaaaaaaaaaa", "abababababab",
        "asdfghjklasdfghjkl", "changeme12345", "administrator1",
    ],
)  # fmt: skip
def test_a_common_password_is_refused(password: str) -> None:
    with pytest.raises(WeakPasswordError) as refused:
        check_new_password(password)
    assert password not in str(refused.value)


@pytest.mark.parametrize(
    "password",
    [
        GOOD,
        "k7#mQ2!vLp9z",
        "trout lamp orbit nine",
        "Überraschung-im-Garten",
        "пароль не для всех",
        "我的密码很长而且不常见啊吧",
    ],
)
def test_a_good_password_is_accepted(password: str) -> None:
    check_new_password(password, "alice", "someone@example.org")


@pytest.mark.parametrize("password", ["elevenchars", "x" * 3 + "abcdefg9", "y7" * 65])
def test_a_password_has_12_to_128_characters(password: str) -> None:
    with pytest.raises(WeakPasswordError, match="12 to 128"):
        check_new_password(password)


@pytest.mark.parametrize("password", ["I-am-ALICE-of-Kent", "zebra-someone-lamp"])
def test_a_password_does_not_contain_the_users_names(password: str) -> None:
    check_new_password(password)
    with pytest.raises(WeakPasswordError, match="your name"):
        check_new_password(password, "alice", "Someone@example.org")


def test_the_list_is_packaged_and_says_where_it_is_from() -> None:
    assert len(common_words()) > 500
    assert passwords.HASHES_AT_ONCE == 2
