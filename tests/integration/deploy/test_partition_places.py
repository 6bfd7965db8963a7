"""`astratrade partitions resize` finds rows that could be moved nowhere before it closes any topic."""

from __future__ import annotations

import asyncio

import pytest
from click.testing import CliRunner
from faust_redis.log import Log, Record
from faust_redis.resizing import Split, in_progress

from deploy.cli.main import cli
from deploy.errors import DeployError
from streams import topics
from streams.topology import changelog_topic
from tables.domains import TOPOLOGY
from tables.social_people import SOCIAL_PROFILES
from tables.trading import TRADING_OPEN

APP, OLD, NEW = "astratrade", 4, 8
ELSEWHERE = (Split(1, OLD).partition("ada") + 1) % OLD


async def resize(log: Log, broker_url: str) -> str:
    environment = {"ASTRA_BROKER_URL": broker_url, "ASTRA_NAMESPACE": log.keys.namespace, "ASTRA_APP_ID": APP}
    command = ["partitions", "resize", str(OLD), str(NEW)]
    run = await asyncio.to_thread(CliRunner().invoke, cli, command, env=environment, catch_exceptions=False)
    return run.output


@pytest.mark.parametrize(
    ("table", "row", "why"),
    [
        (SOCIAL_PROFILES.name, (b"ada", b"any"), "its owner 'ada' belongs to"),
        (TRADING_OPEN.name, (b"BTC|t-1", b"damaged"), r"the row b'BTC\|t-1'"),
    ],
    ids=["in a partition of other keys", "damaged"],
)
async def test_a_row_without_a_place_is_named_while_topics_are_open(
    log: Log, broker_url: str, table: str, row: tuple[bytes, bytes], why: str
) -> None:
    for spec in (*TOPOLOGY.topic_specs(OLD), *TOPOLOGY.changelog_specs(APP, OLD)):
        await log.create_topic(spec)
    topic = changelog_topic(APP, table)
    await log.append([Record(topic, ELSEWHERE, *row, 0)])
    with pytest.raises(DeployError, match=why):
        await resize(log, broker_url)
    assert await in_progress(log) is None
    assert (await log.topic(topics.TRADING_EVENTS, fresh=True)).spec.partitions == OLD
    await log.append([Record(topic, ELSEWHERE, row[0], None, 0)])
    await resize(log, broker_url)
    assert (await log.topic(topics.TRADING_EVENTS, fresh=True)).spec.partitions == NEW
