"""The client signs challenges of its API, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from astratrade_client import UnexpectedAnswerError, Wallet
from astratrade_client import wallet as module

from api.identity.wallets import challenges
from api.identity.wallets.challenges import Challenge, Purpose
from streams.times import SECOND_US, Instant

ORIGIN = "https://app.example.com"
LINKED = challenges.Wallet("SN_MAIN", "0x2")
ISSUED = Challenge("0x1", Purpose.LINK, LINKED, "alice", Instant(0), Instant(300 * SECOND_US))


async def sign(_typed: dict[str, Any]) -> Sequence[int]:
    return 10, 11


def challenge(**changes: Any) -> Any:
    typed = challenges.typed_data(ISSUED, ORIGIN)
    return {"nonce": "0x1", "expires_at": "", "typed_data": {**typed, **changes}}


async def test_a_challenge_of_the_api_is_signed() -> None:
    assert (module.DOMAIN, module.PRIMARY_TYPE) == (challenges.DOMAIN, challenges.PRIMARY_TYPE)
    wallet = Wallet("SN_MAIN", "0x2", sign, public_key=12)
    expected = {"nonce": "0x1", "signature": ["0xa", "0xb"], "public_key": "0xc"}
    assert await wallet.prove(challenge(), "link", f"{ORIGIN}/below") == expected
    elsewhere = Wallet("SN_MAIN", "0x2", sign, origin=ORIGIN)
    assert "public_key" not in await elsewhere.prove(challenge(), "link", "http://10.0.0.1:8000")


@pytest.mark.parametrize(
    ("changes", "purpose", "url"),
    [
        ({"primaryType": "OutsideExecution"}, "link", ORIGIN),
        ({"domain": {"name": "AstraTrade", "chainId": "SN_SEPOLIA"}}, "link", ORIGIN),
        ({"domain": {"name": "Account.execute_from_outside", "chainId": "SN_MAIN"}}, "link", ORIGIN),
        ({}, "sign-in", ORIGIN),
        ({}, "link", "https://evil.example"),
        ({"message": {}}, "link", ORIGIN),
    ],
)
async def test_anything_else_is_not_signed(changes: dict[str, Any], purpose: str, url: str) -> None:
    with pytest.raises(UnexpectedAnswerError):
        await Wallet("SN_MAIN", "0x2", sign).prove(challenge(**changes), purpose, url)
