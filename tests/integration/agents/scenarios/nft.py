"""Mints that the chain confirms, an offer that expires, and one that is sold."""

from __future__ import annotations

from streams.events import EventData
from streams.events.chain import NFTMintConfirmed
from streams.events.clock import Ticked
from streams.events.constellations import ConstellationJoined
from streams.events.gamification import AchievementUnlocked, RewardClaimed
from streams.events.nft import BuyNFT, ListNFT, RequestMint
from streams.times import DAY_US, Instant
from streams.units import Quantity
from tests.integration.agents.scenarios.kit import AT, Run, first

SELLER, BUYER, TOKEN = "nora", "bert", "genesis-1"
PRICE = Quantity.of(100)


def play(run: Run) -> None:
    """Play the scenario."""
    founded: EventData = ConstellationJoined(constellation_id="nova", name="Nova", role="owner")
    run(first(AchievementUnlocked(achievement="trades-1", tier=1, xp=50, ss=100), SELLER))
    run(first(founded, SELLER))
    run(first(RequestMint(mint_id="m-1", type="first_trade"), SELLER))
    confirmed = NFTMintConfirmed(mint_id="m-1", user_id=SELLER, token_id=TOKEN, tx_hash="0x1", finality="accepted")
    run(first(confirmed, "0x0badc0de"))
    run(first(_offer("l-1"), TOKEN))
    later = Instant(AT + 31 * DAY_US)
    run(first(Ticked(), "clock", later))
    run(first(_offer("l-2"), TOKEN, later))
    run(first(RewardClaimed(reward_id="r-2", ss=1_000), BUYER, later))
    run(first(BuyNFT(purchase_id="p-1", token_id=TOKEN, listing_id="l-2", asset="SS", price=PRICE), BUYER, later))


def _offer(listing_id: str) -> ListNFT:
    return ListNFT(token_id=TOKEN, listing_id=listing_id, seller=SELLER, asset="SS", price=PRICE)
