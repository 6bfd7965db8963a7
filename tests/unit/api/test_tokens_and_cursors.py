"""Tokens and cursors: the API accepts only its own, and only where they belong."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from api import auth
from api.auth import CLOCK_SKEW_S, Principal, Role, Tokens, verify
from api.identity.errors import NoSigningKeyError
from api.identity.key_ring import KeyRing, thumbprint
from api.kit import cursor
from api.kit.faults import faults_of
from api.kit.problems import Problem
from api.kit.sealing import Sealer
from streams.times import SECOND_US, Instant
from tests.support.tokens import KEY, KEYS, SECRET, key, mint

SEALER = Sealer(SECRET)
CLAIMS = {"sub": "alice", "role": "user", "iss": "astratrade", "aud": "astratrade-api"}
OTHER = key(seed=2)


class Revoked:
    """Revocations that a test sets."""

    def __init__(self) -> None:
        self.sessions: set[str | None] = set()

    def is_revoked(self, caller: Principal) -> bool:
        return caller.session_id in self.sessions


def signed(by: Any = KEY, header: dict[str, Any] | None = None, **changes: Any) -> str:
    now = int(time.time())
    claims = {**CLAIMS, "iat": now, "iat_us": now * SECOND_US, "exp": now + 60, **changes}
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(kept, by.private, "EdDSA", headers={"kid": by.kid, **(header or {})})


def in_s(seconds: float) -> Instant:
    return Instant(int((time.time() + seconds) * SECOND_US))


def tokens(keys: KeyRing = KEYS, **options: Any) -> Tokens:
    return Tokens(keys, Revoked(), **options)


def test_a_minted_token_is_its_subject_role_and_session() -> None:
    now = in_s(0)
    text = auth.mint(KEY, "venue-1", Role.VENUE, now=now, session_id="s-1")
    caller, until = verify(KEYS, text, now)
    assert caller == Principal("venue-1", Role.VENUE, "s-1", issued_at_us=now)
    assert until == (now // SECOND_US + 600 + CLOCK_SKEW_S) * SECOND_US
    assert jwt.get_unverified_header(text) == {"alg": "EdDSA", "typ": "JWT", "kid": KEY.kid}


def _raw(header: dict[str, Any], claims: dict[str, Any], sign: Any) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, claims)]
    signature = base64.urlsafe_b64encode(sign(".".join(parts).encode())).decode().rstrip("=")
    return ".".join([*parts, signature])


def _in_time() -> dict[str, Any]:
    now = int(time.time())
    return {**CLAIMS, "iat": now, "iat_us": now * SECOND_US, "exp": now + 60}


def _hs256(secret: bytes) -> str:
    """Return a token signed by HS256 with a text that everybody knows, as in the attack of key confusion."""
    return _raw(
        {"alg": "HS256", "typ": "JWT", "kid": KEY.kid}, _in_time(), lambda text: hmac.digest(secret, text, "sha256")
    )


DOWNGRADED = {
    "none": jwt.encode(_in_time(), "", "none", headers={"kid": KEY.kid}),
    "None": _raw({"alg": "None", "typ": "JWT", "kid": KEY.kid}, _in_time(), lambda _: b"x"),
    "hs256 with the public key": _hs256(KEY.public.public_bytes_raw()),
    "hs256 with the jwk": _hs256(json.dumps(KEY.jwk()).encode()),
    "hs256 with the old secret": _hs256(SECRET.encode()),
    "rs256": jwt.encode(_in_time(), rsa.generate_private_key(65_537, 2_048), "RS256", headers={"kid": KEY.kid}),
    "a key in the header": signed(OTHER, {"kid": KEY.kid, "jwk": OTHER.jwk()}),
    "a key by address": signed(OTHER, {"kid": KEY.kid, "jku": "https://evil.example/jwks.json"}),
    "eddsa that says hs256": _raw({"alg": "HS256", "kid": KEY.kid}, _in_time(), KEY.private.sign),
    "a critical extension": signed(KEY, {"crit": ["x"], "x": 1}),
}


@pytest.mark.parametrize("text", DOWNGRADED.values(), ids=DOWNGRADED.keys())
def test_a_downgraded_token_is_refused(text: str) -> None:
    with pytest.raises(Problem) as refused:
        verify(KEYS, text, in_s(0))
    assert refused.value.kind.status == 401


@pytest.mark.parametrize(
    "token",
    [
        signed(OTHER),
        signed(OTHER, {"kid": KEY.kid}),
        signed(KEY, {"kid": OTHER.kid}),
        signed(KEY, {"kid": "../../dev/null"}),
        signed(aud="other"),
        signed(iss="other"),
        signed(role="emperor"),
        signed(role=None),
        signed(role=["user"]),
        signed(exp=None),
        signed(iat=None),
        signed(iat=9_999_999_999),
        signed(iat_us=None),
        signed(iat_us="1"),
        signed(nbf=9_999_999_999),
        signed(sub=None),
        signed(sub=""),
        signed(sub="a|b"),
        signed(sub="a\n"),
        signed(sid=7),
        signed(exp=int(time.time()) - CLOCK_SKEW_S - 1),
    ],
)
def test_other_tokens_are_refused(token: str) -> None:
    with pytest.raises(Problem) as refused:
        verify(KEYS, token, in_s(0))
    assert refused.value.kind.status == 401
    assert "WWW-Authenticate" in refused.value.headers


def test_a_token_is_verified_once_and_known_by_its_text_until_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    known, token = tokens(), signed()
    assert known.caller(token, in_s(0)).subject == "alice"
    monkeypatch.setattr(auth, "verify", None)
    assert known.caller(token, in_s(60 + CLOCK_SKEW_S - 2)).subject == "alice"
    with pytest.raises(Problem, match="the token has expired"):
        known.caller(token, in_s(60 + CLOCK_SKEW_S + 1))


def test_a_remembered_token_is_refused_once_its_session_is_revoked() -> None:
    revoked = Revoked()
    known, token = Tokens(KEYS, revoked), signed(sid="s-1")
    assert known.caller(token, in_s(0)).session_id == "s-1"
    revoked.sessions.add("s-1")
    with pytest.raises(Problem, match="was revoked"):
        known.caller(token, in_s(0))
    assert known.caller(signed(sid="s-2"), in_s(0)).session_id == "s-2"


def test_a_refused_or_altered_token_is_verified_again() -> None:
    known, token = tokens(), signed()
    known.caller(token, in_s(0))
    for other in (token + "x", token[:-1], signed(OTHER), signed(sub="a|b")):
        for _ in range(2):
            with pytest.raises(Problem):
                known.caller(other, in_s(0))


def test_a_token_has_one_spelling() -> None:
    """Base64 without padding has bits to spare in its last character, and decoders ignore them."""
    token = signed()
    header, claims, signature = token.split(".")
    for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=":
        other = f"{header}.{claims}.{signature[:-1]}{last}"
        for text in {other, token + "=", f"{header}=.{claims}.{signature}", f"{header}.{claims}==.{signature}"}:
            if text != token:
                with pytest.raises(Problem):
                    verify(KEYS, text, in_s(0))


def test_tokens_are_kept_in_bounds_and_the_one_learnt_first_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    known = tokens(kept_max=2)
    first, second, third = (signed(sub=name) for name in ("a", "b", "c"))
    for token in (first, second, third):
        known.caller(token, in_s(0))
    monkeypatch.setattr(auth, "verify", None)
    assert [known.caller(token, in_s(0)).subject for token in (second, third)] == ["b", "c"]
    with pytest.raises(TypeError):
        known.caller(first, in_s(0))


def test_the_newest_key_that_may_sign_signs() -> None:
    old, new = key(1, Instant(0), verifies_until=Instant(300)), key(2, Instant(100))
    ring = KeyRing([new, old])
    assert [ring.signing(Instant(at)).kid for at in (0, 99, 100, 500)] == [old.kid, old.kid, new.kid, new.kid]
    assert [each.kid for each in ring.published(Instant(50))] == [new.kid, old.kid]
    assert [each.kid for each in ring.published(Instant(300))] == [new.kid]
    assert ring.verifying(old.kid, Instant(299)) == old
    assert ring.verifying(old.kid, Instant(300)) is None
    with pytest.raises(NoSigningKeyError, match="keys rotate"):
        KeyRing([new]).signing(Instant(99))


def test_a_token_ends_with_its_key() -> None:
    """Also a remembered one, and one that was verified before the ring learnt that its key ends."""
    ring = KeyRing([KEY])
    known, token = tokens(ring), signed()
    known.caller(token, in_s(0))
    assert ring.replace([key(verifies_until=in_s(10))])
    known.forget_all()
    known.caller(token, in_s(9))
    with pytest.raises(Problem):
        known.caller(token, in_s(11))
    assert not ring.replace([key(verifies_until=ring.verifying(KEY.kid, in_s(0)).verifies_until)])  # type: ignore[union-attr]


def test_a_kid_is_the_thumbprint_of_rfc_7638() -> None:
    members = {name: KEY.jwk()[name] for name in ("crv", "kty", "x")}
    digest = hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest()
    assert thumbprint(KEY.public) == KEY.kid == base64.urlsafe_b64encode(digest).decode().rstrip("=")


def test_a_private_key_is_in_no_text_of_a_key() -> None:
    assert "private" not in repr(KEY)
    assert "d" not in KEY.jwk()


def test_the_tests_mint_as_the_product_does() -> None:
    assert verify(KEYS, mint("alice"), in_s(0))[0].subject == "alice"


@given(entry=st.text(max_size=80), group=st.text(max_size=20), epoch=st.text(max_size=12))
def test_a_cursor_is_read_back_where_it_was_given(entry: str, group: str, epoch: str) -> None:
    text = cursor.write(SEALER, group=group, epoch=epoch, entry=entry)
    assert cursor.read(SEALER, text, group=group, epoch=epoch) == entry
    for other in ({"group": group + "x", "epoch": epoch}, {"group": group, "epoch": epoch + "x"}):
        with pytest.raises(Problem):
            cursor.read(SEALER, text, **other)
    with pytest.raises(Problem):
        cursor.read(Sealer("t" * 32), text, group=group, epoch=epoch)


def test_a_cursor_tells_nothing_of_its_entry() -> None:
    text = cursor.write(SEALER, group="g", epoch="e", entry="15/7|alice")
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    assert b"alice" not in raw
    for position in range(len(raw)):
        changed = bytearray(raw)
        changed[position] ^= 1
        with pytest.raises(Problem):
            cursor.read(SEALER, base64.urlsafe_b64encode(changed).decode().rstrip("="), group="g", epoch="e")


@given(st.text(max_size=60))
def test_no_text_but_ours_is_a_cursor(text: str) -> None:
    with pytest.raises(Problem):
        cursor.read(SEALER, text, group="g", epoch="e")


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
