"""What a sale pays to whom, exactly, and whether a reservation may buy a token. Pure functions."""

from __future__ import annotations

from typing import NamedTuple

from agents.nft.policy import NftPolicy
from streams.assets import is_whole, unit_of
from streams.events.financial import FundsReserved
from streams.events.nft import SaleAsset
from streams.times import Instant
from streams.units import PPM, Quantity, divide_half_up
from tables.nft import Listing, Token


class Shares(NamedTuple):
    """The parts of a price: price = platform + creator + proceeds."""

    platform: Quantity
    creator: Quantity
    proceeds: Quantity


NOTHING = Shares(Quantity(0), Quantity(0), Quantity(0))


def shares(listing: Listing, creator: str | None, policy: NftPolicy) -> Shares:
    """Return the parts of a price: fees rounded half up to the asset's smallest unit, the rest to the seller."""
    price, asset = listing.price, listing.asset
    platform = _part(price, policy.platform_ppm, asset)
    created = _part(price, policy.creator_ppm, asset) if creator is not None else Quantity(0)
    return Shares(platform, created, Quantity(price - platform - created))


def _part(price: Quantity, ppm: int, asset: SaleAsset) -> Quantity:
    unit = unit_of(asset)
    return Quantity(divide_half_up(price // unit * ppm, PPM) * unit)


def unpriceable(price: Quantity, asset: SaleAsset) -> str | None:
    """Return why a price cannot be one in an asset, or None."""
    return None if is_whole(asset, price) else "too_many_decimals"


def refusal(token: Token | None, funds: FundsReserved, now: Instant) -> str | None:
    """Return why reserved funds do not buy a token, or None."""
    if token is None:
        return "unknown_token"
    listing = token.listing
    if listing is None or listing.listing_id != funds.listing_id:
        return "not_listed"
    if now >= listing.ends_at:
        return "listing_expired"
    if (funds.asset, funds.amount) != (listing.asset, listing.price):
        return "price_changed"
    return "own_token" if funds.buyer == token.owner else None
