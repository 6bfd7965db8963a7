"""Tokens and cursors: the API accepts only its own, and only where they belong."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import auth
from api.auth import CLOCK_SKEW_S, Role, Tokens, mint, verify
from api.kit import cursor
from api.kit.faults import faults_of
from api.kit.problems import Problem
from streams.times import SECOND_US, Instant

SECRET = "s" * 32
CLAIMS = {"sub": "alice", "role": "user", "iss": "astratrade", "aud": "astratrade-api"}


def signed(secret: str = SECRET, **changes: Any) -> str:
    now = int(time.time())
    claims = {**CLAIMS, "iat": now, "exp": now + 60, **changes}
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, secret, "HS256")


def test_a_minted_token_is_its_subject_and_role() -> None:
    caller = verify(SECRET, mint(SECRET, "venue-1", Role.VENUE, issued_at_s=int(time.time()), ttl_s=60))
    assert (caller.subject, caller.role) == ("venue-1", Role.VENUE)


@pytest.mark.parametrize(
    "token",
    [
        signed("x" * 32),
        signed(aud="other"),
        signed(iss="other"),
        signed(role="emperor"),
        signed(role=None),
        signed(exp=None),
        signed(iat=None),
        signed(sub=None),
        signed(sub=""),
        signed(sub="a|b"),
        signed(sub="a\n"),
        jwt.encode({**CLAIMS, "exp": 9_999_999_999, "iat": 0}, "", "none"),
    ],
)
def test_other_tokens_are_refused(token: str) -> None:
    with pytest.raises(Problem) as refused:
        verify(SECRET, token)
    assert refused.value.kind.status == 401
    assert "WWW-Authenticate" in refused.value.headers


def in_s(seconds: float) -> Instant:
    return Instant(int((time.time() + seconds) * SECOND_US))


def test_a_token_is_verified_once_and_known_by_its_text_until_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens, token = Tokens(SECRET), signed()
    assert tokens.caller(token, in_s(0)).subject == "alice"
    monkeypatch.setattr(auth, "_verified", None)
    assert tokens.caller(token, in_s(60 + CLOCK_SKEW_S - 2)).subject == "alice"
    with pytest.raises(Problem, match="the token has expired"):
        tokens.caller(token, in_s(60 + CLOCK_SKEW_S + 1))


def test_a_refused_or_altered_token_is_verified_again() -> None:
    tokens, token = Tokens(SECRET), signed()
    tokens.caller(token, in_s(0))
    for other in (token + "x", token[:-1], signed("x" * 32), signed(sub="a|b")):
        for _ in range(2):
            with pytest.raises(Problem):
                tokens.caller(other, in_s(0))


def test_a_token_has_one_spelling() -> None:
    """Base64 without padding has bits to spare in its last character, and decoders ignore them."""
    token = signed()
    header, claims, signature = token.split(".")
    for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=":
        other = f"{header}.{claims}.{signature[:-1]}{last}"
        for text in {other, token + "=", f"{header}=.{claims}.{signature}", f"{header}.{claims}==.{signature}"}:
            if text != token:
                with pytest.raises(Problem):
                    verify(SECRET, text)


def test_tokens_are_kept_in_bounds_and_the_one_learnt_first_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = Tokens(SECRET, kept_max=2)
    first, second, third = (signed(sub=name) for name in ("a", "b", "c"))
    for token in (first, second, third):
        tokens.caller(token, in_s(0))
    monkeypatch.setattr(auth, "_verified", None)
    assert [tokens.caller(token, in_s(0)).subject for token in (second, third)] == ["b", "c"]
    with pytest.raises(TypeError):
        tokens.caller(first, in_s(0))


@given(entry=st.text(max_size=80), group=st.text(max_size=20), epoch=st.text(max_size=12))
def test_a_cursor_is_read_back_where_it_was_given(entry: str, group: str, epoch: str) -> None:
    text = cursor.write(SECRET, group=group, epoch=epoch, entry=entry)
    assert cursor.read(SECRET, text, group=group, epoch=epoch) == entry
    for other in ({"group": group + "x", "epoch": epoch}, {"group": group, "epoch": epoch + "x"}):
        with pytest.raises(Problem):
            cursor.read(SECRET, text, **other)
    with pytest.raises(Problem):
        cursor.read("t" * 32, text, group=group, epoch=epoch)


@given(st.text(max_size=60))
def test_no_text_but_ours_is_a_cursor(text: str) -> None:
    with pytest.raises(Problem):
        cursor.read(SECRET, text, group="g", epoch="e")


def test_faults_point_into_the_body_or_name_the_parameter() -> None:
    errors: list[dict[str, Any]] = [
        {"loc": ("fills", 3, "a/b~c"), "msg": "Value error, too small"},
        {"loc": ("query", "limit"), "msg": "too big"},
        {"loc": (), "msg": "expected an object"},
    ]
    body, parameter, whole = faults_of(errors)
    assert (body.pointer, body.detail) == ("#/fills/3/a~1b~0c", "too small")
    assert (parameter.parameter, parameter.pointer) == ("limit", None)
    assert whole.pointer == "#"
