"""A multisig owns a contract: Argent's, of which devnet has the class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import pytest
from poseidon_py.poseidon_hash import poseidon_hash

from tests.chain.abi import short_string
from tests.chain.deployed import Chain, reverts
from tests.chain.fees import DELAY_S, Fees, announce, shares
from tests.chain.node import RpcError
from tests.chain.transactions import Account
from tests.support.starknet import Signer

CLASS_HASH: Final = 0x7AECA3456816E3B833506D7CC5C1313D371FBDB0AE95EE70AF72A4DDBF42594
STARKNET_KEY: Final = 0
"""The variant of a signer that is a key of Starknet's curve."""
FUNDS: Final = 10**26
OTHER: Final = 0x07E4


@dataclass(frozen=True)
class Multisig(Account):
    """An account that needs several signatures; `signers` are those that sign."""

    signers: tuple[Signer, ...] = ()

    def signature(self, signed_hash: int) -> Sequence[int]:
        parts = [(STARKNET_KEY, signer.public_key, *signer.sign_hash(signed_hash)) for signer in self.signers]
        return [len(parts), *(felt for part in parts for felt in part)]


def in_order(*private_keys: int) -> tuple[Signer, ...]:
    """Return signers in the order of their identifiers, as the contract wants them."""
    type_of_signer = short_string("Starknet Signer")
    return tuple(
        sorted(map(Signer, private_keys), key=lambda signer: int(poseidon_hash(type_of_signer, signer.public_key)))
    )


@pytest.fixture
def multisig(chain: Chain, fees: Fees) -> Multisig:
    """Return an account of three keys, of which two have to sign."""
    signers = in_order(11, 22, 33)
    try:
        keys = [felt for signer in signers for felt in (STARKNET_KEY, signer.public_key)]
        address = chain.deploy_at(CLASS_HASH, [2, len(signers), *keys])
    except Exception as exc:
        if "not declared" in str(exc):
            pytest.skip("this node has no class of a multisig")
        raise
    chain.node.ask("devnet_mint", address=hex(address), amount=FUNDS, unit="FRI")
    return Multisig(chain.node, address, signers[0], chain.accounts[0].chain_id, signers[:2])


def test_a_multisig_owns_a_contract_and_changes_it(chain: Chain, fees: Fees, multisig: Multisig) -> None:
    splitter = fees.splitter
    splitter.invoke("transfer_ownership", multisig.address)
    splitter.invoke("accept_ownership", by=multisig)
    owned = replace(splitter, deployer=multisig)
    announced = announce(owned, "set_shares", shares((OTHER, 1_000_000)))
    chain.node.advance(DELAY_S)
    with reverts("Ownable: not the owner"):
        splitter.invoke("execute", *announced, by=fees.owner)
    with pytest.raises(RpcError, match="signature"):
        owned.invoke("execute", *announced, by=replace(multisig, signers=multisig.signers[:1]))
    owned.invoke("execute", *announced)
    assert splitter.call("shares") == shares((OTHER, 1_000_000))
