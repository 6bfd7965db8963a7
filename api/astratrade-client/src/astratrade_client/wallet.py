"""A Starknet wallet that signs in: its address, and a function of the caller's that signs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict
from urllib.parse import urlsplit

from astratrade_client.errors import UnexpectedAnswerError
from astratrade_client.models import WalletChallengeAnswer

DOMAIN = "AstraTrade"
PRIMARY_TYPE = "WalletChallenge"
Sign = Callable[[dict[str, Any]], Awaitable[Sequence[int]]]
"""Signs SNIP-12 typed data, and returns the numbers of the signature."""


class Proof(TypedDict):
    """A signature of a challenge, as the API takes it."""

    nonce: str
    signature: list[str]
    public_key: NotRequired[str]


@dataclass(frozen=True, slots=True)
class Wallet:
    """A wallet.

    Attributes:
        chain_id: Its chain, such as `SN_MAIN`.
        address: The address of the account contract, `0x` and hexadecimal digits.
        sign: Signs typed data. It may ask the user.
        public_key: The key of the account's owner, if the address follows from it. Without it the API asks the chain.
        origin: The public origin of the API, where it is not the origin of the client's URL.
    """

    chain_id: str
    address: str
    sign: Sign
    public_key: int | None = None
    origin: str | None = None

    def named(self) -> dict[str, Any]:
        """Return the members of a body that name the wallet."""
        return {"chain_id": self.chain_id, "address": self.address}

    async def prove(self, challenge: WalletChallengeAnswer, purpose: str, url: str) -> Proof:
        """Sign a challenge for a purpose of the API at a URL.

        Raises:
            UnexpectedAnswerError: the data is something else, such as a transaction or the challenge of another API.
        """
        typed = challenge["typed_data"]
        self._check(typed, purpose, self.origin or _origin(url))
        proof: Proof = {"nonce": challenge["nonce"], "signature": [hex(part) for part in await self.sign(typed)]}
        if self.public_key is not None:
            proof["public_key"] = hex(self.public_key)
        return proof

    def _check(self, typed: dict[str, Any], purpose: str, origin: str) -> None:
        domain, message = typed.get("domain", {}), typed.get("message", {})
        found = (typed.get("primaryType"), domain.get("name"), domain.get("chainId"), message.get("purpose"))
        if found != (PRIMARY_TYPE, DOMAIN, self.chain_id, purpose):
            raise UnexpectedAnswerError(f"the API asks for a signature of {found}, not of a challenge for {purpose}")
        if message.get("origin") != origin:
            raise UnexpectedAnswerError(f"the challenge is of {message.get('origin')!r}, and not of {origin!r}")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
