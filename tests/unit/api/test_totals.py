"""Fee totals are read once for all subscribers, and updated by the changes that the feed hands out."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, cast

import orjson
import pytest
from faust_redis.log import LogUnavailableError, Position, StoredRecord

from api.financial.sums import SharedSums, Sums, SumsView
from api.financial.totals import FEES, FeeFilter
from api.kit.feeds.change import Change, Changes, RowKey
from api.kit.feeds.follower import ByChannel
from api.kit.feeds.subscriber import Subscriber
from streams.units import USD_UNIT
from tables.financial import FeeTotal, fee_key
from tables.reader import Row, Rows, TableReader

ALL = FeeFilter(None, None, None, None)
TREASURY = FeeFilter(None, None, None, "treasury")
OTHERS = FeeFilter(None, None, None, "others")


def at(*offsets: int) -> Position:
    return Position("fees", "e", dict(enumerate(offsets)))


def amounts(data: bytes | None) -> dict[str, str]:
    rows = orjson.loads(data)["rows"] if data is not None else ()
    return {row["beneficiary"]: row["amount"] for row in rows}


def shown(sums: Sums, fee_filter: FeeFilter = ALL) -> dict[str, str]:
    return amounts(b'{"rows":[' + b",".join(sums.rows(fee_filter)) + b"]}")


class Table:
    """Two partitions of fees.

    A read has the state at its beginning, and is answered when the test releases it.
    """

    def __init__(self) -> None:
        self.log: list[list[Change]] = [[], []]
        self.reads = 0
        self.answers: asyncio.Queue[Exception | None] = asyncio.Queue()

    async def rows(self, _table: str) -> Rows:
        self.reads += 1
        found = {
            (p, str(one.key.name)): one.record.value or b"" for p, records in enumerate(self.log) for one in records
        }
        position = at(*map(len, self.log))
        if error := await self.answers.get():
            raise error
        return Rows(position, [Row(p, key, value) for (p, key), value in found.items()])

    def write(self, partition: int, beneficiary: str, usd: int) -> Change:
        key, offset = fee_key("trading", "USD", None, beneficiary), len(self.log[partition])
        record = StoredRecord(offset, 0, key.encode(), FeeTotal(amount=usd * USD_UNIT, count=1).dump())
        self.log[partition].append(Change(partition, offset, RowKey(partition, key), (key,), record, lambda: None))
        return self.log[partition][-1]

    def answer(self, error: Exception | None = None) -> None:
        self.answers.put_nowait(error)


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
def totals(table: Table) -> SharedSums:
    return SharedSums(FEES, cast("TableReader", table))


def round_of(*changes: Change) -> ByChannel:
    return {None: Changes(changes)}


async def begun(*calls: Coroutine[Any, Any, Any]) -> list[asyncio.Task[Any]]:
    """Let all tasks run until they wait for the test."""
    tasks = [asyncio.create_task(call) for call in calls]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


async def loaded(table: Table, totals: SharedSums) -> Sums:
    table.answer()
    return await totals.at(at(0, 0))


async def test_all_subscribers_share_one_read(table: Table, totals: SharedSums) -> None:
    table.write(0, "treasury", 1)
    asking = await begun(*(totals.at(at(1, 0)) for _ in range(3)))
    table.answer()
    sums = await asyncio.gather(*asking)
    assert [shown(one) for one in sums] == [{"treasury": "1.00"}] * 3
    assert len({id(one.position) for one in sums}) == 1
    await totals.at(at(1, 0))
    assert table.reads == 1


async def test_changes_between_a_read_and_its_answer_are_neither_lost_nor_undone(
    table: Table, totals: SharedSums
) -> None:
    first, second = table.write(0, "treasury", 1), table.write(0, "treasury", 2)
    [asking] = await begun(totals.at(at(0, 0)))
    third, fourth = table.write(1, "treasury", 10), table.write(1, "others", 5)
    [preparing] = await begun(totals.prepare(round_of(first), at(0, 0)))
    assert not preparing.done()
    table.answer()
    sums = await asking
    await preparing
    assert sums.position == at(2, 0)
    assert shown(sums) == {"treasury": "2.00"}
    now = round_of(second, third, fourth)
    await totals.prepare(now, at(1, 0))
    assert sums.position == at(2, 2)
    assert amounts(sums.since(now[None], ALL)) == {"treasury": "12.00", "others": "5.00"}
    assert amounts(sums.since(now[None], TREASURY)) == {"treasury": "12.00"}
    assert shown(sums, OTHERS) == {"others": "5.00"}
    assert await totals.at(at(2, 2)) is sums


async def test_a_delta_is_made_once_for_all_of_a_filter_and_tells_sums_as_they_are(
    table: Table, totals: SharedSums
) -> None:
    sums = await loaded(table, totals)
    one = Changes([table.write(0, "treasury", 1)])
    await totals.prepare({None: one}, at(0, 0))
    data = sums.since(one, ALL)
    assert sums.since(one, OTHERS) is None
    assert sums.since(one, ALL) is data
    other = Changes([table.write(1, "treasury", 2), table.write(1, "others", 4)])
    await totals.prepare({None: other}, at(1, 0))
    both = Changes([*one, *other])  # The changes of a subscriber that took none meanwhile.
    assert amounts(sums.since(one, ALL)) == {"treasury": "3.00"}
    assert amounts(sums.since(both, ALL)) == amounts(sums.since(other, ALL)) == {"treasury": "3.00", "others": "4.00"}
    assert sums.since(one, OTHERS) is None


async def test_a_read_that_fails_leaves_nothing_and_is_tried_again(table: Table, totals: SharedSums) -> None:
    asking = await begun(*(totals.at(at(0, 0)) for _ in range(2)))
    change = table.write(0, "treasury", 1)
    [preparing] = await begun(totals.prepare(round_of(change), at(0, 0)))
    table.answer(LogUnavailableError("away"))
    outcomes = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(one) for one in outcomes] == [LogUnavailableError] * 2
    await preparing
    assert shown(await loaded(table, totals)) == {"treasury": "1.00"}
    assert table.reads == 2


async def test_a_read_that_fails_leaves_the_earlier_totals(table: Table, totals: SharedSums) -> None:
    sums = await loaded(table, totals)
    change = table.write(0, "treasury", 1)
    asking = await begun(totals.at(at(1, 0)))
    [preparing] = await begun(totals.prepare(round_of(change), at(0, 0)))
    table.answer(LogUnavailableError("away"))
    await asyncio.gather(*asking, preparing, return_exceptions=True)
    assert await totals.at(at(1, 0)) is sums
    assert shown(sums) == {"treasury": "1.00"}


async def test_a_subscriber_ahead_of_the_follower_has_the_totals_read_again(table: Table, totals: SharedSums) -> None:
    """A resuming client knows records that the follower has yet to hand out."""
    await loaded(table, totals)
    ahead = table.write(0, "treasury", 1)
    table.answer()
    sums = await totals.at(at(1, 0))
    assert amounts(sums.since(Changes([ahead]), ALL)) == {"treasury": "1.00"}
    await totals.prepare(round_of(ahead), at(0, 0))
    assert shown(sums) == {"treasury": "1.00"}
    assert table.reads == 2


async def test_a_change_that_was_read_and_not_sent_is_sent_when_the_feed_hands_it_out(
    table: Table, totals: SharedSums
) -> None:
    """A resuming client gets the sums that changed, and not all that the read found."""
    await loaded(table, totals)
    view, subscriber = SumsView(totals, ALL), Subscriber(None, pending_max=10)
    subscriber.know(at(0, 0))
    subscriber.offer(Changes([table.write(0, "treasury", 1)]))
    meanwhile = round_of(table.write(1, "others", 1))
    table.answer()
    assert amounts(await view.delta(subscriber.take(), at(0, 0), subscriber)) == {"treasury": "1.00"}
    await totals.prepare(meanwhile, at(0, 0))
    subscriber.offer(meanwhile[None])
    assert amounts(await view.delta(subscriber.take(), at(0, 1), subscriber)) == {"others": "1.00"}


async def test_a_read_that_began_too_early_is_followed_by_another(table: Table, totals: SharedSums) -> None:
    early = await begun(totals.at(at(0, 0)))
    table.write(0, "treasury", 1)
    late = await begun(totals.at(at(1, 0)), totals.at(at(1, 0)))
    table.answer()
    table.answer()
    assert shown((await asyncio.gather(*late))[1]) == {"treasury": "1.00"}
    await asyncio.gather(*early)
    assert table.reads == 2


async def test_changes_that_came_without_a_subscriber_are_not_taken_for_known(table: Table, totals: SharedSums) -> None:
    await loaded(table, totals)
    table.write(0, "treasury", 1)
    await totals.prepare({}, at(0, 0))
    await totals.prepare(round_of(table.write(0, "others", 1)), at(1, 0))
    assert shown(await loaded(table, totals)) == {"treasury": "1.00", "others": "1.00"}


async def test_a_read_of_a_log_that_was_rolled_back_is_not_kept(table: Table, totals: SharedSums) -> None:
    table.write(0, "treasury", 1)
    asking = await begun(totals.at(at(0, 0)))
    totals.forget()
    table.log = [[], []]
    table.answer()
    await asyncio.gather(*asking)
    assert not shown(await loaded(table, totals))
