"""The declaration of the financial domain: its rows, keys and tables, and the topics it consumes and produces."""

from __future__ import annotations

from datetime import date
from typing import Final

from streams import topics
from streams.topology import Domain, TableSpec
from tables.keys import SEPARATOR
from tables.row import Amount, Row

ALL_DAYS: Final = "all"
TOTAL: Final = "total"


class FeeTotal(Row, frozen=True, kw_only=True):
    """Fees of one source, asset, day and beneficiary, in this partition; readers sum the partitions."""

    amount: Amount = 0
    count: int = 0


def fee_key(source: str, asset: str, day: date | None, beneficiary: str) -> str:
    """Return a key of `financial-fees`. Without a day it means all-time. Beneficiary `total` is the whole fee."""
    return SEPARATOR.join((source, asset, day.isoformat() if day else ALL_DAYS, beneficiary))


_TRADED = (topics.TRADING_EVENTS,)

FINANCIAL_PROCESSED: Final[TableSpec[Row]] = TableSpec("financial-processed", None, _TRADED, only_at_least_once=True)
FINANCIAL_FEES: Final = TableSpec("financial-fees", FeeTotal, _TRADED)

DOMAIN: Final = Domain(
    name="financial",
    consumes=_TRADED,
    produces={topics.FINANCIAL_EVENTS: _TRADED},
    tables=(FINANCIAL_PROCESSED, FINANCIAL_FEES),
)
