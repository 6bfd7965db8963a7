"""Wait until the workers have processed everything."""

import asyncio

from faust_redis.log import LogError
from faust_redis.log.sharded import open_log

from streams import topics
from streams.topics import NAMESPACE
from tests.bench.group_progress import all_processed, processed
from tests.e2e.pipeline import Pipeline
from tests.e2e.waiting import eventually


def wait_until_drained(pipeline: Pipeline, *, commands: int, within_s: float) -> None:
    """Wait until the log has a number of commands and all their effects are committed."""

    def look() -> bool:
        pipeline.check()
        return asyncio.run(_is_drained(pipeline.broker_url, commands))

    eventually(
        look,
        within_s=within_s,
        what=f"all that follows from {commands} commands is committed",
    )


async def _is_drained(url: str, commands: int) -> bool:
    try:
        log = open_log(url, NAMESPACE)
        try:
            return sum((await log.end_offsets(topics.TRADING_COMMANDS)).values()) >= commands and await all_processed(
                log
            )
        finally:
            await log.close()
    except LogError:
        return False


def processed_now(url: str) -> int:
    """Return how many commands are processed, from outside of a loop; 0 while the broker does not answer."""

    async def ask() -> int:
        log = open_log(url, NAMESPACE)
        try:
            return await processed(log)
        except LogError:
            return 0
        finally:
            await log.close()

    return asyncio.run(ask())
