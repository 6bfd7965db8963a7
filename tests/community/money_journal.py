"""Seeded journals about money: orders, fills, prices, deposits, withdrawals, plans, tokens and accounts of a few users.

Each step looks at the oracle, so that most commands make sense, and some do not. A round is a tick, then commands of
different users at the tick's time; each price and each fill has a time of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any, Final

from streams.ids import derived_id, timestamp_ms, uuid7, withdrawal_id_of
from tests.community.chain_facts import ChainFacts
from tests.community.journal import PRICE, TICK, Entry
from tests.community.oracle import Community
from tests.community.oracle.amounts import quantity_text, usd_text
from tests.community.oracle.ledger import available

START: Final = 1_767_614_400_000_000
HOUR: Final = 3_600_000_000
DAY: Final = 24 * HOUR
SECOND: Final = 1_000_000
MARKETS: Final = ("BTC", "SOL")
FIRST_PRICES: Final = {"BTC": 60_000, "SOL": 150}
MANY_ROUND: Final = 6
"""The round in which users reach the limits of orders, and change plans more than once."""
GENESIS: Final = (
    "first_trade",
    "level_milestone_25",
    "level_milestone_50",
    "constellation_founder",
    "viral_legend",
    "trading_master",
)

Data = dict[str, Any]


class MoneyJournal:
    """Makes entries and applies them to an oracle.

    Attributes:
        community: The oracle after all entries so far.
    """

    def __init__(self, seed: int, community: Community, users: int = 6) -> None:
        self.random = Random(seed)
        self.community = community
        self.users = [f"user-{number}" for number in range(users)]
        self.now = START
        self._made = 0
        self._prices = dict(FIRST_PRICES)
        self._withdrawals: list[tuple[str, str]] = []
        self._steps: tuple[tuple[int, Callable[[str], None]], ...] = (
            (10, self._open),
            (6, self._close),
            (5, self._deposit),
            (4, self._withdraw),
            (4, self._decide),
            (5, self._plan),
            (10, self._token),
            (1, self._account),
            (3, self._chain),
        )
        self._entries: list[Entry] = []
        self._round = 0
        self._facts = ChainFacts(self.random)
        self._decided: set[str] = set()
        """Users about whose withdrawals something was decided in this round."""

    def entries(self, rounds: int) -> Iterator[Entry]:
        """Yield the entries of some rounds. The oracle has applied each of them when it is yielded."""
        for user in self.users:
            self._add("AccountRegistered", user, {"user_id": user, "role": "user"})
            self._verify(user, "identity")
            self._deposit(user)
            yield from self._taken()
        for number in range(rounds):
            self._round = number
            for step in (self._tick, self._price, self._commands, self._fills):
                step()
                yield from self._taken()

    # --- rounds -------------------------------------------------------------------------------------------------------

    def _taken(self) -> list[Entry]:
        taken, self._entries = self._entries, []
        return taken

    def _add(
        self, name: str, user: str, data: Data, *, ids: tuple[str, ...] = (), event_id: str = "", ago: int = 0
    ) -> None:
        """Apply an entry of some time ago. `ids` are the names of the ids that the gateway derives and answers."""
        self._made += 1
        event_id = event_id or uuid7(self.now // 1_000, self._made.to_bytes(10))
        given = {
            one: withdrawal_id_of(event_id)
            if one == "withdrawal_id"
            else derived_id(timestamp_ms(event_id), event_id, one.removesuffix("_id"))
            for one in ids
        }
        entry = Entry(number=self._made, at=self.now - ago, name=name, user=user, id=event_id, data={**data, **given})
        self.community.apply(entry)
        self._entries.append(entry)
        if name == "Withdraw":
            self._withdrawals.append((user, given["withdrawal_id"]))

    def _tick(self) -> None:
        self.now += self.random.choice((HOUR, 6 * HOUR, 6 * HOUR, 30 * HOUR, 30 * HOUR, 30 * HOUR, 400 * HOUR))
        self._add(TICK, "", {}, event_id=derived_id(self.now // 1_000, "clock", str(self.now // 1_000)))

    def _price(self) -> None:
        """Move a price, sometimes to where a trade is just not liquidated yet. Some prices come after newer ones."""
        market = self.random.choice(MARKETS)
        step = self.random.choice((-300, -90, -20, 5, 20, 90, 300))
        self._prices[market] = max(1, self._prices[market] * (1_000 + step) // 1_000)
        price = f"{self._prices[market]}.{self.random.randrange(100):02d}"
        limits = [row["liquidation_price"] for key, row in self._exposed().items() if key.startswith(market)]
        if limits and self.random.random() < 0.25:
            price = quantity_text(self.random.choice(limits))
        self._add(PRICE, "", {"market": market, "price": price}, ago=self.random.choice((0, 0, 0, 0, 50 * HOUR)))

    def _exposed(self) -> dict[str, Data]:
        return self.community.trading.rows()["trading-open"]

    def _commands(self) -> None:
        weights = [weight for weight, _ in self._steps]
        self._decided.clear()
        if self._round == MANY_ROUND:
            self._open_many(self.users[0])
            self._open_all(self.users[1])
            self._change_plans(self.users[2], "navigator")
            self._change_plans(self.users[3], "navigator", "admiral")
        for user in self.random.sample(self.users, len(self.users) - 1):
            _, step = self.random.choices(self._steps, weights)[0]
            step(user)

    def _fills(self) -> None:
        for _ in range(self.random.randrange(3)):
            self.now += SECOND
            self._fill(self.random.choice(self.users[:3]))

    # --- trading ------------------------------------------------------------------------------------------------------

    def _open(self, user: str) -> None:
        order: Data = {
            "market": self.random.choice(MARKETS),
            "side": self.random.choice(("long", "short")),
            "notional_usd": f"{self.random.choice((37, 500, 1_234, 9_999, 14_000))}.{self.random.randrange(10**8):08d}",
            "leverage": self.random.choice((1, 3, 7, 10, 15, 30)),
            "mode": self.random.choice(("practice",) * 9 + ("live",)),
        }
        if self.random.random() < 0.3:
            order["client_ref"] = f"ref-{self._made}"
        self._add("OpenTrade", user, order)

    def _open_many(self, user: str) -> None:
        """Send more orders than a day allows."""
        for number in range(22):
            self._order(user, 10_00000000, f"many-{number}")

    def _open_all(self, user: str) -> None:
        """Send orders until little is left, then one whose margin is all that is left, and whose fee is not there."""
        for number in range(8):
            account = self.community.trading.rows()["trading-accounts"][user]
            left = account["balance"] - account["margin"]
            self._order(user, min(left, account["balance"] * 14 // 100) * 5, f"all-{number}")

    def _order(self, user: str, notional: int, ref: str) -> None:
        order = {"market": "BTC", "side": "long", "notional_usd": usd_text(notional), "leverage": 5, "client_ref": ref}
        self._add("OpenTrade", user, order)

    def _close(self, user: str) -> None:
        trades = self.community.trading.rows()["trading-trades"]
        own = [key.partition("|")[2] for key in trades if key.startswith(f"{user}|")]
        if self.random.random() < 0.8:
            own = [key.partition("|")[2] for key, row in self._exposed().items() if row["user_id"] == user]
        self._add("CloseTrade", user, {"trade_id": self.random.choice(own) if own else "trade-none"})

    def _fill(self, user: str) -> None:
        price, market = self._prices["BTC"], "BTC"
        size, number = self.random.choice(("0.02", "0.013", "1.5")), self.random.randrange(60)
        data: Data = {
            "fill_id": f"fill-{number}",
            "user_id": user,
            "trade_id": f"trade-{number // 3}",
            "venue": self.random.choice(("tape", "tape", "other")),
            "market": market,
            "side": self.random.choice(("buy", "sell")),
            "price": f"{price}.25",
            "size": size,
            "notional_usd": f"{self.random.randrange(10, 90_000)}.{self.random.randrange(100):02d}",
        }
        if self.random.random() < 0.5:
            data["fee_usd"] = self.random.choice(("0", "0.00000007", "1.50", "12.345678"))
        if self.random.random() < 0.5:
            data |= {"closed_pnl_usd": self.random.choice(("-120.5", "0", "77.00000001")), "closes": True}
        ago = self.random.choice((0,) * 8 + (HOUR, 40 * HOUR, 29 * DAY, 45 * DAY, 45 * DAY))
        self._add("ReportFill", data["venue"], data, ago=ago)

    # --- money --------------------------------------------------------------------------------------------------------

    def _deposit(self, user: str) -> None:
        asset = self.random.choice(("USD", "USD", "STRK"))
        amount = self.random.choice(("9.95", "120", "1500.00", "40000", "40000", "0.00000001"))
        reference = f"wire-{self.random.randrange(40)}"
        data = {"user_id": user, "asset": asset, "amount": amount, "provider": "bank", "reference": reference}
        self._add("ReportDeposit", "bank", data)

    def _withdraw(self, user: str) -> None:
        asset = self.random.choice(("USD", "STRK"))
        amount = self.random.choice(
            ("5", "1000", "1000.01", "10000.00000001", "20000", "30000", self._has(user, asset))
        )
        data = {"asset": asset, "amount": amount, "destination": "iban:1"}
        self._add("Withdraw", user, data, ids=("withdrawal_id",))

    def _has(self, user: str, asset: str) -> str:
        rows = self.community.financial.rows()["financial-ledger"]
        row = rows.get(f"{available(user)}|{asset}", {"amount": 0})
        return quantity_text(row["amount"] or 1)

    def _decide(self, user: str) -> None:
        """Review a withdrawal of another user, or report its payout. Some are decided already."""
        known = self.community.financial.rows()["financial-withdrawals"]
        waiting = [(one, name) for one, row in known.items() for name in row["open"]]
        if not self._withdrawals:
            return
        some = waiting if waiting and self.random.random() < 0.8 else self._withdrawals
        owner, withdrawal = self.random.choice(some)
        if owner in self._decided:
            return
        self._decided.add(owner)
        data: Data = {"user_id": owner, "withdrawal_id": withdrawal}
        if self.random.random() < 0.5:
            approve, moderator = self.random.random() < 0.7, self.random.choice((user, user, owner))
            self._add("ReviewWithdrawal", moderator, {**data, "approve": approve, "moderator": moderator})
        else:
            paid = self.random.random() < 0.7
            self._add(
                "ReportPayout", "bank", {**data, "paid": paid, "provider": "bank", "reference": f"p-{self._made}"}
            )

    def _plan(self, user: str) -> None:
        known = self.community.financial.rows()["financial-plans"].get(user)
        plan = self.random.choice(("navigator", "captain", "admiral"))
        if known is None or self.random.random() < 0.1:
            cycle = self.random.choice(("month", "month", "quarter", "year"))
            self._add("Subscribe", user, {"plan": plan, "cycle": cycle})
        elif self.random.random() < 0.15:
            self._add("CancelPlan", user, {})
        elif known["plan"] == "admiral":
            self._add("ChangePlan", user, {"plan": self.random.choice(("navigator", "captain", "explorer"))})
        else:
            self._add("ChangePlan", user, {"plan": "admiral" if known["next_plan"] else plan})

    def _change_plans(self, user: str, *plans: str) -> None:
        """Subscribe to captain with money for a while, then change to other plans at once."""
        wire = {"user_id": user, "asset": "USD", "amount": "500", "provider": "bank", "reference": f"plans-{user}"}
        self._add("ReportDeposit", "bank", wire)
        self._add("Subscribe", user, {"plan": "captain", "cycle": "month"})
        for plan in plans:
            self._add("ChangePlan", user, {"plan": plan})

    # --- tokens -------------------------------------------------------------------------------------------------------

    def _token(self, user: str) -> None:
        tokens = self.community.nft.rows()["nft-tokens"]
        mints = self.community.nft.rows()["nft-collectors"].get(user, {"mints": {}})["mints"]
        known = [mint["mint_id"] for mint in mints.values()]
        pending = [mint["mint_id"] for mint in mints.values() if mint["status"] == "pending"]
        if pending and self.random.random() < 0.8:
            self._report_mint(user, pending[0])
        elif known and self.random.random() < 0.1:
            self._report_mint(user, known[0])
        elif not tokens or (not mints and self.random.random() < 0.7):
            kind = self.random.choice(("first_trade", self.random.choice(GENESIS)))
            self._add("RequestMint", user, {"type": kind}, ids=("mint_id",))
        else:
            self._trade_token(user, *self.random.choice(list(tokens.items())))

    def _report_mint(self, user: str, mint_id: str) -> None:
        data = {"mint_id": mint_id, "user_id": user}
        if self.random.random() < 0.2:
            self._add("NFTMintFailed", "", {**data, "reason": "reverted"})
        else:
            token = f"genesis-{self.random.randrange(12)}"
            self._add("NFTMintConfirmed", "", {**data, "token_id": token, "tx_hash": "0x1", "finality": "accepted"})

    def _trade_token(self, user: str, token_id: str, token: Data) -> None:
        listing, owner = token["listing"], token["owner"]
        if listing is None:
            asset = self.random.choice(("SS", "SS", "STRK"))
            price = self.random.choice(("1", "20", "61", "150")) if asset == "SS" else "7.000000000000000019"
            seller = self.random.choice((owner, owner, owner, user))
            data = {"token_id": token_id, "seller": seller, "asset": asset, "price": price}
            self._add("ListNFT", seller, data, ids=("listing_id",))
        elif self.random.random() < 0.15:
            seller = self.random.choice((owner, user))
            self._add(
                "UnlistNFT", seller, {"token_id": token_id, "listing_id": listing["listing_id"], "seller": seller}
            )
        else:
            seen = quantity_text(self.random.choice((listing["price"],) * 5 + (10**18,)))
            data = {"token_id": token_id, "listing_id": listing["listing_id"], "asset": listing["asset"]}
            self._add("BuyNFT", user, {**data, "price": seen}, ids=("purchase_id",))

    # --- accounts -----------------------------------------------------------------------------------------------------

    def _chain(self, _user: str) -> None:
        name, data = self._facts.next()
        self._add(name, "", data)

    def _account(self, user: str) -> None:
        match self.random.randrange(10):
            case 0:
                self._add("AccountSuspended", user, {"user_id": user})
            case 1 | 2 | 3:
                self._add("AccountReinstated", user, {"user_id": user})
            case 4 | 5:
                self._add("EmailVerified", user, {"user_id": user})
            case 6:
                self._add("AccountClosed", user, {"user_id": user})
            case _:
                self._verify(user, self.random.choice(("email", "phone", "identity", "premium")))

    def _verify(self, user: str, tier: str) -> None:
        self._add("VerificationChanged", user, {"user_id": user, "tier": tier, "before": "unverified"})
