"""`astratrade trace` on a real broker."""

from __future__ import annotations

import asyncio
import json

from click.testing import CliRunner, Result
from faust_redis.log import Log, Record, TopicSpec

from deploy.cli.main import cli
from deploy.errors import DeployError
from streams import topics
from streams.events import encode
from tests.unit.streams.test_lineage import FACT, REQUEST, xp


async def trace(log: Log, broker_url: str, *arguments: str) -> Result:
    environment = {"ASTRA_BROKER_URL": broker_url, "ASTRA_NAMESPACE": log.keys.namespace}
    return await asyncio.to_thread(CliRunner().invoke, cli, ["trace", *arguments], env=environment)


async def test_a_chain_is_found_over_topics_and_partitions(log: Log, broker_url: str) -> None:
    others = REQUEST.then(FACT.data, key="bob", name="bob")
    for topic in (topics.TRADING_COMMANDS, topics.TRADING_EVENTS, topics.GAMIFICATION_EVENTS):
        await log.create_topic(TopicSpec(topic, 2))
    events = [(REQUEST, 0), (FACT, 0), (others, 1), (xp(3), 1)]
    await log.append([Record(event.data.topic, place, b"k", encode(event), 0) for event, place in events])
    await log.append([Record(topics.TRADING_EVENTS, 1, b"k", b"no event", 0)])
    run = await trace(log, broker_url, others.id, "--format", "json")
    assert run.exit_code == 0, run.output
    found = json.loads(run.output)
    assert found["event"] == others.id
    causes = {one["event"]["id"]: one["event"].get("causationid") for one in found["events"]}
    assert causes == {REQUEST.id: None, FACT.id: REQUEST.id, others.id: REQUEST.id, xp(3).id: FACT.id}
    assert {one["partition"] for one in found["events"]} == {0, 1}


async def test_an_event_that_the_log_does_not_hold_is_an_error(log: Log, broker_url: str) -> None:
    await log.create_topic(TopicSpec(topics.TRADING_EVENTS, 2))
    run = await trace(log, broker_url, REQUEST.id)
    assert isinstance(run.exception, DeployError)
    assert "events are kept for 168 h" in str(run.exception)
