"""An upgrade's check tells new dead letters from those that are in the log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from faust_redis.dead_letters import DeadLetter, DeadLetters
from faust_redis.log import Log, Record, TopicSpec

from agents.shadow import Failure, Shadow
from deploy.server.embedded import EmbeddedServer
from deploy.server.server_binary import find_binary
from deploy.upgrade.letters import letters
from deploy.upgrade.moment import Moment, read
from deploy.upgrade.report import Outcome
from streams.events import encode
from streams.events.envelope import AnyEvent
from streams.topics import DEAD_LETTERS
from tables.domains import TOPOLOGY
from tests.community.rulebook import rulebook
from tests.unit.streams.test_lineage import xp


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[Log]:
    with EmbeddedServer(tmp_path, find_binary()) as server:
        async with Log(server.url, "astra") as found:
            yield found


def outcome_of(event: AnyEvent, known: frozenset[tuple[str, str]]) -> Outcome:
    """Return what a check finds whose replay failed on an event."""
    shadow = Shadow(TOPOLOGY, ["user"], 1, rulebook())
    shadow.failures.append(Failure("user", event, "ValueError: no"))
    return Outcome([], shadow, 0, known)


def test_an_event_that_would_become_a_dead_letter_is_a_difference() -> None:
    event = xp(5)
    for known in (frozenset[tuple[str, str]](), frozenset({("social", event.id)}), frozenset({("user", xp(6).id)})):
        outcome = outcome_of(event, known)
        assert outcome.differs
        assert [one["event"] for one in outcome.document()["failures"]] == [event.id]
        assert any(event.id in line for line in outcome.lines())


async def test_an_event_that_is_a_dead_letter_already_is_no_difference(log: Log) -> None:
    assert await letters(log, TOPOLOGY, "astratrade", ["user"]) == frozenset()
    events = [xp(number) for number in (1, 2, 3)]
    opened, dropped, broken = (
        DeadLetter("astratrade-user", "t", 1, offset, b"k", value, 5, (), "ValueError: no", 1, "user")
        for offset, value in enumerate([encode(events[0]), encode(events[1]), b"{"])
    )
    await log.create_topic(TopicSpec(DEAD_LETTERS, 2, "compact"))
    await log.append([Record(DEAD_LETTERS, 1, one.id.encode(), one.encode(), 5) for one in (opened, dropped, broken)])
    await DeadLetters(log, DEAD_LETTERS).drop(dropped)
    known = await letters(log, TOPOLOGY, "astratrade", ["user"])
    assert [outcome_of(event, known).differs for event in events] == [False, False, True]
    assert not list(outcome_of(events[0], known).document()["failures"])
    assert await letters(log, TOPOLOGY, "astratrade", ["social"]) == frozenset()


def test_a_moment_over_a_file_that_others_could_read_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "before.bin"
    file.touch(0o644)
    file.chmod(0o644)
    moment = Moment(domains=("user",), incarnations={}, ends={}, committed={}, rows={})
    moment.write(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert read(file) == moment
