"""Tokens and their market, in the tokens' partitions: creation, listing, sale to one reservation, expiry.

A buyer's ledger reserves the price first. The token's partition sells to the first valid reservation, and answers each
of the others with a release (decision 0046).
"""

from __future__ import annotations

from msgspec.structs import replace

from agents.deadlines import Deadlines
from agents.dispatch import Rules
from agents.nft.policy import NftPolicy
from agents.nft.sales import NOTHING, Shares, refusal, shares, unpriceable
from agents.notices import notice
from streams.events import AnyEvent, Event
from streams.events.clock import Ticked
from streams.events.financial import FundsReserved, ReservationExpired, ReservationRefused
from streams.events.nft import (
    BuyNFT,
    ListNFT,
    MintUnmatched,
    NFTCommandRejected,
    NFTGone,
    NFTListed,
    NFTMinted,
    NFTReceived,
    NFTSold,
    NFTTransferred,
    NFTUnlisted,
    PurchaseDecided,
    PurchaseRequested,
    SaleAsset,
    TokenClaimed,
    UnlistNFT,
)
from streams.times import DAY_US, Instant
from tables.boards import Ranked, Standing
from tables.nft import (
    NFT_MARKET,
    NFT_TOKENS,
    OWNED,
    DeadlineKind,
    Listing,
    Sale,
    Token,
    listing_key,
    open_names,
    owner_key,
)
from tables.unit_of_work import UnitOfWork


class Market:
    """The tokens of a partition."""

    def __init__(self, tables: UnitOfWork, policy: NftPolicy, deadlines: Deadlines[DeadlineKind]) -> None:
        self.tokens = tables.rows(NFT_TOKENS)
        self.market = tables.ranked(NFT_MARKET)
        self._deadlines = deadlines
        deadlines.on({"listing": self._end})
        self._policy = policy
        self.rules: Rules = {
            TokenClaimed: self._claimed,
            ListNFT: self._list,
            UnlistNFT: self._unlist,
            BuyNFT: _buy,
            ReservationRefused: _not_reserved,
            FundsReserved: self._reserved,
            ReservationExpired: self._expired,
        }

    def _claimed(self, event: Event[TokenClaimed]) -> list[AnyEvent]:
        """Create the token, unless it exists. A repeated claim of the mint that made it changes nothing."""
        claim = event.data
        known = self.tokens.get(claim.token_id)
        if known is not None:
            if known.mint_id == claim.mint_id:
                return []
            unmatched = MintUnmatched(mint_id=claim.mint_id, token_id=claim.token_id, reason="token_exists")
            return [event.then(unmatched, key=claim.owner, subject=claim.mint_id)]
        token = Token(
            owner=claim.owner,
            type=claim.type,
            rarity=claim.rarity,
            tx_hash=claim.tx_hash,
            mint_id=claim.mint_id,
            minted_at=int(event.time),
            owned_at=int(event.time),
        )
        self._put(claim.token_id, None, token)
        minted = NFTMinted(
            token_id=claim.token_id, owner=claim.owner, type=claim.type, rarity=claim.rarity, tx_hash=claim.tx_hash
        )
        received = NFTReceived(token_id=claim.token_id, type=claim.type, mint_id=claim.mint_id)
        return [event.then(minted), event.then(received, key=claim.owner, subject=claim.token_id)]

    def _list(self, event: Event[ListNFT]) -> list[AnyEvent]:
        order = event.data
        token = self.tokens.get(order.token_id)
        reason = _not_owned(token, order.seller) or unpriceable(order.price, order.asset)
        if reason is None and token is not None and token.listing is not None:
            reason = "already_listed"
        if reason is not None or token is None:
            return [_rejected(event, reason or "unknown_token")]
        ends_at = Instant(event.time + self._policy.listing_days * DAY_US)
        listing = Listing(
            listing_id=order.listing_id,
            asset=order.asset,
            price=order.price,
            listed_at=int(event.time),
            ends_at=int(ends_at),
        )
        self._put(order.token_id, token, replace(token, listing=listing))
        self._deadlines.add("listing", order.token_id, listing.ends_at)
        listed = NFTListed(
            token_id=order.token_id,
            listing_id=order.listing_id,
            seller=order.seller,
            asset=order.asset,
            price=order.price,
            ends_at=ends_at,
        )
        return [event.then(listed)]

    def _unlist(self, event: Event[UnlistNFT]) -> list[AnyEvent]:
        order = event.data
        token = self.tokens.get(order.token_id)
        reason = _not_owned(token, order.seller)
        listing = None if token is None else token.listing
        if reason is None and (listing is None or listing.listing_id != order.listing_id):
            reason = "not_listed"
        if reason is not None or token is None or listing is None:
            return [_rejected(event, reason or "not_listed")]
        self._deadlines.remove("listing", order.token_id, listing.ends_at)
        self._put(order.token_id, token, replace(token, listing=None))
        gone = NFTUnlisted(
            token_id=order.token_id, listing_id=order.listing_id, seller=order.seller, reason="withdrawn"
        )
        return [event.then(gone)]

    def _reserved(self, event: Event[FundsReserved]) -> list[AnyEvent]:
        """Sell the token to the first valid reservation. Release every other one."""
        token_id, funds = event.partitionkey, event.data
        token = self.tokens.get(token_id)
        reason = refusal(token, funds, event.time)
        if reason is not None or token is None or token.listing is None:
            return [_decided(event, funds, token_id, reason=reason or "not_listed")]
        self._deadlines.remove("listing", token_id, token.listing.ends_at)
        sold = replace(
            token,
            owner=funds.buyer,
            owned_at=int(event.time),
            listing=None,
            sales=token.sales + 1,
            sold_for=funds.reservation_id,
            last_sale=Sale(seller=token.owner, listing=token.listing),
        )
        self._put(token_id, token, sold)
        return _sold(event, token, token.listing, shares(token.listing, token.creator, self._policy))

    def _expired(self, event: Event[ReservationExpired]) -> list[AnyEvent]:
        """Release a reservation that stood too long. Repeat the decision about one that bought the token.

        The reservation was decided when it came. In the buyer's partition, this decision follows that one and finds
        nothing left to resolve, unless the first one was lost.
        """
        asked, token = event.data, self.tokens.get(event.partitionkey)
        sale = token.last_sale if token is not None and token.sold_for == asked.reservation_id else None
        if token is not None and sale is not None:
            parts = shares(sale.listing, token.creator, self._policy)
            sold = replace(token, owner=sale.seller)
            return [_decided(event, asked, event.partitionkey, parts=parts, token=sold, asset=sale.listing.asset)]
        return [_decided(event, asked, event.partitionkey, reason="reservation_expired")]

    def _end(self, token_id: str, tick: Event[Ticked]) -> list[AnyEvent]:
        """End a listing whose time has come."""
        token = self.tokens.get(token_id)
        if token is None or token.listing is None:
            return []
        self._put(token_id, token, replace(token, listing=None))
        gone = NFTUnlisted(token_id=token_id, listing_id=token.listing.listing_id, seller=token.owner, reason="expired")
        fact = tick.then(gone, key=token_id, name=token_id)
        return [fact, notice(fact, "nft_expired", user_id=token.owner, token_id=token_id)]

    def _put(self, token_id: str, before: Token | None, token: Token) -> None:
        """Store a token, and move it in the rankings."""
        self.tokens.put(token_id, token)
        old, new = rankings(token_id, before), rankings(token_id, token)
        for key in old.keys() - new.keys():
            self.market.delete(key)
        for key in new.keys() - old.keys():
            self.market.put(key, new[key])


def rankings(token_id: str, token: Token | None) -> dict[str, dict[str, Ranked]]:
    """Return a token's rows of the market: among its owner's tokens, and while it is listed among open listings."""
    if token is None:
        return {}
    rows = {owner_key(token.owner, token_id): {OWNED: Standing(token.owned_at, 0).ranked}}
    if (listing := token.listing) is not None:
        names = open_names(token.type, listing.asset)
        place = Standing(listing.listed_at, 0).ranked
        rows[listing_key(token_id, listing.listing_id)] = dict.fromkeys(names, place)
    return rows


def _not_owned(token: Token | None, seller: str) -> str | None:
    if token is None:
        return "unknown_token"
    return None if token.owner == seller else "not_owner"


def _rejected(event: Event[ListNFT] | Event[UnlistNFT], reason: str) -> AnyEvent:
    order = event.data
    rejected = NFTCommandRejected(command=type(order).__name__, reason=reason, subject_id=order.listing_id)
    return event.then(rejected, key=order.seller, subject=order.token_id)


def _buy(event: Event[BuyNFT]) -> list[AnyEvent]:
    """Ask the buyer's ledger to reserve the price."""
    order = event.data
    if reason := unpriceable(order.price, order.asset):
        return [event.then(NFTCommandRejected(command="BuyNFT", reason=reason, subject_id=order.purchase_id))]
    request = PurchaseRequested(
        reservation_id=order.purchase_id,
        token_id=order.token_id,
        listing_id=order.listing_id,
        asset=order.asset,
        amount=order.price,
    )
    return [event.then(request, subject=order.token_id)]


def _not_reserved(event: Event[ReservationRefused]) -> list[AnyEvent]:
    """Reject a purchase whose price could not be reserved."""
    said = event.data
    return [event.then(NFTCommandRejected(command="BuyNFT", reason=said.reason, subject_id=said.reservation_id))]


def _sold(event: Event[FundsReserved], before: Token, listing: Listing, parts: Shares) -> list[AnyEvent]:
    """Return what follows from a sale, for the buyer, the seller and the token."""
    funds, seller, token_id = event.data, before.owner, event.partitionkey
    sale = NFTSold(
        token_id=token_id,
        listing_id=funds.listing_id,
        seller=seller,
        buyer=funds.buyer,
        asset=listing.asset,
        price=listing.price,
        platform_fee=parts.platform,
        creator_fee=parts.creator,
        proceeds=parts.proceeds,
    )
    fact = event.then(sale)
    moved = NFTTransferred(token_id=token_id, before=seller, owner=funds.buyer, reason="sale")
    told = {"token_id": token_id, "price": listing.price.text(), "asset": listing.asset}
    return [
        _decided(event, funds, token_id, parts=parts, token=before, asset=listing.asset),
        fact,
        event.then(moved),
        event.then(NFTGone(token_id=token_id), key=seller, subject=token_id),
        event.then(NFTReceived(token_id=token_id, type=before.type), key=funds.buyer, subject=token_id),
        notice(fact, "nft_sold", user_id=seller, **told),
    ]


def _decided(
    event: AnyEvent,
    asked: FundsReserved | ReservationExpired,
    token_id: str,
    *,
    reason: str = "sold",
    parts: Shares = NOTHING,
    token: Token | None = None,
    asset: SaleAsset | None = None,
) -> AnyEvent:
    """Return the answer to a reservation: it captures for a `token` that was sold, and releases without one."""
    decision = PurchaseDecided(
        reservation_id=asked.reservation_id,
        token_id=token_id,
        listing_id=asked.listing_id,
        sold=token is not None,
        reason=reason,
        asset=asset,
        seller=None if token is None else token.owner,
        creator=None if token is None else token.creator,
        platform_fee=parts.platform,
        creator_fee=parts.creator,
        proceeds=parts.proceeds,
    )
    return event.then(decision, key=asked.buyer, subject=token_id)
