"""`astratrade why` on a real broker, within bounds."""

from __future__ import annotations

import asyncio
import json

import pytest
from click.testing import CliRunner, Result
from faust_redis.log import Log, Record, TopicSpec
from faust_redis.log.records import REPLAY_FOR_HEADER

from deploy.cli.main import cli
from streams import topics
from streams.events import AnyEvent, Event, encode
from streams.events.user import ChangePreferences
from streams.ids import new_id
from streams.times import Instant
from streams.topology import changelog_topic
from tables.domains import TOPOLOGY
from tables.user import USER_PREFERENCES

APP, DOMAIN, PARTITIONS = "astratrade", "user", 2
AT = Instant.parse("2026-01-05T12:00:00Z")


def request(language: str) -> AnyEvent:
    data = ChangePreferences(language=language)
    return Event.first(data, event_id=new_id(AT), time=AT, key="ada", rules_version=1)


@pytest.fixture
async def changed(log: Log) -> Log:
    """Let three events change a row in each of two partitions. The first has a cause that the log does not have."""
    for topic in (*TOPOLOGY.domain(DOMAIN).consumes, changelog_topic(APP, USER_PREFERENCES.name)):
        await log.create_topic(TopicSpec(topic, PARTITIONS))
    caused = request("de").then(ChangePreferences(language="de"))
    for partition in range(PARTITIONS):
        events = [caused, request("en"), request("de")]
        await log.append([Record(topics.USER_COMMANDS, partition, b"ada", encode(one), 0) for one in events])
        offsets = log.keys.offsets(TOPOLOGY.group(APP, DOMAIN))
        await log.redis.hset(offsets, f"{topics.USER_COMMANDS}:{partition}", str(len(events)))
    return log


async def why(log: Log, broker_url: str, *options: str) -> Result:
    environment = {"ASTRA_BROKER_URL": broker_url, "ASTRA_NAMESPACE": log.keys.namespace}
    arguments = ["why", USER_PREFERENCES.name, "ada", *options]
    return await asyncio.to_thread(CliRunner().invoke, cli, arguments, env=environment)


async def test_the_bound_of_events_counts_those_of_all_partitions(changed: Log, broker_url: str) -> None:
    for bound, counts, cut in ((9, [3, 3], []), (5, [3, 2], ["the search stopped at 5 events"])):
        run = await why(changed, broker_url, "--format", "json", "--events", str(bound))
        assert run.exit_code == 0, run.output
        found = json.loads(run.output)
        assert [len(one["events"]) for one in found["partitions"]] == counts
        assert found["cut"] == cut


async def test_a_dead_letter_that_was_replayed_for_another_domain_is_not_behind_a_row(
    changed: Log, broker_url: str
) -> None:
    groups = [TOPOLOGY.group(APP, name) for name in ("social", DOMAIN)]
    for offset, group in enumerate(groups, start=3):
        headers = ((REPLAY_FOR_HEADER, group.encode()),)
        replayed = Record(topics.USER_COMMANDS, 1, b"ada", encode(request(f"x{offset}")), 0, headers)
        await changed.append([replayed])
    offsets = changed.keys.offsets(groups[1])
    await changed.redis.hset(offsets, f"{topics.USER_COMMANDS}:1", "5")
    run = await why(changed, broker_url, "--format", "json")
    found = {one["partition"]: one["events"] for one in json.loads(run.output)["partitions"]}
    assert [event["offset"] for event in found[1]] == [0, 1, 2, 4]


@pytest.mark.parametrize(("bound", "said"), [("9", "is not in the log any more"), ("1", "was not found before the")])
async def test_a_cause_is_only_said_to_be_gone_when_everything_was_searched(
    changed: Log, broker_url: str, bound: str, said: str
) -> None:
    run = await why(changed, broker_url, "--events", bound)
    assert f", which {said}" in run.output
