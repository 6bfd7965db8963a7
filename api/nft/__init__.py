"""NFT in the API: what users may mint, tokens, and the market."""

from __future__ import annotations

from typing import Final

from api.auth import Role
from api.kit.commands.admission import WhenDelayed
from api.kit.domain import AcceptedCommand, DomainApi
from api.kit.own_rows import OwnRows
from api.nft import commands, queries
from api.nft.projections import COLLECTOR
from api.permissions import PUBLIC, Scope, only
from streams.events.nft import BuyNFT, ListNFT, RequestMint, UnlistNFT
from tables.nft import NFT_COLLECTORS

COLLECTORS: Final = OwnRows(
    "collector", NFT_COLLECTORS, COLLECTOR, title="Collector", doc="The tokens that a user may mint, and the mints."
)
COMMAND: Final = only(Role.USER, Scope.TRADE)
LISTING: Final = "/v1/nft/tokens/{token_id}/listings/{listing_id}"

API: Final = DomainApi(
    title="NFT",
    description="Genesis tokens: eligibility, mints, and the market.",
    routers=(*COLLECTORS.routers, commands.router, queries.router, queries.feeds, queries.MY_NFTS.router),
    feeds=(COLLECTORS.feed, queries.TOKENS_FEED, queries.MY_NFTS.feed),
    commands={
        RequestMint: AcceptedCommand(commands.MintBody, WhenDelayed.ACCEPT),
        ListNFT: AcceptedCommand(commands.Offer, WhenDelayed.ACCEPT),
        UnlistNFT: AcceptedCommand(None, WhenDelayed.ACCEPT),
        # A purchase reserves money now, which a late one would not have meant.
        BuyNFT: AcceptedCommand(commands.Purchase, WhenDelayed.REFUSE),
    },
    permissions={
        **COLLECTORS.permissions,
        ("POST", "/v1/nft/mints"): COMMAND,
        ("POST", "/v1/nft/tokens/{token_id}/listings"): COMMAND,
        ("DELETE", LISTING): COMMAND,
        ("POST", f"{LISTING}/purchases"): COMMAND,
        ("GET", "/v1/nft/tokens/{token_id}"): PUBLIC,
        ("GET", "/v1/nft/market"): PUBLIC,
        ("GET", "/v1/users/{user_id}/nfts"): PUBLIC,
        ("GET", "/v1/feed/nft-tokens"): PUBLIC,
        **queries.MY_NFTS.permissions,
    },
)
