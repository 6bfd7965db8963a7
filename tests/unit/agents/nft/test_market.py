"""The market: listings of 30 days, one sale a listing for money that is there, exact shares, relisting."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.nft.sales import shares
from agents.rulebook import RulebookError, packaged_rulebook
from streams.assets import unit_of
from streams.events.financial import ReservationExpired, ReservationRefused
from streams.events.nft import (
    BuyNFT,
    ListNFT,
    NFTGone,
    NFTListed,
    NFTReceived,
    NFTSold,
    NFTTransferred,
    NFTUnlisted,
    PurchaseDecided,
    PurchaseRequested,
    SaleAsset,
    UnlistNFT,
)
from streams.events.notifications import Notified
from streams.units import Quantity
from tables.nft import NFT_DEADLINES, Listing, open_group, owner_group
from tests.unit.agents.cluster import of_type
from tests.unit.agents.nft_kit import START, NftCluster, at, decisions, refusals
from tests.unit.agents.rulebooks import rulebook_with


@pytest.fixture
def nft() -> NftCluster:
    """Return a cluster where Ada owns t-1."""
    cluster = NftCluster()
    cluster.minted("ada", "t-1")
    return cluster


@pytest.fixture
def listed(nft: NftCluster) -> NftCluster:
    """Return a cluster where Ada offers t-1 for 100 SS."""
    assert of_type(nft.offer("ada", "t-1"), NFTListed)
    return nft


def test_a_listing_lasts_30_days_and_shows_on_the_market(listed: NftCluster) -> None:
    listing = listed.token("t-1").listing
    assert listing is not None
    assert listing.ends_at - listing.listed_at == 30 * 86_400 * 1_000_000
    for ranking in (
        open_group(), open_group("first_trade"), open_group(asset="SS"), open_group("first_trade", "SS"),
    ):  # fmt: skip
        assert listed.ranking(ranking) == ["t-1"]
    assert listed.ranking(open_group(asset="LM")) == []


def test_each_reason_to_reject_a_listing(nft: NftCluster) -> None:
    assert refusals(nft.offer("ada", "t-404")) == [("ListNFT", "unknown_token")]
    assert refusals(nft.offer("bob", "t-1")) == [("ListNFT", "not_owner")]
    half = ListNFT(token_id="t-1", listing_id="l-x", seller="ada", asset="LM", price=Quantity.parse("0.5"))
    events = nft.send(half, "t-1", START)
    assert refusals(events) == [("ListNFT", "too_many_decimals")]
    assert [event.partitionkey for event in events] == ["ada"]
    nft.offer("ada", "t-1")
    assert refusals(nft.offer("ada", "t-1", listing="l-2")) == [("ListNFT", "already_listed")]


def test_an_owner_withdraws_a_listing_and_nobody_else_does(listed: NftCluster) -> None:
    def withdraw(seller: str, listing: str = "l-t-1", token: str = "t-1") -> list[tuple[str, str]]:
        return refusals(listed.send(UnlistNFT(token_id=token, listing_id=listing, seller=seller), token, START))

    assert withdraw("bob") == [("UnlistNFT", "not_owner")]
    assert withdraw("ada", "l-0") == [("UnlistNFT", "not_listed")]
    assert withdraw("ada", token="t-404") == [("UnlistNFT", "unknown_token")]
    assert withdraw("ada") == []
    assert listed.token("t-1").listing is None
    assert listed.ranking(open_group()) == []
    assert listed.rows(NFT_DEADLINES) == {}
    assert withdraw("ada") == [("UnlistNFT", "not_listed")]
    assert decisions(listed.reserve("bob", "t-1")) == [("r-bob", False, "not_listed")]


def test_an_nft_sale_pays_platform_and_seller_exactly_and_moves_the_token(listed: NftCluster) -> None:
    events = listed.reserve("bob", "t-1")
    (decided,) = of_type(events, PurchaseDecided)
    assert (decided.sold, decided.seller, decided.asset, decided.creator) == (True, "ada", "SS", None)
    parts = (decided.platform_fee, decided.creator_fee, decided.proceeds)
    assert parts == (Quantity.of(3), 0, Quantity.of(97))  # 2.5 SS, half up to a whole one
    (sold,) = of_type(events, NFTSold)
    assert (sold.seller, sold.buyer, sold.price) == ("ada", "bob", Quantity.of(100))
    assert (sold.platform_fee, sold.creator_fee, sold.proceeds) == parts
    assert [(each.before, each.owner, each.reason) for each in of_type(events, NFTTransferred)] == [
        ("ada", "bob", "sale")
    ]
    keys = {type(event.data): event.partitionkey for event in events}
    assert (keys[PurchaseDecided], keys[NFTGone], keys[NFTReceived], keys[NFTSold]) == ("bob", "ada", "bob", "t-1")
    (told,) = of_type(events, Notified)
    assert (told.kind, keys[Notified], told.arguments) == (
        "nft_sold", "ada", {"token_id": "t-1", "price": "100", "asset": "SS"},
    )  # fmt: skip
    token = listed.token("t-1")
    assert (token.owner, token.listing, token.sales) == ("bob", None, 1)
    assert (listed.ranking(owner_group("ada")), listed.ranking(owner_group("bob"))) == ([], ["t-1"])
    assert listed.rows(NFT_DEADLINES) == {}


def test_an_nft_is_sold_once_to_the_first_valid_reservation(listed: NftCluster) -> None:
    assert decisions(listed.reserve("bob", "t-1")) == [("r-bob", True, "sold")]
    assert decisions(listed.reserve("cyd", "t-1")) == [("r-cyd", False, "not_listed")]
    assert listed.token("t-1").owner == "bob"


@pytest.mark.parametrize(
    ("buyer", "more", "reason"),
    [
        ("ada", {}, "own_token"),
        ("bob", {"price": 99}, "price_changed"),
        ("bob", {"asset": "LM"}, "price_changed"),
        ("bob", {"asset": "USD"}, "price_changed"),
        ("bob", {"listing": "l-0"}, "not_listed"),
        ("bob", {"time": at(31)}, "listing_expired"),
    ],
)
def test_each_reason_to_release_a_reservation(
    listed: NftCluster, buyer: str, more: dict[str, str], reason: str
) -> None:
    events = listed.reserve(buyer, "t-1", **more)
    (decided,) = of_type(events, PurchaseDecided)
    assert (decided.sold, decided.reason, decided.seller) == (False, reason, None)
    assert (decided.platform_fee, decided.creator_fee, decided.proceeds) == (0, 0, 0)
    assert len(events) == 1
    assert listed.token("t-1").owner == "ada"


def test_a_reservation_for_an_unknown_token_is_released(nft: NftCluster) -> None:
    assert decisions(nft.reserve("bob", "t-404")) == [("r-bob", False, "unknown_token")]


def test_a_reservation_that_stood_too_long_is_released_or_told_again_that_it_bought_the_token(
    listed: NftCluster,
) -> None:
    def expire(buyer: str) -> list[tuple[str, bool, str]]:
        data = ReservationExpired(reservation_id=f"r-{buyer}", buyer=buyer, listing_id="l-t-1")
        return decisions(listed.send(data, "t-1", at(1, 60)))

    first = of_type(listed.reserve("bob", "t-1"), PurchaseDecided)
    listed.reserve("cyd", "t-1")
    assert expire("bob") == [("r-bob", True, "sold")]
    assert first == [of_type(listed.events, PurchaseDecided)[-1]]
    assert expire("cyd") == [("r-cyd", False, "reservation_expired")]
    assert expire("dee") == [("r-dee", False, "reservation_expired")]


def test_a_purchase_asks_the_buyers_ledger_for_the_price(nft: NftCluster) -> None:
    buy = BuyNFT(purchase_id="p-1", token_id="t-1", listing_id="l-1", asset="SS", price=Quantity.of(100))
    (event,) = nft.send(buy, "bob", START)
    assert event.partitionkey == "bob"
    assert event.data == PurchaseRequested(
        reservation_id="p-1", token_id="t-1", listing_id="l-1", asset="SS", amount=Quantity.of(100)
    )
    part = BuyNFT(purchase_id="p-2", token_id="t-1", listing_id="l-1", asset="SS", price=Quantity.parse("1.5"))
    assert refusals(nft.send(part, "bob", START)) == [("BuyNFT", "too_many_decimals")]


def test_a_price_that_is_not_there_rejects_the_purchase(nft: NftCluster) -> None:
    refused = ReservationRefused(reservation_id="p-1", reason="insufficient_funds")
    assert refusals(nft.send(refused, "bob", START)) == [("BuyNFT", "insufficient_funds")]


def test_a_sold_nft_can_be_listed_again_by_its_new_owner(listed: NftCluster) -> None:
    listed.reserve("bob", "t-1")
    assert refusals(listed.offer("ada", "t-1", listing="l-2")) == [("ListNFT", "not_owner")]
    assert of_type(listed.offer("bob", "t-1", listing="l-2", price=7), NFTListed)
    assert decisions(listed.reserve("cyd", "t-1", listing="l-2", price=7)) == [("r-cyd", True, "sold")]
    assert listed.token("t-1").sales == 2


def test_a_listing_expires_at_a_tick_once_and_the_owner_is_told(listed: NftCluster) -> None:
    assert listed.tick("2026-03-30T23:59:59Z") == []
    events = listed.tick("2026-03-31T00:00:00Z")
    (gone,) = of_type(events, NFTUnlisted)
    assert (gone.token_id, gone.listing_id, gone.seller, gone.reason) == ("t-1", "l-t-1", "ada", "expired")
    assert [(told.kind, told.arguments) for told in of_type(events, Notified)] == [("nft_expired", {"token_id": "t-1"})]
    assert listed.token("t-1").listing is None
    assert listed.ranking(open_group()) == []
    assert listed.tick("2026-03-31T00:00:01Z") == []
    assert of_type(listed.offer("ada", "t-1", "2026-03-31T00:00:02Z", listing="l-2"), NFTListed)


def test_a_listing_does_not_end_before_its_second(nft: NftCluster) -> None:
    nft.offer("ada", "t-1", at(1, 30))
    assert nft.tick("2026-03-31T00:00:29Z") == []
    assert of_type(nft.tick("2026-03-31T00:00:30Z"), NFTUnlisted)


def test_listings_that_end_at_one_tick_end_each_by_an_event_of_its_own(nft: NftCluster) -> None:
    users = [f"u-{number}" for number in range(6)]
    for user in users:
        nft.minted(user, f"t-{user}")
        nft.offer(user, f"t-{user}")
    events = nft.tick(at(40))
    assert sorted(each.seller for each in of_type(events, NFTUnlisted)) == users
    assert len({event.id for event in events}) == len(events) == 12


@given(st.integers(1, 10**12), st.sampled_from(["SS", "LM", "STRK"]), st.booleans())
def test_fees_and_proceeds_add_up_to_the_price_and_none_is_below_zero(
    units: int, asset: SaleAsset, has_creator: bool
) -> None:
    policy = packaged_rulebook().nft
    price = Quantity(units * unit_of(asset))
    listing = Listing(listing_id="l", asset=asset, price=price, listed_at=0, ends_at=1)
    parts = shares(listing, "cara" if has_creator else None, policy)
    assert sum(parts) == price
    assert min(parts) >= 0
    assert all(part % unit_of(asset) == 0 for part in parts)
    assert abs(parts.platform * 40 - price) <= 20 * unit_of(asset)
    assert abs(parts.creator * 20 - (price if has_creator else 0)) <= 10 * unit_of(asset)


def test_a_sale_of_1000_strk_pays_25_and_50_to_platform_and_creator() -> None:
    listing = Listing(listing_id="l", asset="STRK", price=Quantity.of(1_000), listed_at=0, ends_at=1)
    policy = packaged_rulebook().nft
    assert shares(listing, "cara", policy) == (Quantity.of(25), Quantity.of(50), Quantity.of(925))
    assert shares(listing, None, policy) == (Quantity.of(25), 0, Quantity.of(975))


def test_fees_that_could_exceed_a_price_are_refused() -> None:
    with pytest.raises((RulebookError, ValueError), match="at most half a price"):
        rulebook_with({"nft": {"platform_ppm": 400_000, "creator_ppm": 200_000}})
