"""Merkle trees: each leaf's path leads to the root, and no other leaf, index or count does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tables import merkle

LEAVES = st.integers(1, 40).flatmap(
    lambda count: st.tuples(st.just([merkle.leaf(-i, i, f"user-{i}") for i in range(count)]), st.integers(0, count - 1))
)


@given(LEAVES)
def test_the_path_of_each_leaf_leads_to_the_root(case: tuple[list[str], int]) -> None:
    leaves, index = case
    siblings = merkle.path(merkle.levels(leaves), index)
    assert merkle.root_from(leaves[index], index, len(leaves), siblings) == merkle.root(leaves)


@given(LEAVES, st.integers(0, 40))
def test_another_leaf_or_index_leads_to_no_such_root(case: tuple[list[str], int], other: int) -> None:
    leaves, index = case
    siblings = merkle.path(merkle.levels(leaves), index)
    forged = merkle.leaf(99, 1, "eve")
    assert merkle.root_from(forged, index, len(leaves), siblings) != merkle.root(leaves)
    if other != index and other < len(leaves):
        try:
            found = merkle.root_from(leaves[index], other, len(leaves), siblings)
        except ValueError:
            found = None
        assert found != merkle.root(leaves)


@pytest.mark.parametrize(("index", "rows"), [(-1, 3), (3, 3), (0, 0)])
def test_an_index_outside_the_tree_is_refused(index: int, rows: int) -> None:
    with pytest.raises(ValueError, match="has no row"):
        merkle.root_from("x", index, rows, ())


def test_a_path_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="too short"):
        merkle.root_from("x", 0, 4, ("a",))
    with pytest.raises(ValueError, match="too long"):
        merkle.root_from("x", 0, 2, ("a", "b"))


def test_the_digest_of_a_board_covers_name_rows_and_roots() -> None:
    base = merkle.board_digest("global/all/xp", {0: (1, "a"), 1: (2, "b")})
    others = [
        merkle.board_digest("global/all/pnl", {0: (1, "a"), 1: (2, "b")}),
        merkle.board_digest("global/all/xp", {0: (2, "a"), 1: (2, "b")}),
        merkle.board_digest("global/all/xp", {0: (1, "a"), 1: (2, "c")}),
        merkle.board_digest("global/all/xp", {0: (1, "a")}),
    ]
    assert base not in others
    assert base == merkle.board_digest("global/all/xp", {1: (2, "b"), 0: (1, "a")})
