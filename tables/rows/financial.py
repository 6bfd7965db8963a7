"""Rows of the financial domain."""

from __future__ import annotations

from tables.rows.base import Amount, Row


class FeeTotal(Row, frozen=True, kw_only=True):
    """Fees of one source, asset, day and beneficiary, in this partition; readers sum the partitions."""

    amount: Amount = 0
    count: int = 0
