"""Random users mint, list, withdraw and buy, over partitions that advance in any order.

A token has one owner, a listing sells once, each reservation is answered, and no shard is lost or made.
"""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from streams.events import AnyEvent
from streams.events.financial import FundsReserved, ReservationExpired
from streams.events.nft import (
    BuyNFT,
    NFTEligible,
    NFTGone,
    NFTMinted,
    NFTReceived,
    NFTSold,
    PurchaseDecided,
    PurchaseRequested,
    UnlistNFT,
)
from streams.times import HOUR_US, Instant
from streams.units import Quantity
from tables.nft import NFT_DEADLINES, NFT_TOKENS, open_group, owner_group
from tests.unit.agents.cluster import of_type
from tests.unit.agents.nft_kit import START, NftCluster, order

USERS = ("ada", "bob", "cyd", "dee")
TOKENS = tuple(f"t-{user}" for user in USERS)
MONEY = 1_000
users, tokens, prices = st.sampled_from(USERS), st.sampled_from(TOKENS), st.integers(1, 400)


class MarketMachine(RuleBasedStateMachine):
    """Commands of users, and a ledger that reserves, captures and releases as it is told."""

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        self.nft = NftCluster(3, random=Random(seed))
        self.balance = Counter(dict.fromkeys(USERS, MONEY))
        self.fees = 0
        self.sold: dict[str, PurchaseDecided] = {}
        self.waiting: dict[str, tuple[str, int, str, str]] = {}
        self.answers: Counter[str] = Counter()
        self.now, self.made = Instant.parse(START), 0
        for user in USERS:
            self.nft.minted(user, f"t-{user}")

    @rule(user=users, token=tokens, price=prices)
    def offer(self, user: str, token: str, price: int) -> None:
        self.made += 1
        self.nft.post(order(user, token, listing=f"l-{self.made}", price=price), token, self.now)

    @rule(user=users, token=tokens)
    def withdraw(self, user: str, token: str) -> None:
        listing = self.nft.token(token).listing
        listing_id = listing.listing_id if listing else "l-0"
        self.nft.post(UnlistNFT(token_id=token, listing_id=listing_id, seller=user), token, self.now)

    @rule(user=users, token=tokens, off=st.sampled_from([0, 0, 0, 1]))
    def buy(self, user: str, token: str, off: int) -> None:
        listing = self.nft.token(token).listing
        listing_id, price = (listing.listing_id, listing.price) if listing else ("l-0", Quantity.of(1))
        self.made += 1
        command = BuyNFT(
            purchase_id=f"p-{self.made}",
            token_id=token,
            listing_id=listing_id,
            asset="SS",
            price=Quantity(price + Quantity.of(off)),
        )
        self.nft.post(command, user, self.now)

    @rule(user=users)
    def achieve_and_confirm_again(self, user: str) -> None:
        for events, gained in ((self.nft.achieve(user), NFTEligible), (self.nft.confirm(user, f"t-{user}"), NFTMinted)):
            assert of_type(events, gained) == []
            self.ledger(events)  # both handle all that was waiting, also purchases

    @rule(hours=st.integers(0, 400))
    def wait(self, hours: int) -> None:
        self.now = Instant(self.now + hours * HOUR_US)
        self.nft.post_tick(self.now)

    @rule()
    def ask_for_cancellation(self) -> None:
        for reservation, (buyer, _, token, listing) in self.waiting.items():
            expired = ReservationExpired(reservation_id=reservation, buyer=buyer, listing_id=listing)
            self.nft.post(expired, token, self.now)

    @rule(steps=st.integers(1, 12))
    def advance(self, steps: int) -> None:
        for _ in range(steps):
            before = len(self.nft.events)
            self.nft.step()
            self.ledger(self.nft.events[before:])

    @rule()
    def settle(self) -> None:
        """Let everything be handled. Then each reservation has its answer."""
        while True:
            before = len(self.nft.events)
            more = self.nft.step()
            self.ledger(self.nft.events[before:])
            if not more and len(self.nft.events) == before:
                break
        assert self.waiting == {}
        owners = {token: row.owner for token, row in self.nft.rows(NFT_TOKENS).items()}
        assert {token: self.nft_owner(token) for token in TOKENS} == owners
        listed = sorted(token for token, row in self.nft.rows(NFT_TOKENS).items() if row.listing)
        assert sorted(self.nft.ranking(open_group())) == listed
        assert sorted(key.rpartition("|")[2] for key in self.nft.rows(NFT_DEADLINES)) == listed
        for user in USERS:
            assert sorted(self.nft.ranking(owner_group(user))) == sorted(t for t, o in owners.items() if o == user)

    def nft_owner(self, token: str) -> str:
        """Return the user who received a token and did not give it away."""
        counts: Counter[str] = Counter()
        for event in self.nft.events:
            if isinstance(event.data, NFTReceived | NFTGone) and event.data.token_id == token:
                counts[event.partitionkey] += 1 if isinstance(event.data, NFTReceived) else -1
        (owner,) = [user for user, count in counts.items() if count]
        assert counts[owner] == 1
        return owner

    def ledger(self, events: list[AnyEvent]) -> None:
        for event in events:
            data = event.data
            if isinstance(data, PurchaseRequested):
                self.reserve(event.partitionkey, data)
            if isinstance(data, PurchaseDecided):
                self.resolve(event.partitionkey, data)

    def reserve(self, buyer: str, asked: PurchaseRequested) -> None:
        amount = int(asked.amount)
        if self.balance[buyer] * Quantity.of(1) < amount:
            return
        units = amount // Quantity.of(1)
        self.balance[buyer] -= units
        self.waiting[asked.reservation_id] = (buyer, units, asked.token_id, asked.listing_id)
        funds = FundsReserved(
            reservation_id=asked.reservation_id,
            buyer=buyer,
            listing_id=asked.listing_id,
            asset="SS",
            amount=asked.amount,
        )
        self.nft.post(funds, asked.token_id, self.now)

    def resolve(self, buyer: str, decided: PurchaseDecided) -> None:
        waiting = self.waiting.pop(decided.reservation_id, None)
        if waiting is None:
            assert not decided.sold or decided == self.sold[decided.reservation_id], "a reservation is captured once"
            return
        assert waiting[0] == buyer
        if not decided.sold:
            self.balance[buyer] += waiting[1]
            return
        parts = [int(part) // Quantity.of(1) for part in (decided.platform_fee, decided.creator_fee, decided.proceeds)]
        assert sum(parts) == waiting[1]
        assert decided.seller not in {None, buyer}
        self.sold[decided.reservation_id] = decided
        self.fees += parts[0]
        self.balance[decided.seller or ""] += parts[2]

    @invariant()
    def no_shard_is_lost_or_made(self) -> None:
        if hasattr(self, "waiting"):
            reserved = sum(waiting[1] for waiting in self.waiting.values())
            assert sum(self.balance.values()) + reserved + self.fees == MONEY * len(USERS)
            assert min(self.balance.values()) >= 0

    @invariant()
    def a_listing_sells_once(self) -> None:
        if hasattr(self, "nft"):
            sold = Counter(each.listing_id for each in of_type(self.nft.events, NFTSold))
            assert set(sold.values()) <= {1}


MarketMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestMarket = MarketMachine.TestCase
