"""When a broker has gone back in time, and when it only seems so."""

from types import SimpleNamespace
from typing import Any

from faust.types import TP

from streams.driver.positions import Positions

IN = TP("in", 0)


def consumer_at(offset: int, *, end: int, fetched_meanwhile: int = 0) -> Any:
    """A consumer that fetches on while the answer with that end is on its way."""

    async def ends(_topic: str) -> dict[int, int]:
        consumer._positions[IN] += fetched_meanwhile
        return {0: end}

    broker = SimpleNamespace(ends=ends)
    consumer = SimpleNamespace(_positions={IN: offset}, watermarks={IN}, redis_transport=SimpleNamespace(broker=broker))
    return consumer


async def test_a_partition_that_ends_below_where_its_reader_stands_went_back() -> None:
    assert await Positions.went_back(consumer_at(4, end=3))
    assert not await Positions.went_back(consumer_at(3, end=3))


async def test_what_is_fetched_while_the_end_is_asked_for_is_no_sign_of_it() -> None:
    assert not await Positions.went_back(consumer_at(3, end=3, fetched_meanwhile=5))
