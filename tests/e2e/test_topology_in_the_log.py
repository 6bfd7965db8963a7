"""A run leaves in the log exactly what the topology declares: groups, the topics that each commits, and all topics."""

import asyncio
from pathlib import Path

import pytest
from faust_redis.admin import Admin
from faust_redis.log.sharded import open_log

from streams.topics import DEAD_LETTERS, NAMESPACE
from streams.topology import changelog_topic
from tables.domains import TOPOLOGY
from tests.bench.group_progress import APP_ID
from tests.e2e.drained import wait_until_drained
from tests.e2e.files import SAMPLE
from tests.e2e.pipeline import Pipeline
from tests.e2e.test_equals_the_oracle import DRAIN_S, right_answer
from tests.e2e.trader import Trader, post_price


def left_by(pipeline: Pipeline) -> tuple[dict[str, set[str]], dict[str, int]]:
    """Return the topics that each group has committed, and how many records were ever written to each topic."""

    async def look() -> tuple[dict[str, set[str]], dict[str, int]]:
        async with open_log(pipeline.broker_url, NAMESPACE) as log:
            admin = Admin(log)
            committed = {group: {tp.topic for tp in await log.committed(group)} for group in await admin.groups()}
            written = {topic: sum((await log.end_offsets(topic)).values()) for topic in await admin.topics()}
            return committed, written

    return asyncio.run(look())


@pytest.mark.heavy
def test_the_log_holds_what_the_topology_declares(tmp_path: Path) -> None:
    _, fills = right_answer(SAMPLE)
    with Pipeline(tmp_path, workers=1) as pipeline:
        pipeline.run("replay", str(SAMPLE))
        trader, _ = Trader.new(pipeline), post_price(pipeline, "ETH", "2000")
        closed, _ = trader.open("ETH"), trader.open("ETH")
        trader.close(closed["trade_id"])
        trader.after = post_price(pipeline, "ETH", "1")
        trader.read("portfolio")
        wait_until_drained(pipeline, commands=fills + 3, within_s=DRAIN_S)
        committed, written = left_by(pipeline)
    assert committed == {group: set(consumed) for group, consumed in TOPOLOGY.consumed(APP_ID).items()}
    changelogs = {changelog_topic(APP_ID, table.name) for table in TOPOLOGY.tables}
    assert written.keys() == {*TOPOLOGY.topics, *changelogs, DEAD_LETTERS}
    unused = {changelog_topic(APP_ID, table.name) for table in TOPOLOGY.tables if table.only_at_least_once}
    empty = {topic for topic, records in written.items() if not records}
    assert empty >= {DEAD_LETTERS, *unused}
    of_trading = {changelog_topic(APP_ID, table.name) for table in TOPOLOGY.domain("trading").tables}
    assert not empty & (of_trading - unused)
