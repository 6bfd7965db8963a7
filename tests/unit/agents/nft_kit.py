"""The nft domain over partitions, with a ledger that the test plays."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from agents.rulebook import Rulebook
from streams.events import AnyEvent
from streams.events.chain import NFTMintConfirmed
from streams.events.financial import FundsReserved
from streams.events.gamification import AchievementUnlocked
from streams.events.nft import GenesisType, ListNFT, NFTCommandRejected, PurchaseDecided, RequestMint, SaleAsset
from streams.units import Quantity
from tables.boards import Standing, names_of
from tables.nft import NFT_COLLECTORS, NFT_MARKET, NFT_TOKENS, Token, token_of
from tables.typed import standings
from tests.unit.agents.cluster import Cluster, of_type

CONTRACT = "0x0badc0de"
START = "2026-03-01T00:00:00Z"


def at(day: int, second: int = 0) -> str:
    return f"2026-{3 + (day - 1) // 28:02d}-{(day - 1) % 28 + 1:02d}T00:{second // 60:02d}:{second % 60:02d}Z"


class NftCluster(Cluster):
    """The nft domain alone: other domains' events are sent by the test."""

    def __init__(self, partitions: int = 3, rulebook: Rulebook | None = None, *, random: Random | None = None) -> None:
        super().__init__(partitions, rulebook, random=random)
        self.workers = [{"nft": workers["nft"]} for workers in self.workers]

    def achieve(self, user: str, achievement: str = "trades-1", time: str = START) -> list[AnyEvent]:
        return self.send(AchievementUnlocked(achievement=achievement, tier=1, xp=50, ss=100), user, time)

    def ask(self, user: str, kind: GenesisType = "first_trade", mint_id: str = "", time: str = START) -> list[AnyEvent]:
        return self.send(RequestMint(mint_id=mint_id or f"mint-{user}", type=kind), user, time)

    def confirm(self, user: str, token: str, mint_id: str = "", **more: Any) -> list[AnyEvent]:
        data = NFTMintConfirmed(
            mint_id=mint_id or f"mint-{user}",
            user_id=user,
            token_id=token,
            tx_hash="0x1",
            finality=more.get("finality", "accepted"),
        )
        return self.send(data, CONTRACT, START)

    def minted(self, user: str, token: str) -> None:
        """Give a user a token."""
        self.achieve(user)
        self.ask(user)
        self.confirm(user, token)
        assert self.token(token).owner == user

    def offer(self, seller: str, token: str, time: str = START, **more: Any) -> list[AnyEvent]:
        return self.send(order(seller, token, **more), token, time)

    def reserve(self, buyer: str, token: str, time: str = START, **more: Any) -> list[AnyEvent]:
        data = FundsReserved(
            reservation_id=more.get("reservation", f"r-{buyer}"),
            buyer=buyer,
            listing_id=more.get("listing", f"l-{token}"),
            asset=more.get("asset", "SS"),
            amount=Quantity.of(more.get("price", 100)),
        )
        return self.send(data, token, time)

    def token(self, token: str) -> Token:
        row = self.row(NFT_TOKENS, token)
        assert row is not None
        return row

    def collector(self, user: str) -> Any:
        return self.row(NFT_COLLECTORS, user)

    def ranking(self, group: str) -> list[str]:
        """Return the tokens of a ranking, in its order."""
        found = []
        for row_name, name in names_of(group).items():
            for workers in self.workers:
                for key, raw in workers["nft"].maps[NFT_MARKET.name].items():
                    row, _, member = key.decode().partition("|")
                    if row == row_name and name in (places := standings(raw)):
                        found.append((Standing.of(places[name]).order(member), token_of(member)))
        return [token for _, token in sorted(found)]


def order(seller: str, token: str, *, listing: str = "", price: int = 100, asset: SaleAsset = "SS") -> ListNFT:
    return ListNFT(
        token_id=token, listing_id=listing or f"l-{token}", seller=seller, asset=asset, price=Quantity.of(price)
    )


def refusals(events: Sequence[AnyEvent]) -> list[tuple[str, str]]:
    """Return command and reason of each rejection."""
    return [(each.command, each.reason) for each in of_type(events, NFTCommandRejected)]


def decisions(events: Sequence[AnyEvent]) -> list[tuple[str, bool, str]]:
    """Return reservation, sold and reason of each decision."""
    return [(each.reservation_id, each.sold, each.reason) for each in of_type(events, PurchaseDecided)]
