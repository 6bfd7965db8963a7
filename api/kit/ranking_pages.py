"""Pages of a ranking, each with the cursor of the next one."""

from __future__ import annotations

from typing import Any

from api.kit import cursor as cursors
from api.kit.context import Api
from streams.topology import TableSpec
from tables.rankings import RankingPage


async def ranking_page(
    api: Api, table: TableSpec[Any], group: str, *, limit: int, cursor: str | None
) -> tuple[RankingPage, str | None]:
    """Return the first `limit` members of a ranking, or those after a cursor; and the cursor of the next page.

    That cursor is None at the end.

    Raises:
        Problem: 400 when the cursor was not given for this ranking.
    """
    after = None
    if cursor is not None:
        epoch = (await api.tables.position(table.name)).epoch
        after = cursors.read(api.sealer, cursor, group=group, epoch=epoch)
    page = await api.tables.page(table.name, group, after=after, limit=limit)
    if len(page.members) < limit or page.members[-1].rank == page.total:
        return page, None
    last = page.members[-1].entry
    return page, cursors.write(api.sealer, group=group, epoch=page.position.epoch, entry=last)
