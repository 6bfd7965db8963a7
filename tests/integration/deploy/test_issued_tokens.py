"""Tokens that operators' programs issue for themselves: renewed before they expire, and when one is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.auth import Role
from deploy.admin import tokens
from deploy.admin.tokens import IssuedToken
from deploy.settings import Settings
from streams.times import SECOND_US, Instant

TTL_S = 600


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Set the clock, and number the tokens that are issued."""
    seconds, issued = [1_800_000_000], iter(range(100))

    async def issue(*_: object) -> str:
        return f"token-{next(issued)}"

    monkeypatch.setattr(tokens, "now", lambda: Instant(seconds[0] * SECOND_US))
    monkeypatch.setattr(tokens, "_issue", issue)
    return seconds


@pytest.fixture
def issued(clock: list[int], tmp_path: Path) -> IssuedToken:
    del clock
    return IssuedToken(Settings(data_dir=tmp_path, token_ttl_s=TTL_S), "venue-1", Role.VENUE)


async def test_a_long_replay_gets_a_new_token_before_the_last_one_expires(
    clock: list[int], issued: IssuedToken
) -> None:
    used = []
    for seconds in (0, TTL_S - 61, 2, TTL_S):
        clock[0] += seconds
        used.append(await issued.token())
    assert used == ["token-0", "token-0", "token-1", "token-2"]


async def test_a_refused_token_is_replaced_once(issued: IssuedToken) -> None:
    first = await issued.token()
    assert [await issued.renew(first), await issued.renew(first), await issued.token()] == ["token-1"] * 3
