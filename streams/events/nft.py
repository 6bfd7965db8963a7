"""Commands and events of the nft domain: eligibility, mint requests, listings and sales.

A token's events have the token as their key; a user's events have the user.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator

from streams.events.base import Command, EventData, Name, UserId
from streams.times import Instant
from streams.units import Quantity, price_or_size

GenesisType = Literal[
    "first_trade", "level_milestone_25", "level_milestone_50", "constellation_founder", "viral_legend", "trading_master"
]
Rarity = Literal["common", "uncommon", "rare", "epic", "legendary"]
SaleAsset = Literal["SS", "LM", "STRK"]
Amount = Annotated[Quantity, AfterValidator(price_or_size)]


# --- commands ---------------------------------------------------------------------------------------------------------


class RequestMint(Command, frozen=True, kw_only=True):
    """Ask for the token of a type that the caller is eligible for."""

    domain: ClassVar[str] = "nft"

    mint_id: str
    type: GenesisType


class ListNFT(Command, frozen=True, kw_only=True):
    """Offer a token for sale. The key is the token, `seller` the caller."""

    domain: ClassVar[str] = "nft"

    token_id: Name
    listing_id: str
    seller: UserId
    asset: SaleAsset
    price: Amount


class UnlistNFT(Command, frozen=True, kw_only=True):
    """Withdraw an offer. The key is the token, `seller` the caller."""

    domain: ClassVar[str] = "nft"

    token_id: Name
    listing_id: str
    seller: UserId


class BuyNFT(Command, frozen=True, kw_only=True):
    """Buy a listed token at its price. The key is the buyer; `price` is what the buyer saw."""

    domain: ClassVar[str] = "nft"

    purchase_id: str
    token_id: Name
    listing_id: str
    asset: SaleAsset
    price: Amount


# --- events -----------------------------------------------------------------------------------------------------------


class NFTCommandRejected(EventData, frozen=True, kw_only=True):
    """A command changed nothing. The key is the user who sent it."""

    domain: ClassVar[str] = "nft"

    command: Name
    reason: Name
    subject_id: str = ""


class NFTEligible(EventData, frozen=True, kw_only=True):
    """A user may mint the token of a type. The key is the user."""

    domain: ClassVar[str] = "nft"

    type: GenesisType
    rarity: Rarity


class MintRequested(EventData, frozen=True, kw_only=True):
    """A mint waits for the chain. The key is the user."""

    domain: ClassVar[str] = "nft"

    mint_id: str
    type: GenesisType
    rarity: Rarity


class MintReported(EventData, frozen=True, kw_only=True):
    """The chain minted a token for a request, whose partition matches the two. The key is the user."""

    domain: ClassVar[str] = "nft"

    mint_id: str
    token_id: Name
    tx_hash: str


class MintRefused(EventData, frozen=True, kw_only=True):
    """The chain refused a mint for a request, whose partition ends it. The key is the user."""

    domain: ClassVar[str] = "nft"

    mint_id: str
    reason: Name


class TokenClaimed(EventData, frozen=True, kw_only=True):
    """A pending mint claims the token that the chain made for it. The key is the token, whose partition decides."""

    domain: ClassVar[str] = "nft"

    token_id: Name
    mint_id: str
    owner: UserId
    type: GenesisType
    rarity: Rarity
    tx_hash: str


class MintUnmatched(EventData, frozen=True, kw_only=True):
    """A report of the chain changed nothing: no pending mint has its id, or the token exists. The key is the user."""

    domain: ClassVar[str] = "nft"

    mint_id: str
    token_id: Name
    reason: Literal["unknown_mint", "token_exists"]


class NFTMinted(EventData, frozen=True, kw_only=True):
    """A token exists. The key is the token."""

    domain: ClassVar[str] = "nft"

    token_id: Name
    owner: UserId
    type: GenesisType
    rarity: Rarity
    tx_hash: str


class MintFailed(EventData, frozen=True, kw_only=True):
    """The chain refused a mint. The user may ask again. The key is the user."""

    domain: ClassVar[str] = "nft"

    mint_id: str
    type: GenesisType
    reason: Name


class NFTListed(EventData, frozen=True, kw_only=True):
    """A token is for sale. The key is the token."""

    domain: ClassVar[str] = "nft"

    token_id: Name
    listing_id: str
    seller: UserId
    asset: SaleAsset
    price: Amount
    ends_at: Instant


class NFTUnlisted(EventData, frozen=True, kw_only=True):
    """A token is not for sale any more. The key is the token."""

    domain: ClassVar[str] = "nft"

    token_id: Name
    listing_id: str
    seller: UserId
    reason: Literal["withdrawn", "expired", "transferred"]


class PurchaseRequested(EventData, frozen=True, kw_only=True):
    """A buyer asks the ledger to reserve the price of a token. The key is the buyer."""

    domain: ClassVar[str] = "nft"

    reservation_id: str
    token_id: Name
    listing_id: str
    asset: SaleAsset
    amount: Amount


class PurchaseDecided(EventData, frozen=True, kw_only=True):
    """The token's partition captures or releases a reservation. The key is the buyer.

    The amounts of a sale add up: price = platform_fee + creator_fee + proceeds. They are 0 for a release.
    """

    domain: ClassVar[str] = "nft"

    reservation_id: str
    token_id: Name
    listing_id: str
    sold: bool
    reason: Name
    asset: SaleAsset | None = None
    seller: UserId | None = None
    creator: UserId | None = None
    platform_fee: Quantity
    creator_fee: Quantity
    proceeds: Quantity


class NFTSold(EventData, frozen=True, kw_only=True):
    """A token was sold. The key is the token."""

    domain: ClassVar[str] = "nft"

    token_id: Name
    listing_id: str
    seller: UserId
    buyer: UserId
    asset: SaleAsset
    price: Amount
    platform_fee: Quantity
    creator_fee: Quantity
    proceeds: Quantity


class NFTTransferred(EventData, frozen=True, kw_only=True):
    """A token has another owner. The key is the token."""

    domain: ClassVar[str] = "nft"

    token_id: Name
    before: UserId
    owner: UserId
    reason: Literal["sale", "chain"]


class NFTReceived(EventData, frozen=True, kw_only=True):
    """A user owns a token. The key is the user."""

    domain: ClassVar[str] = "nft"

    token_id: Name
    type: GenesisType
    mint_id: str = ""


class NFTGone(EventData, frozen=True, kw_only=True):
    """A user owns a token no longer. The key is the user."""

    domain: ClassVar[str] = "nft"

    token_id: Name
