"""The bodies and answers of the API, generated from its OpenAPI document.

`python -m tests.client.typed_models` in the product's repository writes this file.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class Accepted(TypedDict):
    """The command is in the log and will be carried out. Read with `?after=<position>` to see its effect."""

    topic: str
    position: str
    event_id: str
    partition: int
    offset: int
    delayed: NotRequired[Delayed | None]


class AcceptedBatch(TypedDict):
    """The whole batch is in the log, in the order sent."""

    topic: str
    position: str
    events: list[AcceptedEvent]
    delayed: NotRequired[Delayed | None]


class AcceptedEvent(TypedDict):
    """An event and its place in the log."""

    event_id: str
    partition: int
    offset: int


class AcceptedTrade(TypedDict):
    """The order is in the log. `trade_id` is the trade that it opens, unless it is rejected."""

    topic: str
    position: str
    event_id: str
    partition: int
    offset: int
    delayed: NotRequired[Delayed | None]
    trade_id: str


class Achievement(TypedDict):
    """An achievement and when it was unlocked."""

    name: str
    at: str


class BoardPage(TypedDict):
    """A page of a board."""

    board: Literal["xp", "volume", "pnl", "trades", "streak_days"]
    period: str
    market: str | None
    position: str
    total: int
    sealed: bool
    digest: str | None
    rows: list[BoardRow]
    next_cursor: str | None


class BoardRow(TypedDict):
    """A place on a leaderboard."""

    rank: int
    user_id: str | None
    score: int | str
    reached_at: str


class Delayed(TypedDict):
    """The domain processes the command late."""

    domain: str
    why: Literal["down", "behind"]
    behind_s: float


class Fault(TypedDict):
    """One thing that is wrong with the request."""

    pointer: NotRequired[str | None]
    parameter: NotRequired[str | None]
    detail: str


class Fee(TypedDict):
    """Fees of one source, asset, day and beneficiary; the beneficiary `total` is the whole fee."""

    source: str
    asset: str
    day: str
    beneficiary: str
    amount: str
    count: int


class FeesAnswer(TypedDict):
    """Fee totals and the position they are true for."""

    position: str
    fees: list[Fee]


class Fill(TypedDict):
    """A fill that a venue executed. Several fills with one `trade_id` are one trade and add up."""

    fill_id: str
    user_id: str
    trade_id: str
    market: str
    side: Literal["buy", "sell"]
    price: str
    size: str
    notional_usd: str
    fee_usd: NotRequired[str | None]
    closed_pnl_usd: NotRequired[str]
    closes: NotRequired[bool]
    taker: NotRequired[bool]
    executed_at: str


class FillBatch(TypedDict):
    """Up to 1,000 fills: all are accepted, or none."""

    fills: list[Fill]


class MarkPrice(TypedDict):
    """A mark price; `time` defaults to now."""

    market: str
    price: str
    time: NotRequired[str | None]


class OpenTradesAnswer(TypedDict):
    """A user's open practice trades, and the position they are true for."""

    position: str
    user_id: str
    total: int
    next_cursor: str | None
    trades: list[Trade]


class Order(TypedDict):
    """Open a trade at the current mark price. The trader is the token's subject."""

    market: str
    side: Literal["long", "short"]
    notional_usd: str
    leverage: int
    mode: NotRequired[Literal["practice", "live"]]
    client_ref: NotRequired[str | None]


class PortfolioAnswer(TypedDict):
    """A user's portfolio and the position it is true for."""

    live: Totals
    practice: Totals
    practice_balance_usd: str
    practice_margin_usd: str
    updated_at: str
    position: str


class Position(TypedDict):
    """A net position in one market."""

    market: str
    mode: str
    quantity: str
    average_entry: str | None
    realised_pnl_usd: str
    unrealised_pnl_usd: str
    last_price: str
    updated_at: str


class PositionsAnswer(TypedDict):
    """A user's positions, flat ones included, and the position of the table they are true for."""

    position: str
    user_id: str
    positions: list[Position]


class Price(TypedDict):
    """The newest mark price of a market: orders run and positions are liquidated at it."""

    market: str
    price: str
    at: str


class PriceBatch(TypedDict):
    """Up to 1,000 mark prices: all are accepted, or none."""

    prices: list[MarkPrice]


class PricesAnswer(TypedDict):
    """The mark prices of all markets that have one, and the position they are true for."""

    position: str
    prices: list[Price]


class ProblemDocument(TypedDict):
    """A problem document (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: NotRequired[str | None]
    errors: NotRequired[list[Fault]]


class ProgressAnswer(TypedDict):
    """XP, level, streaks, achievements and counts. Others see times cut to the hour. It is true for `position`."""

    user_id: str
    xp: int
    level: int
    max_leverage: int
    ss: int
    streaks: dict[str, Streak]
    achievements: list[Achievement]
    trades: int
    closes: int
    wins: int
    volume_usd: str
    pnl_usd: str
    largest_trade_usd: str
    updated_at: str
    social_rating_ppm: int | None
    constellation: str | None
    founded: bool
    battle_wins: int
    prestige: str | None
    mastered: bool
    position: str


class SignedInAnswer(TypedDict):
    """Tokens. Send the access token as `Authorization: Bearer`, and the refresh token once to get new ones."""

    access_token: str
    token_type: NotRequired[str]
    expires_in: int
    refresh_token: str
    user_id: str
    session_id: str


class Streak(TypedDict):
    """Consecutive UTC days with activity, as of the last active day."""

    days: int
    best: int
    last_day: str


class Totals(TypedDict):
    """Sums over the executions of one mode."""

    fills: int
    trades: int
    closes: int
    volume_usd: str
    realised_pnl_usd: str
    fees_usd: str


class Trade(TypedDict):
    """A practice trade, or all fills of one trade id of a venue."""

    trade_id: str
    market: str
    side: str
    mode: str
    venue: str
    status: str
    fills: int
    notional_usd: str
    size: str
    fees_usd: str
    pnl_usd: str
    entry_price: str
    exit_price: str | None
    leverage: int | None
    margin_usd: str
    liquidation_price: str | None
    client_ref: str | None
    opened_at: str
    updated_at: str


class TradingAccountAnswer(TypedDict):
    """Practice money and the limits of orders: the day's trades, leverage, suspension. It is true for `position`."""

    user_id: str
    balance_usd: str
    margin_usd: str
    opened_day: str
    opened_count: int
    max_leverage: int
    suspended: bool
    tier: str
    position: str


class UserRanks(TypedDict):
    """The places of those of the users who are on the board, in its order. Ranks count all users on the board."""

    board: Literal["xp", "volume", "pnl", "trades", "streak_days"]
    period: str
    market: str | None
    position: str
    total: int
    sealed: bool
    digest: str | None
    rows: list[BoardRow]


class UserStanding(TypedDict):
    """The place of a user; `rows` is the window around it, the user included."""

    board: Literal["xp", "volume", "pnl", "trades", "streak_days"]
    period: str
    market: str | None
    position: str
    total: int
    sealed: bool
    digest: str | None
    rows: list[BoardRow]
    user_id: str
    rank: int
    score: int | str


class WalletAnswer(TypedDict):
    """A linked wallet."""

    chain_id: str
    address: str
    public_key: str | None
    linked_at: str


class WalletChallengeAnswer(TypedDict):
    """A challenge. Let the wallet sign `typed_data`, and send the signature with the nonce."""

    nonce: str
    expires_at: str
    typed_data: dict[str, Any]
