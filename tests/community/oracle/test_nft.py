"""Worked examples of domain.md §7, §8 and §10 about tokens, computed by the oracle."""

import pytest

from tests.community.oracle.amounts import E18
from tests.community.oracle.nft import PLATFORM_PPM, part_of
from tests.community.oracle.told import AT, Told


def minted() -> Told:
    """Return a community in which ada owns the token g-1, and bob and cyd have 1,000 SS."""
    world = Told()
    world.nft.eligible("ada", "first_trade", 0, ("x",))
    mint(world)
    for user in ("bob", "cyd"):
        world.financial.granted(user, 1_000, reason="reward", at=0, causes=("y",))
    return world


def mint(world: Told, kind: str = "first_trade", mint_id: str = "m-1", token: str = "g-1") -> None:
    world.say("RequestMint", "ada", type=kind, mint_id=mint_id)
    confirmed = {"mint_id": mint_id, "user_id": "ada", "token_id": token, "tx_hash": "0x1", "finality": "accepted"}
    world.say("NFTMintConfirmed", **confirmed)


def offer(world: Told, seller: str = "ada", price: str = "100", listing: str = "l-1", at: str = AT) -> None:
    data = {"token_id": "g-1", "listing_id": listing, "seller": seller, "asset": "SS", "price": price}
    world.say("ListNFT", seller, at, **data)


def buy(world: Told, buyer: str, price: str = "100", listing: str = "l-1", at: str = AT) -> None:
    data = {"token_id": "g-1", "listing_id": listing, "asset": "SS", "price": price, "purchase_id": f"p-{buyer}-{at}"}
    world.say("BuyNFT", buyer, at, **data)


def owner(world: Told) -> str:
    return str(world.row("nft-tokens", "g-1")["owner"])


def balance(world: Told, user: str) -> int:
    return world.has(f"user:{user}:available", "SS") // E18


def test_a_type_is_minted_once_by_those_who_are_eligible() -> None:
    world = minted()
    mint(world, token="g-2", mint_id="m-2")
    mint(world, "viral_legend", "m-3", "g-3")
    assert set(world.rows()["nft-tokens"]) == {"g-1"}


def test_a_failed_mint_may_be_asked_for_again_and_a_pending_one_not() -> None:
    world = Told()
    world.nft.eligible("ada", "first_trade", 0, ("x",))
    for mint_id in ("m-1", "m-2"):
        world.say("RequestMint", "ada", type="first_trade", mint_id=mint_id)
    world.say("NFTMintFailed", mint_id="m-2", user_id="ada", reason="reverted")
    assert world.row("nft-collectors", "ada")["mints"]["first_trade"]["status"] == "pending"
    world.say("NFTMintFailed", mint_id="m-1", user_id="ada", reason="reverted")
    mint(world, mint_id="m-3")
    assert owner(world) == "ada"


def test_a_token_that_exists_is_not_given_to_another_mint() -> None:
    world = minted()
    world.nft.eligible("ada", "viral_legend", 0, ("z",))
    mint(world, "viral_legend", "m-2", "g-1")
    assert world.row("nft-tokens", "g-1")["type"] == "first_trade"
    assert world.row("nft-collectors", "ada")["mints"]["viral_legend"]["status"] == "pending"


def test_a_sale_pays_the_platform_2_5_percent_and_the_seller_the_rest() -> None:
    world = minted()
    offer(world)
    buy(world, "bob")
    assert owner(world) == "bob"
    assert (balance(world, "bob"), balance(world, "ada")) == (900, 97)
    assert world.has("platform:fees:nft", "SS") == 3 * E18
    assert set(world.financial.ledger.sums().values()) == {0}
    assert world.row("financial-fees", "nft|SS|all|treasury") == {"amount": 3, "count": 1}
    assert world.kinds("ada") == ["nft_sold"]


@pytest.mark.parametrize(("price", "fee"), [(1, 0), (19, 0), (20, 1), (59, 1), (60, 2)])
def test_a_fee_in_shards_is_rounded_half_up_to_a_whole_shard(price: int, fee: int) -> None:
    assert part_of(price * E18, PLATFORM_PPM, "SS") == fee * E18


def test_a_token_is_sold_once_for_money_that_is_there() -> None:
    world = minted()
    offer(world, price="1000")
    buy(world, "dan", "1000")
    buy(world, "bob", "1000")
    buy(world, "cyd", "1000")
    assert owner(world) == "bob"
    assert (balance(world, "cyd"), world.has("user:cyd:reserved", "SS")) == (1_000, 0)
    assert world.rows()["financial-reservations"] == {}


def test_a_price_that_changed_and_ones_own_token_are_not_bought() -> None:
    world = minted()
    offer(world)
    buy(world, "bob", "99")
    world.financial.granted("ada", 500, reason="reward", at=0, causes=("y",))
    buy(world, "ada")
    assert (owner(world), balance(world, "ada"), balance(world, "bob")) == ("ada", 500, 1_000)


def test_a_listing_lasts_30_days() -> None:
    world = minted()
    offer(world)
    world.say("Ticked", at="2026-02-04T11:59:59Z")
    assert world.row("nft-tokens", "g-1")["listing"] is not None
    world.say("Ticked", at="2026-02-04T12:00:00Z")
    buy(world, "bob")
    assert (owner(world), world.row("nft-tokens", "g-1")["listing"]) == ("ada", None)
    assert world.kinds("ada") == ["nft_expired"]


def test_a_sold_token_is_listed_again_by_its_new_owner_alone() -> None:
    world = minted()
    offer(world)
    buy(world, "bob")
    offer(world, "ada", listing="l-2")
    assert world.row("nft-tokens", "g-1")["listing"] is None
    offer(world, "bob", listing="l-3")
    world.say("UnlistNFT", "ada", token_id="g-1", listing_id="l-3", seller="ada")
    buy(world, "cyd", listing="l-3")
    assert (owner(world), world.row("nft-tokens", "g-1")["sales"]) == ("cyd", 2)
    assert set(world.rows()["nft-market"]) == {"of:cyd|g-1"}
