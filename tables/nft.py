"""The declaration of the nft domain: eligibility and mints of users, tokens, the market, and the ends of listings."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from streams import topics
from streams.events.nft import BuyNFT, GenesisType, ListNFT, Rarity, RequestMint, SaleAsset, UnlistNFT
from streams.topology import Domain, TableSpec
from streams.units import Quantity
from tables.deadlines import Deadline
from tables.keys import SEPARATOR
from tables.row import Micros, Row

MintStatus = Literal["pending", "minted", "failed"]


class Mint(Row, frozen=True, kw_only=True):
    """A user's latest mint of a genesis type. A pending one waits for the chain."""

    mint_id: str
    status: MintStatus
    token_id: str | None = None
    reason: str | None = None
    at: Micros


class Collector(Row, frozen=True, kw_only=True):
    """The genesis types that a user may mint, each with the time from which on, and the mints. The key is the user."""

    eligible: dict[GenesisType, Micros] = msgspec.field(default_factory=dict)
    mints: dict[GenesisType, Mint] = msgspec.field(default_factory=dict)


class Listing(Row, frozen=True, kw_only=True):
    """An offer of a token at a price."""

    listing_id: str
    asset: SaleAsset
    price: Quantity
    listed_at: Micros
    ends_at: Micros


class Sale(Row, frozen=True, kw_only=True):
    """A sale of a token: who sold it, by which offer."""

    seller: str
    listing: Listing


class Token(Row, frozen=True, kw_only=True):
    """A token. The key is its id.

    Attributes:
        creator: Earns a part of each sale; None for genesis tokens.
        owned_at: When its owner received it.
        listing: The offer of its owner, if it is for sale.
        sold_for: The reservation of the last sale.
        last_sale: That sale. The decision about it is made again when the ledger asks for it again.
    """

    owner: str
    type: GenesisType
    rarity: Rarity
    creator: str | None = None
    tx_hash: str
    mint_id: str
    minted_at: Micros
    owned_at: Micros
    listing: Listing | None = None
    sales: int = 0
    sold_for: str | None = None
    last_sale: Sale | None = None


DeadlineKind = Literal["listing"]
"""The one kind of deadlines: the end of a listing. The subject is the token."""
OPEN: Final = "open"
"""The first part of the rankings of open listings."""
ANY: Final = "any"
OWNED: Final = "tokens/all"
OF_LISTING: Final = "~"
"""Separates a token from its listing in a member of a ranking. Ids do not contain it."""


def listing_key(token_id: str, listing_id: str) -> str:
    """Return the key of an open listing in `nft-market`. A row is never reused: it leaves the rankings when it goes."""
    return f"{OPEN}{SEPARATOR}{token_id}{OF_LISTING}{listing_id}"


def owner_key(user_id: str, token_id: str) -> str:
    """Return the key of a user's token in `nft-market`."""
    return f"{owner_row(user_id)}{SEPARATOR}{token_id}"


def token_of(member: str) -> str:
    """Return the token that a member of a ranking is about."""
    return member.partition(OF_LISTING)[0]


def open_names(kind: str, asset: str) -> tuple[str, ...]:
    """Return the names of the rankings that an open listing is in: all, of its type, in its asset, and both."""
    return tuple(f"{one}/{other}" for one in (ANY, kind) for other in (ANY, asset))


def open_group(kind: str = ANY, asset: str = ANY) -> str:
    """Return the ranking of open listings, the newest first."""
    return f"{OPEN}/{kind}/{asset}"


def owner_row(user_id: str) -> str:
    """Return the first part of the keys of a user's tokens."""
    return f"of:{user_id}"


def owner_group(user_id: str) -> str:
    """Return the ranking of a user's tokens, those that came last first."""
    return f"{owner_row(user_id)}/{OWNED}"


_USERS: Final = (topics.GAMIFICATION_EVENTS, topics.SOCIAL_EVENTS, topics.NFT_COMMANDS, topics.NFT_EVENTS)
_TOKENS: Final = (topics.NFT_COMMANDS, topics.NFT_EVENTS, topics.FINANCIAL_EVENTS, topics.CLOCK)
_SOURCES: Final = (
    topics.NFT_COMMANDS,
    topics.NFT_EVENTS,
    topics.GAMIFICATION_EVENTS,
    topics.SOCIAL_EVENTS,
    topics.FINANCIAL_EVENTS,
    topics.CHAIN_EVENTS,
    topics.CLOCK,
)

NFT_PROCESSED: Final[TableSpec[Row]] = TableSpec("nft-processed", None, _SOURCES, only_at_least_once=True)
NFT_COLLECTORS: Final = TableSpec("nft-collectors", Collector, _USERS)
NFT_TOKENS: Final = TableSpec("nft-tokens", Token, _TOKENS)
NFT_MARKET: Final[TableSpec[Row]] = TableSpec("nft-market", None, _TOKENS, ranked=True)
NFT_DEADLINES: Final = TableSpec(
    "nft-deadlines", Deadline, (topics.NFT_COMMANDS, topics.FINANCIAL_EVENTS, topics.CLOCK)
)

DOMAIN: Final = Domain(
    name="nft",
    consumes=_SOURCES,
    produces={
        topics.NFT_EVENTS: _SOURCES,
        topics.NOTIFICATIONS: (topics.FINANCIAL_EVENTS, topics.CLOCK),
    },
    commands=(RequestMint, ListNFT, UnlistNFT, BuyNFT),
    tables=(NFT_PROCESSED, NFT_COLLECTORS, NFT_TOKENS, NFT_MARKET, NFT_DEADLINES),
    unhurried=frozenset({topics.GAMIFICATION_EVENTS, topics.SOCIAL_EVENTS}),
)
