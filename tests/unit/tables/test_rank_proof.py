"""Proofs of ranks: each user's rank is proven over all partitions, and no changed proof passes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tables import merkle
from tables.boards import Standing
from tables.rank_proof import PartOfBoard, ProofError, RankProof, prove, verify

GROUP = "global/week:2024-W38/xp"
Board = dict[str, tuple[int, int]]

BOARDS = st.dictionaries(
    st.integers(0, 30).map(lambda n: f"user-{n}"), st.tuples(st.integers(-2, 2), st.integers(0, 2)), min_size=1
)


def parts_of(board: Board, partitions: int = 3) -> dict[int, PartOfBoard]:
    parts: dict[int, PartOfBoard] = {}
    for number in range(partitions):
        users = [user for user in board if int(user.split("-")[1]) % partitions == number]
        rows = sorted(Standing(*board[user]).order(user) for user in users)
        root = merkle.root([merkle.leaf(-score, at, user) for score, at, user in rows])
        parts[number] = root, [(Standing(-score, at), user) for score, at, user in rows]
    return parts


def proof_of(board: Board, user: str) -> RankProof:
    return prove(GROUP, user, Standing(*board[user]), parts_of(board))


@settings(max_examples=60)
@given(board=BOARDS)
def test_the_proven_rank_is_the_rank_over_all_partitions(board: Board) -> None:
    ranked = sorted(board, key=lambda user: Standing(*board[user]).order(user))
    for rank, user in enumerate(ranked, start=1):
        proof = proof_of(board, user)
        assert verify(RankProof.model_validate_json(proof.model_dump_json())) == rank
        assert proof.digest == proof_of(board, ranked[0]).digest


BOARD: Board = {f"user-{n}": (10 - n // 2, n) for n in range(12)}


def forgeries() -> dict[str, Any]:  # noqa: C901 - one function for each forgery
    def better(proof: dict[str, Any]) -> None:
        proof["parts"][0]["better"] -= 1
        proof["rank"] -= 1

    def rank(proof: dict[str, Any]) -> None:
        proof["rank"] = 1

    def score(proof: dict[str, Any]) -> None:
        proof["score"] = "99"

    def user(proof: dict[str, Any]) -> None:
        proof["user_id"] = "eve"

    def part(proof: dict[str, Any]) -> None:
        del proof["parts"][0]

    def twice(proof: dict[str, Any]) -> None:
        proof["parts"].append(proof["parts"][0])

    def root(proof: dict[str, Any]) -> None:
        proof["parts"][0]["root"] = "0" * 64

    def rows(proof: dict[str, Any]) -> None:
        proof["parts"][0].update(rows=0, root=merkle.EMPTY, better=0, before=None, after=None)

    def hidden(proof: dict[str, Any]) -> None:
        for one in proof["parts"]:
            for row in (one["before"], one["after"]):
                if row is not None and row["reached_at_us"] is not None:
                    user_hash = row["user"] or merkle.hash_user(row["user_id"])
                    rest = merkle.hash_time(row["reached_at_us"], user_hash)
                    row.update(rest=rest, reached_at_us=None, user=None, user_id=None)

    return {f.__name__: f for f in (better, rank, score, user, part, twice, root, rows, hidden)}


@pytest.mark.parametrize("name", forgeries())
def test_a_changed_proof_proves_nothing(name: str) -> None:
    document = proof_of(BOARD, "user-5").model_dump()
    assert verify(RankProof.model_validate(document)) == 6
    forgeries()[name](document)
    with pytest.raises(ProofError):
        verify(RankProof.model_validate(document))


def test_a_proof_names_a_neighbour_only_where_score_and_time_are_equal() -> None:
    board: Board = {"user-0": (5, 1), "user-1": (4, 1), "user-2": (4, 0), "user-3": (4, 1), "user-4": (3, 1)}
    proof = proof_of(board, "user-1")
    assert verify(proof) == 3
    named = {row.user_id for part in proof.parts for row in (part.before, part.after) if row is not None}
    assert named == {"user-1", "user-3", None}
