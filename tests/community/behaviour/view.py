"""The product's rows as people see them at one moment, decoded when they are first asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, TypeVar

from streams.topology import TableSpec
from tables.accounts import available
from tables.financial import (
    FINANCIAL_LEDGER,
    FINANCIAL_PLANS,
    FINANCIAL_REVIEWS,
    FINANCIAL_WITHDRAWALS,
    Balance,
    Subscription,
    Withdrawals,
)
from tables.gamification import GAMIFICATION_REWARDS, Rewards
from tables.nft import NFT_COLLECTORS, NFT_TOKENS, Collector, Token
from tables.row import Row
from tables.social_constellations import (
    SOCIAL_BATTLES,
    SOCIAL_CONSTELLATIONS,
    SOCIAL_MEMBERSHIPS,
    SOCIAL_ROSTERS,
    Battle,
    Constellation,
    Membership,
    Roster,
)
from tables.social_people import SOCIAL_CONTENTS, SOCIAL_FOLLOWS, Contents, Follows
from tables.trading import TRADING_ACCOUNTS, TRADING_OPEN, Account, Exposure

SEEN: tuple[TableSpec[Any], ...] = (
    FINANCIAL_LEDGER,
    FINANCIAL_PLANS,
    FINANCIAL_REVIEWS,
    FINANCIAL_WITHDRAWALS,
    GAMIFICATION_REWARDS,
    NFT_COLLECTORS,
    NFT_TOKENS,
    SOCIAL_BATTLES,
    SOCIAL_CONSTELLATIONS,
    SOCIAL_CONTENTS,
    SOCIAL_FOLLOWS,
    SOCIAL_MEMBERSHIPS,
    SOCIAL_ROSTERS,
    TRADING_ACCOUNTS,
    TRADING_OPEN,
)
"""The tables that people look at. Each key of them that people ask for has a row in one partition only."""

RowT = TypeVar("RowT", bound=Row)


class View:
    """Rows by table and key."""

    def __init__(self, raw: Mapping[str, Mapping[str, bytes]]) -> None:
        self._raw = raw

    def get(self, spec: TableSpec[RowT], key: str) -> RowT | None:
        """Return a row, or None."""
        raw = self._raw.get(spec.name, {}).get(key)
        assert spec.model is not None
        return None if raw is None else spec.model.load(raw)

    def all(self, spec: TableSpec[RowT]) -> dict[str, RowT]:
        """Return all rows of a table, in the order of their keys."""
        assert spec.model is not None
        rows = self._raw.get(spec.name, {})
        return {key: spec.model.load(rows[key]) for key in sorted(rows)}

    # --- of one user --------------------------------------------------------------------------------------------------

    def account(self, user: str) -> Account | None:
        return self.get(TRADING_ACCOUNTS, user)

    def balance(self, user: str, asset: str) -> int:
        """Return what a user can spend, in 1e-18 of an asset."""
        row: Balance | None = self.get(FINANCIAL_LEDGER, f"{available(user)}|{asset}")
        return 0 if row is None else int(row.amount)

    def plan(self, user: str) -> Subscription | None:
        return self.get(FINANCIAL_PLANS, user)

    def withdrawals(self, user: str) -> Withdrawals:
        return self.get(FINANCIAL_WITHDRAWALS, user) or Withdrawals()

    def rewards(self, user: str) -> Rewards:
        return self.get(GAMIFICATION_REWARDS, user) or Rewards()

    def collector(self, user: str) -> Collector:
        return self.get(NFT_COLLECTORS, user) or Collector()

    def membership(self, user: str) -> Membership | None:
        return self.get(SOCIAL_MEMBERSHIPS, user)

    def contents(self, user: str) -> Contents:
        return self.get(SOCIAL_CONTENTS, user) or Contents()

    def follows(self, user: str) -> Follows:
        return self.get(SOCIAL_FOLLOWS, user) or Follows()

    def constellation(self, name: str) -> Constellation | None:
        return self.get(SOCIAL_CONSTELLATIONS, name)

    def roster(self, name: str) -> Roster:
        return self.get(SOCIAL_ROSTERS, name) or Roster()

    # --- of all users -------------------------------------------------------------------------------------------------

    @cached_property
    def open_trades(self) -> Mapping[str, list[str]]:
        """Return the open practice trades of each user."""
        return _grouped(self.all(TRADING_OPEN), lambda _, row: row.user_id, lambda key, _: key.partition("|")[2])

    @cached_property
    def tokens(self) -> dict[str, Token]:
        return self.all(NFT_TOKENS)

    @cached_property
    def tokens_of(self) -> Mapping[str, list[str]]:
        """Return the tokens of each user."""
        return _grouped(self.tokens, lambda _, row: row.owner, lambda key, _: key)

    @cached_property
    def for_sale(self) -> list[str]:
        """Return the tokens that are listed."""
        return [key for key, token in self.tokens.items() if token.listing is not None]

    @cached_property
    def constellations(self) -> dict[str, Constellation]:
        """Return the constellations that exist."""
        return {key: row for key, row in self.all(SOCIAL_CONSTELLATIONS).items() if not row.dissolved_at}

    @cached_property
    def battles(self) -> dict[str, Battle]:
        return self.all(SOCIAL_BATTLES)

    @cached_property
    def pending_mints(self) -> list[tuple[str, str]]:
        """Return user and mint of each mint that waits for the chain."""
        found = self.all(NFT_COLLECTORS)
        return [
            (user, mint.mint_id)
            for user, row in found.items()
            for mint in row.mints.values()
            if mint.status == "pending"
        ]

    @cached_property
    def reviews(self) -> list[str]:
        """Return the keys of the withdrawals that wait for a moderator."""
        return list(self.all(FINANCIAL_REVIEWS))

    @cached_property
    def to_pay_out(self) -> list[tuple[str, str]]:
        """Return user and id of the withdrawals that were approved."""
        found = self.all(FINANCIAL_WITHDRAWALS)
        return [
            (user, one.withdrawal_id) for user, row in found.items() for one in row.open if one.status == "approved"
        ]


def _grouped(
    rows: Mapping[str, Exposure] | Mapping[str, Token],
    owner: Callable[[str, Any], str],
    value: Callable[[str, Any], str],
) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for key, row in rows.items():
        found[owner(key, row)].append(value(key, row))
    return found
