"""Deadlines at ticks, and events that a broker delivers again."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from agents.rulebook import packaged_rulebook
from agents.social.deadlines import DUE_MAX, Deadlines
from streams.events import AnyEvent, Event
from streams.events.clock import Ticked, ticked
from streams.events.social import AcceptBattle
from streams.times import Instant
from tables.social_constellations import SOCIAL_DEADLINES
from tables.unit_of_work import UnitOfWork
from tests.unit.agents.cluster import Cluster
from tests.unit.agents.social.clans import NOON, after, battle, challenge, trade, two_sides


class Due:
    """Deadlines over a dictionary, with a handler that notes its subjects."""

    def __init__(self) -> None:
        self.maps: dict[str, dict[bytes, bytes]] = defaultdict(dict)
        tables = UnitOfWork(lambda spec: self.maps[spec.name])
        self.deadlines = Deadlines(tables.rows(SOCIAL_DEADLINES), DUE_MAX)
        self.handled: list[str] = []
        self.deadlines.on({"entry": self._note})

    def _note(self, subject: str, tick: Event[Ticked]) -> list[AnyEvent]:
        del tick
        self.handled.append(subject)
        return []

    def tick(self, at: int) -> list[str]:
        self.handled = []
        tick: Any = ticked(Instant(at))
        assert self.deadlines.act(tick) == []
        return self.handled


def test_deadlines_are_handled_once_in_the_order_of_their_times() -> None:
    due = Due()
    for subject, at in (("c", 30), ("a", 10), ("b", 20), ("d", 40)):
        due.deadlines.add("entry", subject, at)
    assert due.tick(9) == []
    assert due.tick(30) == ["a", "b", "c"]
    assert due.tick(30) == []
    assert due.tick(40) == ["d"]
    assert due.maps[SOCIAL_DEADLINES.name] == {}


def test_a_subject_may_hold_the_separator() -> None:
    due = Due()
    due.deadlines.add("entry", "a|b", 10)
    assert due.tick(10) == ["a|b"]


def test_one_tick_handles_a_bounded_number_of_deadlines() -> None:
    due = Due()
    for number in range(DUE_MAX + 5):
        due.deadlines.add("entry", f"{number:05d}", 10)
    assert len(due.tick(10)) == DUE_MAX
    assert due.tick(10) == [f"{DUE_MAX + number:05d}" for number in range(5)]


def test_a_tick_reads_one_row_more_than_what_is_due_and_writes_none_if_nothing_is() -> None:
    due = Due()
    for subject, at in (("a", 100), ("b", 200), ("c", 300)):
        due.deadlines.add("entry", subject, at)
    rows = due.maps[SOCIAL_DEADLINES.name]
    rows[max(rows)] = b"no row"  # a tick that read it would fail
    before = dict(rows)
    assert due.tick(99) == []
    assert rows == before
    assert due.tick(100) == ["a"]


def test_a_removed_deadline_is_not_handled() -> None:
    due = Due()
    due.deadlines.add("entry", "a", 10)
    due.deadlines.remove("entry", "a", 10)
    due.deadlines.remove("entry", "b", 10)
    assert due.tick(10) == []


def test_steps_that_kafka_delivers_again_change_nothing() -> None:
    cluster = Cluster(at_least_once=True)
    two_sides(cluster)
    challenge(cluster)
    cluster.send(AcceptBattle(battle_id="b-1"), "eve", NOON)
    trade(cluster, "ada", "t-1", "5.00", after(60))
    cluster.tick(after(120))
    grace = packaged_rulebook().social.battles.close_grace_s
    cluster.tick(after(60 + 3600 + grace))
    assert battle(cluster).state == "completed"
    before = _rows(cluster)
    for event in [one for one in cluster.events if one.data.domain == "social"]:
        assert cluster.repeat(event) == []
    assert _rows(cluster) == before


def _rows(cluster: Cluster) -> list[Any]:
    return [{name: dict(rows) for name, rows in workers["social"].maps.items() if rows} for workers in cluster.workers]
