"""Partition p of every topic and table belongs to one member, whatever members report about themselves."""

from __future__ import annotations

import zlib
from typing import Any

import faust
import pytest
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from faust.assignor.client_assignment import ClientMetadata
from faust.types import TP
from faust_redis.driver.groups import identity
from faust_redis.driver.groups.assignment import assign, check_whole
from faust_redis.driver.groups.membership import Cluster
from hypothesis import given
from hypothesis import strategies as st

SOURCES = ("in", "other")
TABLES = ("app-a-changelog", "app-b-changelog")
ALL = {*SOURCES, *TABLES}
COUNTS = dict.fromkeys(ALL, 4) | {"f-reply-1": 1}
PREFIX = "f-reply-"


def new_app() -> Any:
    app = faust.App("app", store="memory://", topic_partitions=4)
    for name in ("a", "b"):
        app.Table(name)
    app.finalize()
    return app


def assigned(app: Any, subscriptions: dict[str, set[str]], before: dict[str, Any] | None = None) -> dict[str, set[TP]]:
    """Return each member's partitions after these join; update `before`, each member's last assignment."""
    known = {} if before is None else before
    members = {}
    for name, topics in subscriptions.items():
        app.assignor._assignment = known.get(name, ClientMetadata.loads(_blank(app)).assignment)
        members[name] = identity.join_metadata(app.assignor, topics, name)
    result = {}
    for name, answer in assign(app.assignor, Cluster(COUNTS), members, PREFIX).items():
        decoded = ConsumerProtocolMemberAssignment.decode(answer.encode())
        known[name] = ClientMetadata.loads(zlib.decompress(decoded.user_data)).assignment
        result[name] = {TP(topic, p) for topic, partitions in decoded.assignment for p in partitions}
    return result


def _blank(app: Any) -> Any:
    app.assignor._assignment = type(app.assignor._assignment)(actives={}, standbys={})
    return app.assignor.metadata(set()).user_data


def check(held: dict[str, set[TP]]) -> None:
    for tps in held.values():
        check_whole(tps, COUNTS, TABLES, PREFIX)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_a_member_without_all_topics_is_assigned_nothing_and_separates_no_topic_from_its_tables() -> None:
    """Faust's own assignor gave the newcomer a partition of `in`, and others that partition's tables."""
    app = new_app()
    before: dict[str, Any] = {}
    check(assigned(app, {"m1": ALL, "m2": ALL}, before))
    held = assigned(app, {"m1": ALL, "m2": ALL, "m3": set(SOURCES)}, before)
    check(held)
    assert held["m3"] == set()
    assert held["m1"] | held["m2"] == {TP(topic, p) for topic in ALL for p in range(4)}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_an_empty_assignment_counts_as_an_assignment() -> None:
    app = new_app()
    members = {n: identity.join_metadata(app.assignor, t, n) for n, t in (("m1", ALL), ("m2", set(SOURCES)))}
    answer = assign(app.assignor, Cluster(COUNTS), members, PREFIX)["m2"]
    identity.accept(app.assignor, ConsumerProtocolMemberAssignment.decode(answer.encode()))
    assert app.assignor.assigned_actives() == set()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_reply_topics_of_one_member_do_not_concern_other_members() -> None:
    held = assigned(new_app(), {"m1": ALL | {"f-reply-1"}, "m2": ALL})
    check(held)
    assert held["m2"]
    assert TP("f-reply-1", 0) in held["m1"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@given(st.lists(st.dictionaries(st.sampled_from(["m1", "m2", "m3", "m4"]), st.sampled_from(
    [ALL, set(SOURCES), {"in", *TABLES}, set(TABLES)]), min_size=1), min_size=1, max_size=5))  # fmt: skip
def test_no_sequence_of_joins_and_leaves_separates_a_partition_from_its_tables(
    rounds: list[dict[str, set[str]]],
) -> None:
    app, before = new_app(), {}  # type: ignore[var-annotated]
    for members in rounds:
        tables = set(TABLES) & set().union(*members.values())
        for tps in assigned(app, members, before).values():
            check_whole(tps, COUNTS, tables, PREFIX)


def test_a_partition_without_its_tables_is_refused() -> None:
    with pytest.raises(AssertionError, match="partition 2 of 'in' is assigned without that of 'app-b-changelog'"):
        check_whole({TP("in", 2), TP("app-a-changelog", 2)}, COUNTS, TABLES, PREFIX)
