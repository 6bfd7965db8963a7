"""Events of a load, each as the API, the relay, the clock or the indexer appends it. They come from a seed.

Time is simulated: a few minutes pass with each act, so that a load of thousands crosses days, weeks and months.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from faust_redis.log import Record
from faust_redis.log.partitioner import partition_for

from streams.events import Event, EventData, encode
from streams.events.chain import NFTMintConfirmed
from streams.events.clock import KEY, ticked
from streams.events.financial import ReportDeposit, deposit_key
from streams.events.market import PriceUpdated
from streams.events.nft import RequestMint
from streams.events.social import CreateProfile, Interact, ShareContent
from streams.events.trading import OpenTrade, ReportFill
from streams.events.user import AccountRegistered, LoggedIn
from streams.ids import uuid7
from streams.times import MINUTE_US, SECOND_US, Instant
from streams.units import Quantity, Usd

START: Final = Instant.parse("2025-01-15T12:00:00Z")
MARKETS: Final = ("BTC", "ETH", "SOL", "HYPE", "DOGE")
MINUTES: Final = (0, 0, 0, 1, 7, 31)
"""The next act comes after one of these."""
VENUE: Final = "bench-venue"
BANK: Final = "bench-bank"

KINDS: Final = ("user", "fill", "practice trade", "sign-in", "social act", "deposit", "mint", "tick")
"""The kinds of acts, in the order in which a measurement adds them."""

Act = list[Record]


class Load:
    """Makes acts of a growing number of users."""

    def __init__(self, seed: int, partitions: int) -> None:
        self._chance = random.Random(seed)
        self._partitions = partitions
        self._at = START
        self._made = 0
        self._users: list[str] = []
        self._mints = 0
        self._shared: list[tuple[str, str]] = []

    @property
    def now(self) -> Instant:
        """Return the simulated time of the last act."""
        return self._at

    def maker(self, kind: str) -> Callable[[], Act]:
        """Return what makes one act of a kind."""
        maker: Callable[[], Act] = getattr(self, kind.replace(" ", "_").replace("-", "_"))
        return maker

    def user(self) -> Act:
        """Register a user, who signs in, writes a profile and has a first fill, which opens rows and rankings."""
        user = self._new_id()
        self._users.append(user)
        name = f"player-{len(self._users)}"
        return [
            self._record(AccountRegistered(user_id=user, role="user", username=name), user),
            self._record(LoggedIn(user_id=user), user),
            self._record(CreateProfile(display_name=name, bio="Trades on weekdays."), user),
            self._fill_of(user),
        ]

    def fill(self) -> Act:
        """Report a fill of some user."""
        self._pass_time()
        return [self._fill_of(self._someone())]

    def practice_trade(self) -> Act:
        """Set the price of a market, and open a practice trade there."""
        self._pass_time()
        market = self._chance.choice(MARKETS)
        trade = OpenTrade(market=market, side="long", notional_usd=Usd.parse("10"), leverage=1)
        return [
            self._record(PriceUpdated(market=market, price=self._price()), market),
            self._record(trade, self._someone()),
        ]

    def sign_in(self) -> Act:
        """Let a user sign in, which continues a streak of days."""
        self._pass_time()
        user = self._someone()
        return [self._record(LoggedIn(user_id=user), user)]

    def social_act(self) -> Act:
        """Share content, like content of another user, or follow that user."""
        self._pass_time()
        user, kind = self._someone(), self._chance.choice(("share", "like", "follow"))
        if kind == "share" or not self._shared:
            content = self._new_id()
            self._shared.append((user, content))
            return [self._record(ShareContent(platform="discord", kind="trade", content_id=content), user)]
        target, liked = self._chance.choice(self._shared)
        if kind == "follow":
            return [self._record(Interact(target=target, kind="follow"), user)]
        return [self._record(Interact(target=target, kind="like", content_id=liked), user)]

    def deposit(self) -> Act:
        """Report money that arrived for a user."""
        self._pass_time()
        reference = f"r-{self._new_id()}"
        report = ReportDeposit(
            user_id=self._someone(), asset="USD", amount=Quantity.parse("150"), provider=BANK, reference=reference
        )
        return [self._record(report, deposit_key(BANK, reference))]

    def mint(self) -> Act:
        """Let the next user ask for the token of a first trade, and the chain confirm it."""
        self._pass_time()
        user, mint = self._users[self._mints % len(self._users)], self._new_id()
        self._mints += 1
        confirmed = NFTMintConfirmed(
            mint_id=mint, user_id=user, token_id=f"genesis-{self._mints}", tx_hash=f"0x{self._mints:064x}",
            finality="final",
        )  # fmt: skip
        return [
            self._record(RequestMint(mint_id=mint, type="first_trade"), user),
            self._record(confirmed, "genesis"),
        ]

    def tick(self) -> Act:
        """Tick a second in every partition."""
        self._at = Instant(self._at + SECOND_US)
        return [
            Record(event.data.topic, number, KEY.encode(), encode(event), self._at.milliseconds())
            for number in range(self._partitions)
            for event in (ticked(self._at, partition=number, partitions=self._partitions),)
        ]

    def _fill_of(self, user: str) -> Record:
        chance, price = self._chance, self._price()
        cents = chance.choice((1_000, 100_000, 150_000, chance.randrange(1_000, 3_000_000)))
        closes = chance.random() < 0.5  # noqa: PLR2004 - half of the fills
        fill = ReportFill(
            fill_id=self._new_id(), user_id=user, trade_id=f"order-{chance.randrange(10**9)}",
            market=chance.choice(MARKETS), side=chance.choice(("buy", "sell")), price=price,
            size=Quantity(max(1, cents * 10**16 * 10**18 // price)), notional_usd=Usd(cents * 10**6),
            fee_usd=Usd(cents * 10**6 // 2_000), closed_pnl_usd=Usd(chance.randrange(-(10**9), 10**9) if closes else 0),
            closes=closes, taker=chance.random() < 0.5, venue=VENUE,  # noqa: PLR2004 - half
        )  # fmt: skip
        return self._record(fill, user)

    def _price(self) -> Quantity:
        return Quantity.parse(f"{self._chance.randrange(1_000, 10_000_000) / 1_000:.3f}")

    def _someone(self) -> str:
        return self._chance.choice(self._users)

    def _pass_time(self) -> None:
        self._at = Instant(self._at + self._chance.choice(MINUTES) * MINUTE_US)

    def _record(self, data: EventData, key: str) -> Record:
        event = Event.first(data, event_id=self._new_id(), time=self._at, key=key, rules_version=None)
        partition = partition_for(key.encode(), self._partitions)
        return Record(data.topic, partition, key.encode(), encode(event), self._at.milliseconds())

    def _new_id(self) -> str:
        self._made += 1
        return uuid7(self._at.milliseconds(), self._made.to_bytes(10))
