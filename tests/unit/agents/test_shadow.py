"""A replay of recorded events through the rules: the same rules change nothing, others change what they should."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from random import Random

import pytest
from msgspec.structs import replace

from agents.rulebook import Rulebook, parse_rulebook
from agents.shadow import Change, Recorded, Shadow
from agents.wiring import Broadcast
from streams.events import encode
from tables.domains import TOPOLOGY
from tables.user import USER_NOTIFICATIONS, USER_PROFILES
from tests.community.behaviour.life import Plan
from tests.community.cluster_life import ClusterBackend, lived
from tests.community.cluster_run import play
from tests.community.rulebook import rulebook, rulebook_text
from tests.unit.agents.cluster import Cluster, Worker

Places = dict[tuple[str, int, bytes], bytes]


@pytest.fixture(scope="module")
def community() -> ClusterBackend:
    return lived(Plan(users=16, days=3, seed=1, activity=0.4))


@pytest.fixture(scope="module")
def shuffled() -> ClusterBackend:
    return lived(Plan(users=16, days=3, seed=1, activity=0.4), random=Random(2))


def shadow_of(cluster: Cluster, rules: Rulebook, names: Sequence[str] = TOPOLOGY.names) -> Shadow:
    """Replay what a cluster recorded."""
    shadow = Shadow(TOPOLOGY, names, cluster.partitions, rules)

    async def read(partition: int, worker: Worker) -> AsyncIterator[Recorded]:
        for record in cluster.logs[partition][: worker.position]:
            handler = worker.handlers.get(record.topic)
            if handler is not None and not isinstance(handler, Broadcast):
                yield Recorded(record.topic, record.event, made(record.topic, record.event.causationid))

    def made(topic: str, cause: str | None) -> bool:
        return cause is not None and topic in shadow.made_topics

    for log in cluster.logs:
        for record in log:
            if made(record.topic, record.event.causationid):
                shadow.expect(record.event.id, encode(record.event), record.event.type)
    for partition, workers in enumerate(cluster.workers):
        for name in names:
            shadow.add(name, partition, read(partition, workers[name]))
    asyncio.run(shadow.run(lambda _: None))
    return shadow


def replayed(shadow: Shadow) -> Places:
    return {
        (table, partition, key): row
        for (_, partition), reader in shadow.readers.items()
        for table, rows in reader.fold.rows.items()
        for key, row in rows.items()
    }


def stored(cluster: Cluster, names: Sequence[str] = TOPOLOGY.names) -> Places:
    return {
        (table, partition, key): row
        for partition, workers in enumerate(cluster.workers)
        for name in names
        for table, rows in workers[name].maps.items()
        for key, row in rows.items()
    }


@pytest.mark.parametrize("schedule", ["community", "shuffled"])
@pytest.mark.sample(1)
def test_the_same_rules_give_the_same_rows_of_all_six_domains(schedule: str, request: pytest.FixtureRequest) -> None:
    backend: ClusterBackend = request.getfixturevalue(schedule)
    shadow = shadow_of(backend.cluster, rulebook())
    assert replayed(shadow) == stored(backend.cluster)
    assert {table.partition("-")[0] for table, _, _ in stored(backend.cluster)} == {*TOPOLOGY.names}
    assert not shadow.changes
    assert not shadow.failures


@pytest.mark.parametrize("name", TOPOLOGY.names)
@pytest.mark.sample(2)
def test_one_domain_is_replayed_from_the_recorded_events_of_the_others(name: str, shuffled: ClusterBackend) -> None:
    shadow = shadow_of(shuffled.cluster, rulebook(), [name])
    assert replayed(shadow) == stored(shuffled.cluster, [name])
    assert not shadow.changes


CHANGES = {
    "xp of a practice close": ("close = 25", "close = 26"),
    "fee": ("fee_ppm = 1000", "fee_ppm = 1001"),
    "no XP for likes": ("like = 2", "like = 0"),
    "no achievement for a first trade": ('    { kind = "trades", at = 1, tier = 1, xp = 50 },\n', ""),
    "one more achievement": ("listed = [\n", 'listed = [\n    { kind = "trades", at = 2, tier = 7, xp = 40 },\n'),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.sample(2)
def test_other_rules_give_the_rows_that_they_would_have_given_from_the_beginning(
    change: str, community: ClusterBackend
) -> None:
    old, new = CHANGES[change]
    text = rulebook_text()
    assert old in text
    rules = parse_rulebook(text.replace(old, new, 1))
    lived_so = play(community.journal, rules=rules)
    shadow = shadow_of(community.cluster, rules)
    expected, found = stored(lived_so), replayed(shadow)
    ordered = {place: row for place, row in expected.items() if place[0] != USER_NOTIFICATIONS.name}
    assert ordered == {place: row for place, row in found.items() if place[0] != USER_NOTIFICATIONS.name}
    assert told(expected) == told(found)
    assert found != stored(community.cluster)


def test_an_event_that_a_rule_refuses_is_listed_and_the_replay_goes_on(
    community: ClusterBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise ValueError("no XP today")

    monkeypatch.setattr("agents.gamification.xp.trade_xp", refuse)
    shadow = shadow_of(community.cluster, rulebook())
    assert {(failure.domain, failure.error) for failure in shadow.failures} == {
        ("gamification", "ValueError: no XP today")
    }
    assert shadow.changes[Change("gone", "astra.gamification.XPGained.v1")] > 0
    found, now = replayed(shadow), stored(community.cluster)
    profiles = [place for place in now if place[0] == USER_PROFILES.name]
    assert [found.get(place) for place in profiles] == [now[place] for place in profiles]


def told(places: Places) -> list[str]:
    """Return all notifications without their numbers: those of one instant come in any order."""
    rows = [
        USER_NOTIFICATIONS.model.load(row)
        for (table, _, _), row in places.items()
        if table == USER_NOTIFICATIONS.name and USER_NOTIFICATIONS.model
    ]
    return sorted(str(replace(row, number=0)) for row in rows)
