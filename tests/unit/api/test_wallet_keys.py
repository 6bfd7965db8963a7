"""Hashes, signatures and addresses of wallets, against numbers of other implementations."""

from __future__ import annotations

import subprocess
import sys

import pytest

from api.identity.wallets import felts, keys
from api.identity.wallets.challenges import Challenge, Purpose, Wallet, typed_data
from api.identity.wallets.felts import CURVE_ORDER, PRIME, SIGNATURE_R_MAX
from streams.times import SECOND_US, Instant
from tests.source import ROOT
from tests.support.starknet import ARGENT, OPENZEPPELIN, Signer, account_at

WALLET = Wallet("SN_MAIN", "0x05731d1dbaa86885a1f3091ef567bcc1826979989f28e0c50bf938aab665c23e")
ISSUED, EXPIRES = Instant(1_795_939_200 * SECOND_US), Instant(1_795_939_500 * SECOND_US)
ANN, EVE = Signer(0xA11CE), Signer(0xE7E)


@pytest.mark.parametrize(
    ("purpose", "account", "origin", "expected"),
    [
        (
            Purpose.LINK,
            "01a22679-05c2-7af8-86fa-33b897c4d5e6",
            "https://app.a-rather-long-name.example.com",
            0x3FE34E115E1FB9320187FB8678D8775F71C2CB1F5AF31EC7254CBEFCB2AC80C,
        ),
        (
            Purpose.SIGN_IN,
            None,
            "http://127.0.0.1:8000",
            0x27BEF059DC3B8C059B4EDD26F22ECE2681F2944BF1C436EBE555B385EB23E49,
        ),
    ],
)
def test_a_challenge_has_the_hash_that_wallets_sign(
    purpose: Purpose, account: str | None, origin: str, expected: int
) -> None:
    """The numbers are those of starknet.js 10.8.0."""
    challenge = Challenge("0x" + "5c" * 31, purpose, WALLET, account, ISSUED, EXPIRES)
    assert keys.message_hash(typed_data(challenge, origin), int(WALLET.address, 16)) == expected


def test_only_the_keys_own_signature_is_valid() -> None:
    signed_hash = 12_345
    r, s = ANN.sign_hash(signed_hash)
    assert keys.is_signed_by(ANN.public_key, signed_hash, [r, s])
    assert keys.is_signed_by(ANN.public_key, signed_hash, [r, CURVE_ORDER - s]), "as every account accepts it"
    assert not keys.is_signed_by(EVE.public_key, signed_hash, [r, s])
    assert not keys.is_signed_by(ANN.public_key, signed_hash + 1, [r, s])
    for signature in ([], [r], [r, s, s], [s, r]):
        assert not keys.is_signed_by(ANN.public_key, signed_hash, signature)


@pytest.mark.parametrize("edge", [0, 1, SIGNATURE_R_MAX, CURVE_ORDER - 1, CURVE_ORDER, CURVE_ORDER + 1, PRIME - 1])
def test_numbers_at_the_edges_are_no_signature_and_no_key_and_no_error(edge: int) -> None:
    r, s = ANN.sign_hash(7)
    for signature in ([edge, s], [r, edge], [edge, edge]):
        assert not keys.is_signed_by(ANN.public_key, 7, signature)
    assert not keys.is_signed_by(edge, 7, [r, s])


def test_an_address_proves_the_key_of_its_class_alone() -> None:
    for account_class in (OPENZEPPELIN, ARGENT):
        address = int(account_at(account_class, ANN.public_key), 16)
        assert keys.is_owner(ANN.public_key, address, [OPENZEPPELIN, ARGENT])
        assert not keys.is_owner(EVE.public_key, address, [OPENZEPPELIN, ARGENT])
        assert not keys.is_owner(ANN.public_key, address + 1, [OPENZEPPELIN, ARGENT])
        assert not keys.is_owner(ANN.public_key, address, [])


@pytest.mark.parametrize("text", ["", "0x", "12", "0xg", f"0x{'1' * 65}", "0X1", "0x1\n", "0x\u0661", hex(PRIME)])
def test_other_texts_are_no_field_elements(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected 0x|too large"):
        felts.felt(text)


def test_an_address_has_one_form() -> None:
    assert {felts.address(text) for text in ("0xAB", "0xab", "0x00ab", f"0x{'0' * 62}ab")} == {f"0x{'0' * 62}ab"}
    for number in (0, 1, felts.ADDRESSES_END, PRIME - 1):
        with pytest.raises(ValueError, match="no contract"):
            felts.address(hex(number))


def test_loading_the_library_runs_no_garbage_collection_and_exempts_it_from_later_ones() -> None:
    program = """
import gc, sys
from api.identity.wallets import keys
seen = []
gc.callbacks.append(lambda phase, info: seen.append(phase))
before = gc.get_freeze_count()
keys.load()
print(seen, gc.isenabled(), gc.get_freeze_count() - before > 100_000, keys.LOADED in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == ["[]", "True", "True", "True"], done.stderr
