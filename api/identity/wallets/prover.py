"""Check the proof that a client gives for a wallet: a signature of a challenge, and maybe the key that made it.

Until the signature has proven right, the request alone decides which checks run. So neither text nor time tells a
stranger whether an account has a wallet.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from api.identity.threads import BoundedThreads
from api.identity.wallets import keys
from api.identity.wallets.challenges import Challenge, typed_data
from api.identity.wallets.config import WalletConfig
from api.identity.wallets.felts import padded
from api.identity.wallets.linked import LinkedWallet
from api.identity.wallets.node import Node, NodeUnavailableError, Verdict

CHECKS_WAITING_MAX: Final = 200
"""A check takes some 4 ms, so that the last one waits for about a second."""


class NotProvenError(Exception):
    """The challenge was not issued for this, was used, has expired, or was not signed by the wallet."""

    def __init__(self) -> None:
        super().__init__("the wallet did not prove itself; ask for a new challenge, and sign it")


class ForeignKeyError(Exception):
    """The public key does not belong to the address under a class of accounts that is configured."""

    def __init__(self) -> None:
        super().__init__(
            "an account of this key has another address, or is of a class that is not configured here; leave the key "
            "out, and the chain is asked"
        )


@dataclass(frozen=True, slots=True)
class Proof:
    """A client's proof. With a key, an account proves itself that is not deployed, and a node need not be asked."""

    nonce: str
    signature: tuple[int, ...]
    public_key: int | None = None


class _ByKey(Enum):
    SIGNED = auto()
    NOT_SIGNED = auto()
    FOREIGN = auto()


class Prover:
    """Checks proofs: by a key in a thread, or by a node."""

    def __init__(self, config: WalletConfig) -> None:
        self.config = config
        self._threads = BoundedThreads(
            "wallets",
            threads=1,
            calls_max=CHECKS_WAITING_MAX,
            busy="too many wallets are being checked just now; try again",
        )
        self._node = None if config.node_url is None else Node(config.node_url, config.chain_id)

    async def check(self, challenge: Challenge, proof: Proof, linked: LinkedWallet | None) -> str | None:
        """Check a proof. Return the key to register with the wallet; None where the chain is asked each time.

        Args:
            challenge: The challenge that should have been signed.
            proof: The proof of the client.
            linked: The wallet as it is linked now; None when no account has it.

        Raises:
            NotProvenError: the signature is not the wallet's.
            ForeignKeyError: the public key is not that of the address.
            NodeUnavailableError: only the chain can tell, and there is no node that can be asked.
            BusyError: too many proofs wait.
        """
        if proof.public_key is None:
            await self._ask_chain(challenge, proof, may_be_undeployed=False)
            return None
        await self._check_key(challenge, proof, proof.public_key)
        key = padded(proof.public_key)
        if linked is not None and linked.public_key == key:
            return key
        # The key owned the account when the account was deployed. The chain knows whether it owns the account now.
        if self._node is not None or linked is not None:
            await self._ask_chain(challenge, proof, may_be_undeployed=linked is None)
        return key if linked is None else None

    async def close(self) -> None:
        """End the thread, and close the connections to the node."""
        self._threads.close()
        if self._node is not None:
            await self._node.close()

    async def _check_key(self, challenge: Challenge, proof: Proof, public_key: int) -> None:
        address = int(challenge.wallet.address, 16)
        signed = typed_data(challenge, self.config.origin)

        def compute() -> _ByKey:
            keys.load()
            if not keys.is_owner(public_key, address, self.config.account_classes):
                return _ByKey.FOREIGN
            by_key = keys.is_signed_by(public_key, keys.message_hash(signed, address), proof.signature)
            return _ByKey.SIGNED if by_key else _ByKey.NOT_SIGNED

        found = await self._threads.run(compute)
        if found is _ByKey.FOREIGN:
            raise ForeignKeyError
        if found is _ByKey.NOT_SIGNED:
            raise NotProvenError

    async def _ask_chain(self, challenge: Challenge, proof: Proof, *, may_be_undeployed: bool) -> None:
        if self._node is None:
            raise NodeUnavailableError("this installation has no Starknet node, which this wallet needs")
        address = int(challenge.wallet.address, 16)
        signed = typed_data(challenge, self.config.origin)

        def compute() -> int:
            keys.load()
            return keys.message_hash(signed, address)

        signed_hash = await self._threads.run(compute)
        verdict = await self._node.is_valid_signature(address, signed_hash, proof.signature)
        if verdict is Verdict.NOT_DEPLOYED and may_be_undeployed:
            return
        if verdict is not Verdict.VALID:
            raise NotProvenError
