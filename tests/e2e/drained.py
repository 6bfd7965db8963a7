"""Waits until the workers have processed all there is."""

import asyncio

from streams import topics
from streams.log import Log, LogError, UnknownTopicError
from tests.e2e.pipeline import Pipeline
from tests.e2e.waiting import eventually

GROUP = "astratrade"
PATH = (topics.TRADING_COMMANDS, topics.MARKET_PRICES, topics.TRADING_MARKS, topics.TRADING_EVENTS)
PATH_LAST = topics.GAMIFICATION_EVENTS


def wait_until_drained(pipeline: Pipeline, *, commands: int, within_s: float) -> None:
    """At least so many commands stand in the log, and everything that follows from them is committed."""

    def look() -> bool:
        pipeline.check()
        return asyncio.run(_is_drained(pipeline.server.url, commands))

    eventually(
        look,
        within_s=within_s,
        what=f"all that follows from {commands} commands is committed",
    )


async def _is_drained(url: str, commands: int) -> bool:
    try:
        log = Log(url)
        try:
            return sum((await log.ends(topics.TRADING_COMMANDS)).values()) >= commands and await all_processed(log)
        finally:
            await log.close()
    except LogError:
        return False


async def all_processed(log: Log) -> bool:
    """Asked in the order of the path: once a topic is done, nothing is added to the next."""
    for topic in (*PATH, PATH_LAST):
        try:
            ends = await log.ends(topic)
        except UnknownTopicError:
            continue
        done = {tp.partition: offset for tp, offset in (await log.committed(GROUP)).items() if tp.topic == topic}
        if any(done.get(partition, 0) < end for partition, end in ends.items()):
            return False
    return True


async def processed(log: Log) -> int:
    """Commands that the group has committed."""
    committed = await log.committed(GROUP)
    return sum(offset for tp, offset in committed.items() if tp.topic == topics.TRADING_COMMANDS)


def processed_now(url: str) -> int:
    """As above, from outside of a loop; 0 while the broker does not answer."""

    async def ask() -> int:
        log = Log(url)
        try:
            return await processed(log)
        except LogError:
            return 0
        finally:
            await log.close()

    return asyncio.run(ask())
