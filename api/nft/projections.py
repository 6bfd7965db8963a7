"""How clients see tokens, listings and mints."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, Field, create_model

from api.kit.audience import Audience
from api.kit.projection import PositionText, Projection
from api.kit.public import cut_to_hour
from tables.nft import Collector, Listing, Mint, Token

LISTING: Final = Projection(Listing, "Listing", "An offer of a token.", describe={"price": "in whole units of `asset`"})
TOKEN: Final = Projection(
    Token,
    "TokenRow",
    "A token.",
    key={"token_id": str},
    omit=("mint_id", "sold_for", "last_sale"),
    describe={
        "creator": "earns a part of each sale; null for genesis tokens",
        "listing": "the owner's offer; null while the token is not for sale",
    },
    nested=(LISTING,),
)
MINT: Final = Projection(Mint, "Mint", "A mint; a pending one waits for the chain.")
COLLECTOR: Final = Projection(
    Collector,
    "Collector",
    "The genesis types that a user may mint, and the mints.",
    key={"user_id": str},
    describe={"eligible": "each type, with the time from which on", "mints": "the latest mint of each type"},
    nested=(MINT,),
)

Owner = Annotated[str | None, Field(description="null for a private user")]
PublicToken = create_model("Token", __doc__="A token.", __base__=TOKEN.model, owner=(Owner, ...))


class TokenAnswer(PublicToken):
    """A token, and the position that it is true for."""

    position: PositionText


class TokensAnswer(BaseModel):
    """Tokens in the order of a list, and the position that they are true for."""

    position: PositionText
    total: Annotated[int, Field(description="tokens in the list")]
    tokens: list[PublicToken]
    next_cursor: Annotated[str | None, Field(description="continues the list; null at its end")]


def public_token(row: dict[str, Any]) -> dict[str, Any]:
    """Return what the public sees of a token: times cut to the hour, as they follow from its owner's acts."""
    return {**row, "minted_at": cut_to_hour(row["minted_at"]), "owned_at": cut_to_hour(row["owned_at"])}


def without_owner(row: dict[str, Any]) -> dict[str, Any]:
    """Return a public token of a private user."""
    return {**row, "owner": None}


def shown(row: dict[str, Any], audience: Audience) -> dict[str, Any]:
    """Return a token as a reader sees it."""
    owner = row["owner"]
    if audience.hides(owner):
        return without_owner(public_token(row))
    return row if audience.knows(owner) else public_token(row)
