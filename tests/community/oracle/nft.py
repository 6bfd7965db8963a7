"""The nft domain of the oracle: eligibility, mints, tokens and their market (domain.md §8, §10, decision 0046).

One round: one command about a token, one about a user's mints; and no fact that makes a user eligible together with the
user's request of a mint. A report of the chain is a command about its token and its user's mints.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

from tests.community.journal import TICK, Entry
from tests.community.oracle import crossing, tables
from tests.community.oracle.amounts import PPM, SMALLEST, half_up, quantity, quantity_text
from tests.community.oracle.crossing import Causes, Domains, Rows
from tests.community.oracle.tables import Table

LISTING_US: Final = 30 * 86_400_000_000
PLATFORM_PPM: Final = 25_000
CREATOR_PPM: Final = 50_000
RARITY: Final = {
    "first_trade": "common",
    "level_milestone_25": "uncommon",
    "level_milestone_50": "rare",
    "constellation_founder": "epic",
    "viral_legend": "epic",
    "trading_master": "legendary",
}

Row = dict[str, Any]


def part_of(price: int, ppm: int, asset: str) -> int:
    """Return a fee of a price, half up to the asset's smallest unit."""
    unit = SMALLEST[asset]
    return half_up(Fraction(price * ppm, PPM * unit)) * unit


class Nft(crossing.Nft):
    """Applies what happens to tokens."""

    def __init__(self, community: Domains) -> None:
        self.community = community
        self.collectors = Table("nft-collectors")
        self.tokens = Table("nft-tokens")
        self.market = Table("nft-market")
        self._tables = (self.collectors, self.tokens, self.market)
        self._steps = {
            "RequestMint": self._request,
            "NFTMintConfirmed": self._minted,
            "NFTMintFailed": self._failed,
            "ListNFT": self._list,
            "UnlistNFT": self._unlist,
            "BuyNFT": self._buy,
            TICK: self._tick,
        }

    def apply(self, entry: Entry) -> None:
        """Apply a command, a report of the chain or a tick."""
        if step := self._steps.get(entry.name):
            step(entry)

    def rows(self) -> Rows:
        """Return all tables."""
        ends = {token: row["listing"]["ends_at"] for token, row in self.tokens.rows.items() if row["listing"]}
        deadlines = {f"{at:019d}|listing|{token}": {"at": at} for token, at in ends.items()}
        return {**tables.rows_of(self._tables), "nft-deadlines": deadlines}

    def folded(self, table: str, key: str) -> set[str]:
        """Return the entries behind a row."""
        return tables.folded(self._tables, table, key)

    # --- mints --------------------------------------------------------------------------------------------------------

    def eligible(self, user: str, kind: str, at: int, causes: Causes) -> None:
        """Let a user mint a type, from the first time on."""
        collector = self._collector(user)
        if kind not in collector["eligible"]:
            eligible = {**collector["eligible"], kind: at}
            self.collectors.put(user, {**collector, "eligible": eligible}, causes)

    def _collector(self, user: str) -> Row:
        return self.collectors.get(user) or {"eligible": {}, "mints": {}}

    def _put_mint(self, user: str, kind: str, mint: Row, causes: Causes) -> None:
        collector = self._collector(user)
        self.collectors.put(user, {**collector, "mints": {**collector["mints"], kind: mint}}, causes)

    def _request(self, entry: Entry) -> None:
        kind, collector = entry.data["type"], self._collector(entry.user)
        known = collector["mints"].get(kind)
        if kind not in collector["eligible"] or (known and known["status"] != "failed"):
            return
        mint = {
            "mint_id": entry.data["mint_id"],
            "status": "pending",
            "token_id": None,
            "reason": None,
            "at": entry.at,
        }
        self._put_mint(entry.user, kind, mint, (entry.id,))

    def _pending(self, entry: Entry) -> tuple[str, Row] | None:
        """Return the pending mint that a report of the chain is about, and its type."""
        mints = self._collector(entry.data["user_id"])["mints"]
        found = (one for one in mints.items() if one[1]["mint_id"] == entry.data["mint_id"])
        return next((one for one in found if one[1]["status"] == "pending"), None)

    def _minted(self, entry: Entry) -> None:
        """Create a token for the mint that waits for it. One that exists is never given away."""
        report, found, causes = entry.data, self._pending(entry), (entry.id,)
        if found is None or self.tokens.get(report["token_id"]) is not None:
            return
        (kind, mint), user, token = found, report["user_id"], report["token_id"]
        self._put_mint(user, kind, {**mint, "status": "minted", "token_id": token, "at": entry.at}, causes)
        row = {
            "owner": user,
            "type": kind,
            "rarity": RARITY[kind],
            "creator": None,
            "tx_hash": report["tx_hash"],
            "mint_id": report["mint_id"],
            "minted_at": entry.at,
            "owned_at": entry.at,
            "listing": None,
            "sales": 0,
            "sold_for": None,
            "last_sale": None,
        }
        self.tokens.put(token, row, causes)
        self._own(token, row, causes)

    def _failed(self, entry: Entry) -> None:
        if found := self._pending(entry):
            kind, mint = found
            failed = {**mint, "status": "failed", "reason": entry.data["reason"], "at": entry.at}
            self._put_mint(entry.data["user_id"], kind, failed, (entry.id,))

    # --- market -------------------------------------------------------------------------------------------------------

    def _own(self, token: str, row: Row, causes: Causes) -> None:
        self.market.put(f"of:{row['owner']}|{token}", {"tokens/all": row["owned_at"]}, causes)
        self.community.social.token_received(row["owner"], token, row["type"], row["owned_at"], causes)

    def _list(self, entry: Entry) -> None:
        offer, token_id, causes = entry.data, entry.data["token_id"], (entry.id,)
        asset, price, token = offer["asset"], quantity(offer["price"]), self.tokens.get(token_id)
        if token is None or token["owner"] != offer["seller"] or token["listing"] or price % SMALLEST[asset]:
            return
        listing = {
            "listing_id": offer["listing_id"],
            "asset": asset,
            "price": price,
            "listed_at": entry.at,
            "ends_at": entry.at + LISTING_US,
        }
        self.tokens.change(token_id, causes, listing=listing)
        names = (f"{kind}/{one}" for kind in ("any", token["type"]) for one in ("any", asset))
        self.market.put(f"open|{token_id}~{offer['listing_id']}", dict.fromkeys(names, entry.at), causes)

    def _unlist(self, entry: Entry) -> None:
        asked, token = entry.data, self.tokens.get(entry.data["token_id"])
        if token and token["owner"] == asked["seller"] and self._listed(token, asked["listing_id"]):
            self._end(asked["token_id"], token, (entry.id,))

    def _listed(self, token: Row | None, listing_id: str) -> Row | None:
        """Return a token's listing if it has this id."""
        listing: Row | None = token["listing"] if token else None
        return listing if listing and listing["listing_id"] == listing_id else None

    def _end(self, token_id: str, token: Row, causes: Causes, **changed: Any) -> Row:
        """End a token's listing."""
        self.market.delete(f"open|{token_id}~{token['listing']['listing_id']}", causes)
        return self.tokens.change(token_id, causes, listing=None, **changed)

    def _tick(self, entry: Entry) -> None:
        """End the listings that have lasted 30 days."""
        listed = [(token_id, token) for token_id, token in self.tokens.rows.items() if token["listing"]]
        for token_id, token in listed:
            if token["listing"]["ends_at"] <= entry.at:
                self._end(token_id, token, (entry.id,))
                self._tell(token["owner"], "nft_expired", entry, {"token_id": token_id})

    def _buy(self, entry: Entry) -> None:
        """Reserve the price, then sell the token for it, or release it."""
        order, buyer, causes = entry.data, entry.user, (entry.id,)
        token_id, listing_id, purchase = order["token_id"], order["listing_id"], order["purchase_id"]
        asset, price, ledger = order["asset"], quantity(order["price"]), self.community.financial
        if price % SMALLEST[asset] or not ledger.reserve(
            purchase, buyer, entry.at, causes, token=token_id, listing=listing_id, asset=asset, amount=price
        ):
            return
        token = self.tokens.get(token_id)
        listing = self._listed(token, listing_id)
        if (
            token is None
            or listing is None
            or entry.at >= listing["ends_at"]
            or (asset, price) != (listing["asset"], listing["price"])
            or token["owner"] == buyer
        ):
            ledger.release(purchase, buyer, entry.at, causes)
            return
        self._sell(entry, token, listing)

    def _sell(self, entry: Entry, token: Row, listing: Row) -> None:
        order, buyer, seller, causes = entry.data, entry.user, token["owner"], (entry.id,)
        asset, price, token_id = listing["asset"], listing["price"], order["token_id"]
        platform = part_of(price, PLATFORM_PPM, asset)
        creator = part_of(price, CREATOR_PPM, asset) if token["creator"] else 0
        self.community.financial.capture(
            order["purchase_id"],
            buyer,
            entry.at,
            causes,
            seller=seller,
            creator=token["creator"],
            platform_fee=platform,
            creator_fee=creator,
            proceeds=price - platform - creator,
        )
        changed = {
            "owner": buyer,
            "owned_at": entry.at,
            "sales": token["sales"] + 1,
            "sold_for": order["purchase_id"],
            "last_sale": {"seller": seller, "listing": listing},
        }
        sold = self._end(token_id, token, causes, **changed)
        self.market.delete(f"of:{seller}|{token_id}", causes)
        self._own(token_id, sold, causes)
        self._tell(seller, "nft_sold", entry, {"token_id": token_id, "price": quantity_text(price), "asset": asset})

    def _tell(self, user: str, kind: str, entry: Entry, arguments: dict[str, str]) -> None:
        self.community.user.notify(user, kind, entry.at, (entry.id,), text=kind, arguments=arguments)
