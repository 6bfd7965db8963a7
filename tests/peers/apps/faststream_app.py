"""FastStream on a Redis stream: a subscriber in a consumer group that acknowledges; the count is a Redis hash.

FastStream has no state of its own, so a FastStream user would write it this way. Option: ``event`` or ``batch``.
"""

import asyncio
from collections import Counter
from typing import Any

from faststream import AckPolicy
from faststream.redis import RedisBroker, StreamSub
from redis.asyncio import Redis

from tests.peers.apps.job import Meter, from_command_line

BATCH = 1_000


async def main() -> None:
    job = from_command_line()
    broker, redis, table = RedisBroker(job.broker, logger=None), Redis.from_url(job.broker), f"{job.group}-counts"
    meter, over = Meter(job), asyncio.Event()
    batch = job.option == "batch"
    subscribe = broker.subscriber(
        stream=StreamSub(job.topic, group=job.group, consumer="one", batch=batch, max_records=BATCH),
        ack_policy=AckPolicy.REJECT_ON_ERROR,
    )

    async def count(order: dict[str, Any]) -> None:
        await redis.hincrby(table, order["key"], 1)
        if meter.step():
            over.set()

    async def count_batch(orders: list[dict[str, Any]]) -> None:
        pipe = redis.pipeline(transaction=False)
        for key, often in Counter(order["key"] for order in orders).items():
            pipe.hincrby(table, key, often)
        await pipe.execute()
        if meter.step(len(orders)):
            over.set()

    subscribe(count_batch if batch else count)
    await broker.start()
    await over.wait()
    meter.stop()
    rows: Any = await redis.hgetall(table)
    meter.finish({key.decode(): int(often) for key, often in rows.items()})
    await broker.stop()
    await redis.aclose()


if __name__ == "__main__":
    asyncio.run(main())
