"""The catalogue of tables: name, value model, keys, and the topics whose events write them.

A row lives in the partition of the event that wrote it. For rows keyed by a user that is the user's partition. Rows of
`trading-marks`, `gamification-watermark` and `financial-fees` exist once in each partition under the same key, so
the store must keep partitions apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, Generic, TypeVar

from faust_redis.log.records import TopicSpec

from streams import topics
from streams.events.trading import Mode
from tables.rows import (
    Account,
    Exposure,
    FeeTotal,
    Mark,
    Portfolio,
    Position,
    Progress,
    Row,
    Trade,
    TradeTally,
    Watermark,
)

RowT_co = TypeVar("RowT_co", bound=Row, covariant=True)

SEPARATOR: Final = "|"
WATERMARK_KEY: Final = "watermark"
ALL_DAYS: Final = "all"
TOTAL: Final = "total"
SEEN: Final = b"1"


@dataclass(frozen=True, slots=True)
class TableSpec(Generic[RowT_co]):
    """A table.

    Attributes:
        model: What its values are; None where they are no rows (`seen` tables hold ``1``, ranked ones standings).
        ranked: Keys end with ``|member`` and values are `{group: sort key}`; the log keeps a sorted set for each group.
        sources: Topics whose events write it.
    """

    name: str
    model: type[RowT_co] | None
    sources: tuple[str, ...]
    ranked: bool = False


_ORDERS = (topics.TRADING_COMMANDS, topics.TRADING_MARKS)
_TRADED = (topics.TRADING_EVENTS,)

TRADING_SEEN: Final[TableSpec[Row]] = TableSpec("trading-seen", None, (topics.TRADING_COMMANDS,))
TRADING_ACCOUNTS: Final = TableSpec("trading-accounts", Account, (*_ORDERS, topics.GAMIFICATION_EVENTS))
TRADING_TRADES: Final = TableSpec("trading-trades", Trade, _ORDERS)
TRADING_OPEN: Final = TableSpec("trading-open", Exposure, _ORDERS)
TRADING_POSITIONS: Final = TableSpec("trading-positions", Position, _ORDERS)
TRADING_PORTFOLIO: Final = TableSpec("trading-portfolio", Portfolio, _ORDERS)
TRADING_MARKS: Final = TableSpec("trading-marks", Mark, (topics.TRADING_MARKS,))
GAMIFICATION_SEEN: Final[TableSpec[Row]] = TableSpec("gamification-seen", None, _TRADED)
GAMIFICATION_PROGRESS: Final = TableSpec("gamification-progress", Progress, _TRADED)
GAMIFICATION_TRADES: Final = TableSpec("gamification-trades", TradeTally, _TRADED)
GAMIFICATION_BOARDS: Final[TableSpec[Row]] = TableSpec("gamification-boards", None, _TRADED, ranked=True)
GAMIFICATION_WATERMARK: Final = TableSpec("gamification-watermark", Watermark, _TRADED)
FINANCIAL_SEEN: Final[TableSpec[Row]] = TableSpec("financial-seen", None, _TRADED)
FINANCIAL_FEES: Final = TableSpec("financial-fees", FeeTotal, _TRADED)

CATALOGUE: Final[tuple[TableSpec[Row], ...]] = (
    TRADING_SEEN,
    TRADING_ACCOUNTS,
    TRADING_TRADES,
    TRADING_OPEN,
    TRADING_POSITIONS,
    TRADING_PORTFOLIO,
    TRADING_MARKS,
    GAMIFICATION_SEEN,
    GAMIFICATION_PROGRESS,
    GAMIFICATION_TRADES,
    GAMIFICATION_BOARDS,
    GAMIFICATION_WATERMARK,
    FINANCIAL_SEEN,
    FINANCIAL_FEES,
)


def changelog_topic(app_id: str, table: str) -> str:
    """The topic that a table's changes are appended to; the name that Faust gives it."""
    return f"{app_id}-{table}-changelog"


def changelog_specs(app_id: str, partitions: int, tail_ms: int = topics.TAIL_MS) -> tuple[TopicSpec, ...]:
    """Every changelog topic: compacted, with a tail of its last records, and with sorted sets for ranked tables."""
    return tuple(
        TopicSpec(changelog_topic(app_id, table.name), partitions, "compact", "rank" if table.ranked else "", tail_ms)
        for table in CATALOGUE
    )


def trade_key(user_id: str, trade_id: str) -> str:
    """Key of `trading-trades` and `gamification-trades`: venues number trades each for themselves, users apart."""
    return f"{user_id}{SEPARATOR}{trade_id}"


def open_key(market: str, trade_id: str) -> str:
    """Key of `trading-open`, so that a market's open practice trades stand together; their ids are ours, so unique."""
    return f"{market}{SEPARATOR}{trade_id}"


def position_key(user_id: str, market: str, mode: Mode) -> str:
    """Key of `trading-positions`: ``user|market``, and ``user|market|practice`` for play money."""
    key = f"{user_id}{SEPARATOR}{market}"
    return key if mode == "live" else f"{key}{SEPARATOR}{mode}"


def fee_key(source: str, asset: str, day: date | None, beneficiary: str) -> str:
    """Key of `financial-fees`; without a day the all-time total, beneficiary `total` for the whole fee."""
    return SEPARATOR.join((source, asset, day.isoformat() if day else ALL_DAYS, beneficiary))
