"""Pages of rankings: the cursor of the next page, and trades that ended after their list was read."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from faust_redis.log import Position

from api.kit.ranking_pages import ranking_page
from api.kit.sealing import Sealer
from api.trading.trades import _open
from streams.units import USD_UNIT, Quantity
from tables.boards import Standing
from tables.rankings import Ranked, RankingPage
from tables.trading import TRADING_OWNED, Status, Trade

MEMBERS = [Ranked(rank, Standing(9 - rank, 0), f"t-{rank}") for rank in (1, 2, 3)]


class Tables:
    """A ranking of three trades, of which the second one has ended."""

    async def page(self, _table: str, _group: str, *, after: str | None, limit: int) -> RankingPage:
        assert after is None
        return RankingPage(Position("owned", "e", {0: 1}), 3, MEMBERS[:limit])

    async def get_many(self, _table: str, keys: list[Any]) -> tuple[Position, list[bytes]]:
        states: tuple[Status, ...] = ("open", "closed", "open")
        return Position("trades", "e", {0: 1}), [trade(status) for _, status in zip(keys, states, strict=True)]


def trade(status: Status) -> bytes:
    return Trade(
        market="BTC", side="long", mode="practice", venue="practice", status=status, fills=1, notional=USD_UNIT,
        size=Quantity.of(1), fees=0, entry_price=Quantity.of(1), leverage=1, margin=USD_UNIT,
        liquidation_price=Quantity.of(0), opened_at=0, updated_at=0,
    ).dump()  # fmt: skip


@pytest.mark.parametrize(("limit", "more"), [(2, True), (3, False), (4, False)])
async def test_the_last_page_has_no_cursor_also_when_it_is_full(limit: int, more: bool) -> None:
    api: Any = SimpleNamespace(tables=Tables(), sealer=Sealer("s" * 32))
    page, cursor = await ranking_page(api, TRADING_OWNED, "of:ada/trades/open", limit=limit, cursor=None)
    assert (len(page.members), cursor is not None) == (min(limit, 3), more)


async def test_a_trade_that_ended_after_the_list_was_read_is_left_out() -> None:
    tables: Any = Tables()
    assert [row.key for row in await _open(tables, "ada", MEMBERS)] == ["ada|t-1", "ada|t-3"]
