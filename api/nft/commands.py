"""Commands of the nft domain: request a mint, offer a token, withdraw the offer, buy."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo
from starlette.responses import Response

from api.kit.commands.answers import Accepted, accepted
from api.kit.commands.reading import WITHOUT_BODY, CommandRoute, Reader, read_without_body
from api.kit.openapi import problems
from streams.assets import whole
from streams.events.base import ID_PATTERN
from streams.events.nft import Amount, BuyNFT, GenesisType, ListNFT, RequestMint, SaleAsset, UnlistNFT
from streams.ids import derived_id, timestamp_ms
from streams.units import Quantity

TokenPath = Annotated[str, Path(pattern=ID_PATTERN, description="a token's id", examples=["genesis-17"])]
ListingPath = Annotated[
    str, Path(pattern=ID_PATTERN, description="a listing's id", examples=["0192f7c4-5d6e-7a10-8f00-1b2c3d4e5f60"])
]
PRICE: Final = {"asset": "SS", "price": "1500"}


def _whole(price: Quantity, info: ValidationInfo) -> Quantity:
    asset = info.data.get("asset")
    return price if asset is None else whole(asset, price)


class MintBody(BaseModel):
    """The genesis type to mint."""

    model_config = ConfigDict(extra="forbid")

    type: GenesisType


class Price(BaseModel):
    """A price. SS and LM have no decimals."""

    model_config = ConfigDict(extra="forbid")

    asset: SaleAsset
    price: Annotated[Amount, AfterValidator(_whole)]


class Offer(Price):
    """The price at which the caller offers a token."""


class Purchase(Price):
    """The price that the caller saw. The token is not sold at another one."""


class AcceptedMint(Accepted):
    """The request is in the log. `mint_id` names the mint, unless it is rejected."""

    mint_id: str


class AcceptedOffer(Accepted):
    """The offer is in the log. `listing_id` names the listing, unless it is rejected."""

    listing_id: str


class AcceptedPurchase(Accepted):
    """The purchase is in the log. `purchase_id` names it in the events that decide it."""

    purchase_id: str


read_mint, read_offer, read_purchase = Reader(MintBody), Reader(Offer), Reader(Purchase)
router = APIRouter(prefix="/v1/nft", responses=problems(400, 401, 403, 413, 415, 422, 503), route_class=CommandRoute)


def _named(event_id: str, what: str) -> str:
    """Return the id of what a command begins. A retried request gives it again."""
    return derived_id(timestamp_ms(event_id), event_id, what)


@router.post(
    "/mints",
    status_code=202,
    summary="Request a mint",
    response_model=AcceptedMint,
    openapi_extra=read_mint.described({"after the first trade": {"type": "first_trade"}}),
)
async def request_mint(request: Request) -> Response:
    """Ask for the token of a genesis type. The mint stays pending until the chain confirms or refuses it."""
    asked = await read_mint(request)
    submission = await asked.begin(RequestMint, "nft.mints")
    event_id = submission.event_id()
    mint_id = _named(event_id, "mint")
    data = RequestMint(mint_id=mint_id, type=asked.value.type)
    written = await asked.api.writer.write(RequestMint, [submission.entry(data, event_id, subject=mint_id)], submission)
    return accepted(asked.api, written, RequestMint, mint_id=mint_id)


@router.post(
    "/tokens/{token_id}/listings",
    status_code=202,
    summary="Offer a token for sale",
    response_model=AcceptedOffer,
    openapi_extra=read_offer.described({"for stellar shards": PRICE}),
)
async def list_token(request: Request, token_id: TokenPath) -> Response:
    """Offer one of the caller's tokens for 30 days."""
    offer = await read_offer(request)
    submission = await offer.begin(ListNFT, f"nft.list.{token_id}")
    event_id = submission.event_id()
    listing_id = _named(event_id, "listing")
    data = ListNFT(
        token_id=token_id,
        listing_id=listing_id,
        seller=offer.caller,
        asset=offer.value.asset,
        price=offer.value.price,
    )
    written = await offer.api.writer.write(ListNFT, [submission.entry(data, event_id, key=token_id)], submission)
    return accepted(offer.api, written, ListNFT, listing_id=listing_id)


@router.delete(
    "/tokens/{token_id}/listings/{listing_id}",
    status_code=202,
    summary="Withdraw an offer",
    response_model=Accepted,
    openapi_extra=WITHOUT_BODY,
)
async def unlist_token(request: Request, token_id: TokenPath, listing_id: ListingPath) -> Response:
    """Withdraw the caller's offer of a token."""
    asked = read_without_body(request)
    submission = await asked.begin(UnlistNFT, f"nft.unlist.{token_id}.{listing_id}")
    data = UnlistNFT(token_id=token_id, listing_id=listing_id, seller=asked.caller)
    command = submission.entry(data, submission.event_id(), key=token_id)
    written = await asked.api.writer.write(UnlistNFT, [command], submission)
    return accepted(asked.api, written, UnlistNFT)


@router.post(
    "/tokens/{token_id}/listings/{listing_id}/purchases",
    status_code=202,
    summary="Buy a token",
    response_model=AcceptedPurchase,
    openapi_extra=read_purchase.described({"at the price seen": PRICE}),
)
async def buy_token(request: Request, token_id: TokenPath, listing_id: ListingPath) -> Response:
    """Buy a listed token at the price that the caller saw. The price is reserved first, and paid once it is sold."""
    purchase = await read_purchase(request)
    submission = await purchase.begin(BuyNFT, f"nft.buy.{token_id}.{listing_id}")
    event_id = submission.event_id()
    purchase_id = _named(event_id, "purchase")
    data = BuyNFT(
        purchase_id=purchase_id,
        token_id=token_id,
        listing_id=listing_id,
        asset=purchase.value.asset,
        price=purchase.value.price,
    )
    command = submission.entry(data, event_id, subject=token_id)
    written = await purchase.api.writer.write(BuyNFT, [command], submission)
    return accepted(purchase.api, written, BuyNFT, purchase_id=purchase_id)
