"""An event of a version that this release does not know becomes a dead letter that says what to do."""

import asyncio

import orjson
from faust_redis.dead_letters import DeadLetter, DeadLetters
from faust_redis.log import Log
from faust_redis.log.partitioner import partition_for
from faust_redis.log.records import Record

from streams import topics
from streams.events import encode
from streams.topics import NAMESPACE
from tests.e2e.fills import fill, new_user
from tests.e2e.pipeline import Pipeline
from tests.e2e.waiting import eventually
from tests.faults.model import command_of


def of_the_future(user: str) -> bytes:
    event = orjson.loads(encode(command_of(fill(user))))
    return orjson.dumps(event | {"type": "astra.trading.ReportFill.v9"})


async def append(url: str, user: str, value: bytes) -> None:
    async with Log(url, NAMESPACE) as log:
        partitions = (await log.topic(topics.TRADING_COMMANDS)).spec.partitions
        partition = partition_for(user.encode(), partitions)
        await log.append([Record(topics.TRADING_COMMANDS, partition, user.encode(), value, 0)])


async def letters(url: str) -> list[DeadLetter]:
    async with Log(url, NAMESPACE) as log:
        return await DeadLetters(log, topics.DEAD_LETTERS).all()


def test_an_event_of_a_newer_version_becomes_a_dead_letter_that_says_to_upgrade(running: Pipeline) -> None:
    user = new_user()
    value = of_the_future(user)
    asyncio.run(append(running.server.url, user, value))

    def found() -> list[DeadLetter]:
        return [letter for letter in asyncio.run(letters(running.server.url)) if letter.value == value]

    eventually(lambda: bool(found()), within_s=60.0, what="the dead letter")
    [letter] = found()
    assert "astra.trading.ReportFill.v9 is newer than version 1" in letter.error
    assert "upgrade the process, then replay the dead letter" in letter.error
    client = running.client("venue", "venue-1")
    accepted = client.post("/v1/fills", json={"fills": [fill(user, notional_usd="1500.00")]})
    after = {"after": accepted.json()["position"], "wait_ms": 20_000}
    progress = running.client("admin", "auditor").get(f"/v1/users/{user}/progress", params=after).json()
    assert progress["trades"] == 1, "the partition goes on"
