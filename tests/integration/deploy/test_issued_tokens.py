"""Tokens that operators' programs issue for themselves: renewed before they expire, and when one is refused."""

from __future__ import annotations

from pathlib import Path

import httpx
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
    monkeypatch.setattr(tokens, "now", lambda: Instant(seconds[0] * SECOND_US))
    monkeypatch.setattr(tokens, "issue", lambda *_: f"token-{next(issued)}")
    return seconds


def test_a_long_replay_gets_a_new_token_before_the_last_one_expires(clock: list[int], tmp_path: Path) -> None:
    sent = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers["authorization"])
        return httpx.Response(200)

    auth = IssuedToken(Settings(data_dir=tmp_path, token_ttl_s=TTL_S), "venue-1", Role.VENUE)
    with httpx.Client(transport=httpx.MockTransport(answer), auth=auth) as client:
        for seconds in (0, TTL_S - 61, 2, TTL_S):
            clock[0] += seconds
            client.get("http://api/")
    assert sent == ["Bearer token-0", "Bearer token-0", "Bearer token-1", "Bearer token-2"]


def test_a_refused_token_is_replaced_once(clock: list[int], tmp_path: Path) -> None:
    sent = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers["authorization"])
        return httpx.Response(200 if sent[-1] == "Bearer token-1" else 401)

    auth = IssuedToken(Settings(data_dir=tmp_path, token_ttl_s=TTL_S), "venue-1", Role.VENUE)
    with httpx.Client(transport=httpx.MockTransport(answer), auth=auth) as client:
        assert client.get("http://api/").status_code == 200
        assert client.get("http://api/").status_code == 200
    assert sent == ["Bearer token-0", "Bearer token-1", "Bearer token-1"]
    assert clock
