"""Each invariant of the library fails a seed when a commit breaks it. The planted defects do not reach all of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from faust.assignor.client_assignment import ClientAssignment, ClientMetadata
from faust_redis.driver import faust_internals
from faust_redis.log import TopicSpec
from faust_redis.log.scripts import COMMIT, GROUP
from faust_redis.testing.broker import Broker
from faust_redis.testing.errors import InvariantError
from faust_redis.testing.invariants import Invariants
from faust_redis.testing.server import Server

from tests.testing import apps

NOW_MS = 1_000
CHANGELOG = "words-totals-changelog"


class Group:
    """A group with one member, `w0`, that owns partition 0 in generation 1; and the errors of its commits."""

    def __init__(self) -> None:
        self.errors: list[InvariantError] = []
        self.app = apps.word_count()
        self.server = Server(lambda: NOW_MS)
        self.broker = Broker(self.server)
        self.broker.create_topic(TopicSpec(CHANGELOG, 2, "compact"))
        self.invariants = Invariants(self.app, self.broker, self.errors.append)
        group = self.broker.keys.group("words")
        self.server.hashes[group] = {b"generation": b"1"}
        self.server.sorted[f"{group}:leases"] = {b"w0": NOW_MS + 1}
        self.server.hashes[f"{group}:assignments"] = {b"w0": self._assignment().encode()}
        self.server.hashes[self.broker.keys.offsets("words")] = {b"words:0": b"5"}
        self.invariants.after("w0", ("EVALSHA", GROUP.digest, 1, group, "sync"), [])

    def _assignment(self) -> ConsumerProtocolMemberAssignment:
        data: Any = ClientMetadata(
            assignment=ClientAssignment(actives={"words": [0], CHANGELOG: [0]}, standbys={CHANGELOG: [1]}),
            url="http://w0",
            changelog_distribution={},
            external_topic_distribution={},
            topic_groups={},
        )
        both = [("words", [0]), (CHANGELOG, [0, 1])]
        return ConsumerProtocolMemberAssignment(0, both, faust_internals.compress(self.app.assignor, data.dumps()))

    def commit(self, *, generation: int = 1, offset: int = 6, rows: int | None = None, fenced: bool = True) -> None:
        """Check a commit that the broker has accepted, whatever it should have done."""
        head: dict[str, Any] = {"streams": [], "offsets": []}
        if fenced:
            head["fence"] = {"group": "words", "member": "w0", "generation": generation}
            head["offsets"] = [["words", 0, offset, -1, ""]]
        if rows is not None:
            head["streams"] = [[CHANGELOG, rows, "1"]]
        command = ("EVALSHA", COMMIT.digest, 1, "", "", json.dumps(head))
        self.invariants.before("w0", command)
        self.invariants.after("w0", command, [b"OK", b"[]", b"new"])


@pytest.mark.parametrize(
    ("commit", "promise"),
    [
        ({}, None),
        ({"rows": 0}, None),
        ({"rows": 1}, f"wrote to {CHANGELOG}:1, which it does not own"),
        ({"rows": 0, "fenced": False}, "outside of the group's fence"),
        ({"offset": 4}, "took the offset of words:0 back from 5 to 4"),
        ({"generation": 0}, "accepted a commit of w0 of generation 0 in generation 1"),
    ],
)
def test_a_commit_that_breaks_a_promise_fails_the_seed(commit: dict[str, Any], promise: str | None) -> None:
    group = Group()
    group.commit(**commit)
    if promise is None:
        assert group.errors == []
    else:
        assert promise in str(group.errors[0])


def test_a_snapshot_that_differs_from_its_changelog_fails_the_seed() -> None:
    group = Group()
    group.broker.append(CHANGELOG, (b'"a"', b"1"), NOW_MS, partition=0)
    group.invariants.at_the_end()
    assert group.errors == []
    group.server.hashes[group.broker.keys.snapshot(CHANGELOG, 0)][b'"a"'] = b"2"
    group.invariants.at_the_end()
    assert "does not equal its records" in str(group.errors[0])
