"""`astratrade bench memory`: it counts every key once, for the right domain, and fits lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from faust_redis.log import Log, Record, TopicSpec

from deploy.bench import memory, report
from deploy.bench.load import KINDS
from deploy.bench.memory import CHANGES, DISK, EVENTS, RANKINGS, ROWS, Line, Place, Report
from deploy.server import process
from streams import topics
from streams.topology import changelog_topic
from tables.domains import TOPOLOGY
from tables.gamification import GAMIFICATION_BOARDS
from tests.support import forked

OWN = {"practice trade": "trading", "social act": "social", "deposit": "financial", "mint": "nft"}


def quiet(_: str) -> None:
    pass


def test_each_topic_belongs_to_a_domain_or_to_the_clock() -> None:
    owners = {topic: memory.owner(topic) for topic in TOPOLOGY.topics}
    assert {*owners.values()} == {*TOPOLOGY.names, memory.CLOCK}
    assert owners[topics.MARKET_PRICES] == "trading"
    assert owners[topics.USER_EVENTS] == owners[topics.NOTIFICATIONS] == "user"


async def test_a_key_counts_once_where_its_bytes_are(log: Log) -> None:
    boards = changelog_topic("app", GAMIFICATION_BOARDS.name)
    for spec in (*TOPOLOGY.topic_specs(1), *TOPOLOGY.changelog_specs("app", 1)):
        await log.create_topic(spec)
    await log.create_topic(TopicSpec("of-another-application", 1))
    before = await memory.used(log, "app")
    row = b"\x81\xa6all/xp\x92\x01\x02"
    await log.append([Record(boards, 0, b"global|ada", row, 0), Record("of-another-application", 0, b"k", b"v", 0)])
    await log.append([Record(topics.CLOCK, 0, b"clock", b"{}", 0)])
    after = await memory.used(log, "app")
    kept = {Place("gamification", what) for what in (CHANGES, ROWS, RANKINGS, DISK)}
    grown = {place for place in after if after[place] > before[place]}
    assert grown == kept | {Place(memory.CLOCK, EVENTS), memory.ALL_ENTRIES}
    assert after[memory.ALL_ENTRIES] == 1
    names = [log.keys.stream(boards, 0), log.keys.snapshot(boards, 0), log.keys.ranking(boards, "global/all/xp")]
    names.append(log.keys.stream(topics.CLOCK, 0))
    whole = sum(size for place, size in after.items() if place.what in {EVENTS, CHANGES, ROWS, RANKINGS})
    assert whole == sum([await log.redis.memory_usage(name, samples=0) or 0 for name in names])


@pytest.fixture
def forks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start the worker as a fork: a slice shows what is measured, and not how long a start takes."""

    spawn = process.spawn

    def fork(argv: Sequence[str], **options: Any) -> process.Child:
        is_worker = argv[-2:] == [forked.MAIN, "worker"]
        return forked.Forked(*argv[-2:], **options) if is_worker else spawn(argv, **options)

    monkeypatch.setattr(process, "spawn", fork)


@pytest.mark.usefixtures("forks")
def test_a_user_takes_bytes_of_each_domain() -> None:
    found = memory.measure({"user": 4}, rate=1_000, seed=1, partitions=1, say=quiet)
    rows = {place.domain for place, line in found.acts["user"].items() if line.slope > 0 and place.what == ROWS}
    assert rows == {*TOPOLOGY.names}
    assert found.acts["user"][Place("trading", DISK)].slope > 0
    assert 5 < found.entries_a_user.slope < 200
    assert found.ranking_entry.slope > 0


@pytest.mark.heavy
def test_every_kind_of_act_is_accepted() -> None:
    found = memory.measure(dict.fromkeys(KINDS, 8), rate=1_000, seed=1, partitions=1, say=quiet)
    assert [*found.acts] == [*KINDS]
    for kind, domain in OWN.items():
        assert found.acts[kind][Place(domain, ROWS)].slope > 0, kind


def test_a_line_goes_through_points_and_says_how_well() -> None:
    assert memory.fit([0, 1, 2], [5, 7, 9]) == pytest.approx((2.0, 1.0))
    assert memory.fit([0, 1, 2], [5, 5, 5]) == Line(0.0, 1.0)
    assert memory.fit([0, 1, 2, 3], [0, 9, 0, 9]).r2 < 0.5


def test_the_table_sums_domains_and_shows_how_well_the_largest_share_fits() -> None:
    fill = {Place("trading", EVENTS): Line(2_000.4, 0.99), Place("financial", EVENTS): Line(151.0, 0.9)}
    tick = {Place("clock", EVENTS): Line(1_200.0, 1.0)}
    found = Report({"fill": fill, "tick": tick}, Line(90.0, 1.0), Line(46.0, 1.0))
    text = "\n".join(report.lines(found, {"fill": 40, "tick": 40}))
    assert "financial            151         0         0         0         0      0.9000" in text
    assert "in all             2,151" in text
    assert "a day of retention: 2,151 bytes of events for each fill a day, so 21 MiB for 10,000" in text
    assert "a day of ticks, one a second: 99 MiB" in text
