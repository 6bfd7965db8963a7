"""The bodies and answers of wallets."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, model_validator

from api.identity.routes.models import Body, Password
from api.identity.wallets import felts
from api.identity.wallets.challenges import NONCE, Challenge, Wallet, typed_data
from api.identity.wallets.linked import LinkedWallet
from api.identity.wallets.prover import Proof
from streams.times import Instant

SIGNATURE_FELTS_MAX = 64

ChainId = Annotated[
    str,
    StringConstraints(pattern=felts.CHAIN_ID),
    Field(description="the chain of this installation, as a short string", examples=["SN_SEPOLIA"]),
]
Address = Annotated[
    str,
    StringConstraints(pattern=felts.HEX_FELT),
    AfterValidator(felts.address),
    Field(description="the address of the account contract", examples=["0x5731d1dbaa86885a1f3091ef567bcc18269799"]),
]
Felt = Annotated[str, StringConstraints(pattern=felts.HEX_FELT), AfterValidator(felts.felt)]
PublicKey = Annotated[
    str,
    StringConstraints(pattern=felts.HEX_FELT),
    AfterValidator(felts.public_key),
    Field(
        description="the key of the account's owner; the address must follow from it. Without a key the chain is asked",
        examples=["0x364cd6b8471f46f83552cf04151fcd2d073b7edccfaf9705ad9aa9219a85320"],
    ),
]


class WalletBody(Body):
    """A wallet."""

    chain_id: ChainId
    address: Address

    @property
    def wallet(self) -> Wallet:
        """Return the wallet that the body names."""
        return Wallet(self.chain_id, self.address)


class WalletChallengeRequest(WalletBody):
    """A wallet that is going to sign in."""


class OwnWalletChallengeRequest(WalletBody):
    """A wallet that is going to be linked or unlinked."""

    purpose: Literal["link", "unlink"]


class WalletProof(Body):
    """A wallet's signature of a challenge."""

    nonce: Annotated[str, StringConstraints(pattern=NONCE), Field(description="the nonce of the challenge")]
    signature: Annotated[
        list[Felt], Field(min_length=1, max_length=SIGNATURE_FELTS_MAX, description="as the wallet returned it")
    ]
    public_key: PublicKey | None = None

    @property
    def proof(self) -> Proof:
        """Return the proof with numbers."""
        signature = tuple(int(each) for each in self.signature)
        return Proof(self.nonce, signature, None if self.public_key is None else int(self.public_key, 16))


class WalletLogIn(WalletBody):
    """A wallet and its proof."""

    proof: WalletProof


class WalletLink(WalletBody):
    """A wallet to link, and its proof."""

    proof: WalletProof
    current_password: Annotated[Password | None, Field(description="required when the account has a password")] = None


class WalletUnlink(Body):
    """Either a proof of the wallet, or the account's password."""

    proof: WalletProof | None = None
    current_password: Annotated[Password | None, Field(description="for a wallet that cannot sign any more")] = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.proof is None) == (self.current_password is None):
            raise ValueError("give either a proof or the current password")
        return self


class WalletChallengeAnswer(BaseModel):
    """A challenge. Let the wallet sign `typed_data`, and send the signature with the nonce."""

    nonce: str
    expires_at: Instant
    typed_data: Annotated[dict[str, Any], Field(description="SNIP-12 typed data, revision 1")]

    @classmethod
    def of(cls, challenge: Challenge, origin: str) -> WalletChallengeAnswer:
        """Return the answer for a challenge."""
        typed = typed_data(challenge, origin)
        return cls(nonce=challenge.nonce, expires_at=challenge.expires, typed_data=typed)


class WalletAnswer(BaseModel):
    """A linked wallet."""

    chain_id: str
    address: str
    public_key: Annotated[str | None, Field(description="the registered key; null where the chain is asked each time")]
    linked_at: Instant

    @classmethod
    def of(cls, linked: LinkedWallet) -> WalletAnswer:
        """Return the answer for a linked wallet."""
        return cls(**linked.wallet._asdict(), public_key=linked.public_key, linked_at=linked.linked)


class WalletsAnswer(BaseModel):
    """The wallets of the caller, in the order in which they were linked."""

    wallets: list[WalletAnswer]
