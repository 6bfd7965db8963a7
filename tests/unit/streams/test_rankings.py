"""How changed rows of a ranked topic change its rankings. `tests/integration` shows that the broker holds the same."""

from __future__ import annotations

import math

import msgpack
import pytest
from faust_redis.log.rankings import changes_of, standings_of


def row(**standings: object) -> bytes:
    packed: bytes = msgpack.packb(standings)
    return packed


def test_the_members_of_a_ranking_come_together() -> None:
    rows = {b"xp|ann": row(day=[-2.5, 7], all=[1]), b"xp|bob": row(day=[3]), b"xp/week|ann": row(buys=[4.0])}
    changes = changes_of(rows, 3)
    assert changes.scored == {
        b"xp/day": [-2.5, b"3|ann", 3, b"3|bob"],
        b"xp/all": [1, b"3|ann"],
        b"xp/week/buys": [4.0, b"3|ann"],
    }
    assert changes.removed == []


def test_rows_of_two_names_may_share_a_ranking() -> None:
    rows = {b"xp|ann": row(**{"day/buys": [1]}), b"xp/day|bob": row(buys=[2]), b"xp/day|cid": row(sells=[3])}
    assert changes_of(rows, 0).scored == {b"xp/day/buys": [1, b"0|ann", 2, b"0|bob"], b"xp/day/sells": [3, b"0|cid"]}


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"text",
        b"\x01",
        b"\x80 and more",
        msgpack.packb([1, 2]),
        b"\x81\x90\x01",
        msgpack.packb({None: [1]}),
        msgpack.packb({"d": [1, b"x"]}),
    ],
)
def test_a_row_without_standings_removes_its_member(value: bytes | None) -> None:
    assert changes_of({b"xp|ann": value}, 0) == ({}, [b"xp|ann"])


@pytest.mark.parametrize("standing", [[], ["5"], [True], [math.nan], [None], 5, {"0": 5}])
def test_what_is_no_score_ranks_nobody(standing: object) -> None:
    assert changes_of({b"xp|ann": row(day=standing)}, 0) == ({}, [])


def test_a_key_that_names_no_member_ranks_nobody() -> None:
    assert changes_of({b"xp": row(day=[1]), b"ann": None}, 0) == ({}, [])


def test_the_standings_of_one_row() -> None:
    assert list(standings_of(b"a|b|0|ann", row(day=[1], all=[2, 3]))) == [
        ("a|b|0/day", b"ann", 1.0),
        ("a|b|0/all", b"ann", 2.0),
    ]
    assert not list(standings_of(b"xp|ann", None))
