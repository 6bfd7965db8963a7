"""The dashboard lets a wallet sign a challenge of this page, chain and purpose, and nothing else."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.page_module import NODE

pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node")

PROVEN = {"chain_id": "SN_SEPOLIA", "address": "0xab", "proof": {"nonce": "0x5c", "signature": ["0xff", "0x10"]}}


def test_a_wallet_signs_challenges_of_this_page_alone(page_module: Callable[[str], Path]) -> None:
    script = Path(__file__).with_name("wallet.mjs")
    command = [str(NODE), str(script), str(page_module("data/wallet.ts"))]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert told.pop("here") == ["one"]
    assert told["deployed"] == told["named_chain"] == PROVEN
    assert told["undeployed"]["proof"]["public_key"] == "0xc0"
    assert told["refused"]["told"] == "One refused: not there"
    unsigned = {name: found["told"] for name, found in told.items() if found.get("signed") is False}
    something_else = "The API asks for a signature of something else. Do not sign it."
    assert unsigned == {
        "other_chain": "One is on SN_MAIN. Switch it to SN_SEPOLIA, and try again.",
        "accountless": "One has no account. Create one there.",
        "other_purpose": something_else,
        "transaction": something_else,
        "foreign": something_else,
        "elsewhere": "Wallets sign in at https://evil.example.com. Open the page there.",
    }
