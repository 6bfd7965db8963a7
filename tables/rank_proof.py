"""Prove a user's rank on a sealed board, and check such a proof offline. Pure functions.

The parts of the partitions are Merkle trees in rank order. A rank is one more than the rows of all parts that are
better than the user's. For each part, the proof shows the last better row and the first row that is not better: they
are neighbours, so no other row lies between them. Of a neighbour it shows what the order needs, and a hash of the rest.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from tables import merkle
from tables.boards import Standing
from tables.gamification import RewardState

Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]
PartOfBoard = tuple[str, Sequence[tuple[Standing, str]]]
"""The sealed root of a part, and its rows in rank order."""


class ProofError(ValueError):
    """The proof does not prove the rank. The message says why."""


class ShownRow(BaseModel):
    """A row of a part: its score, and the rest in plain form or as a hash; `path` leads to the part's root."""

    model_config = ConfigDict(extra="forbid")

    score: Annotated[str, Field(pattern=r"^-?\d{1,26}$", description="in 1e-8 USD for volume and pnl, else a count")]
    rest: Annotated[Hash | None, Field(description="hash of time and user, where the score decides the order")] = None
    reached_at_us: Count | None = None
    user: Annotated[Hash | None, Field(description="hash of the user, where score and time decide the order")] = None
    user_id: str | None = None
    path: list[Hash]


class PartProof(BaseModel):
    """A partition's part: how many of its rows are better, and the two rows at that border."""

    model_config = ConfigDict(extra="forbid")

    partition: Count
    rows: Count
    root: Hash
    better: Count
    before: ShownRow | None
    after: ShownRow | None


class GrantedReward(BaseModel):
    """The reward that a user was granted for a rank. The rule book says whether it is the one that the rank earns."""

    model_config = ConfigDict(extra="forbid")

    rank: Annotated[int, Field(ge=1)]
    ss: Annotated[int, Field(ge=0, description="stellar shards")]
    state: RewardState


class RankProof(BaseModel):
    """The proof of a user's rank on a sealed board."""

    model_config = ConfigDict(extra="forbid")

    group: Annotated[str, Field(examples=["global/week:2024-W38/xp"], description="scope, period and board")]
    digest: Annotated[Hash, Field(description="over rows and root of each partition's part")]
    user_id: str
    score: str
    reached_at_us: Count
    rank: Annotated[int, Field(ge=1)]
    parts: list[PartProof]
    reward: Annotated[GrantedReward | None, Field(description="null while none was granted")] = None


def prove(group: str, user_id: str, standing: Standing, parts: Mapping[int, PartOfBoard]) -> RankProof:
    """Return the proof of the rank of a user who is on the board."""
    order = standing.order(user_id)
    proofs = [_prove_part(number, root, rows, order) for number, (root, rows) in sorted(parts.items())]
    return RankProof(
        group=group,
        digest=merkle.board_digest(group, {number: (len(rows), root) for number, (root, rows) in parts.items()}),
        user_id=user_id,
        score=str(standing.score),
        reached_at_us=standing.reached_at,
        rank=1 + sum(part.better for part in proofs),
        parts=proofs,
    )


def verify(proof: RankProof) -> int:
    """Return the rank that a proof proves.

    Raises:
        ProofError: when the proof proves nothing.
    """
    order = Standing(int(proof.score), proof.reached_at_us).order(proof.user_id)
    if len({part.partition for part in proof.parts}) < len(proof.parts):
        raise ProofError("a partition comes twice")
    own = sum([_verify_part(part, order) for part in proof.parts])
    if own != 1:
        raise ProofError(f"the user's row is in {own} parts, expected 1")
    digest = merkle.board_digest(proof.group, {part.partition: (part.rows, part.root) for part in proof.parts})
    if digest != proof.digest:
        raise ProofError(f"the parts have the digest {digest}, and the proof says {proof.digest}")
    rank = 1 + sum(part.better for part in proof.parts)
    if rank != proof.rank:
        raise ProofError(f"the parts prove rank {rank}, and the proof says {proof.rank}")
    return rank


def _prove_part(number: int, root: str, rows: Sequence[tuple[Standing, str]], order: tuple[int, int, str]) -> PartProof:
    orders = [standing.order(user_id) for standing, user_id in rows]
    tree = merkle.levels([merkle.leaf(-score, reached_at, user_id) for score, reached_at, user_id in orders])
    better = bisect_left(orders, order)

    def shown(index: int) -> ShownRow | None:
        if not 0 <= index < len(orders):
            return None
        return _show(orders[index], order, list(merkle.path(tree, index)))

    return PartProof(
        partition=number, rows=len(rows), root=root, better=better, before=shown(better - 1), after=shown(better)
    )


def _show(row: tuple[int, int, str], order: tuple[int, int, str], path: list[str]) -> ShownRow:
    negated, reached_at, user_id = row
    score, user = str(-negated), merkle.hash_user(user_id)
    if negated != order[0]:
        return ShownRow(score=score, rest=merkle.hash_time(reached_at, user), path=path)
    if reached_at != order[1]:
        return ShownRow(score=score, reached_at_us=reached_at, user=user, path=path)
    return ShownRow(score=score, reached_at_us=reached_at, user_id=user_id, path=path)


def _verify_part(part: PartProof, order: tuple[int, int, str]) -> bool:
    """Check a part; return whether the user's own row is in it."""
    where = f"partition {part.partition}"
    if part.better > part.rows or (part.before is None) != (part.better == 0):
        raise ProofError(f"{where} does not show the last better row")
    if (part.after is None) != (part.better == part.rows):
        raise ProofError(f"{where} does not show the first row that is not better")
    if part.rows == 0 and part.root != merkle.EMPTY:
        raise ProofError(f"{where} has a root without rows")
    if part.before is not None and _compared(part, part.before, part.better - 1, order) >= 0:
        raise ProofError(f"{where} shows a row as better that is not")
    after = 1 if part.after is None else _compared(part, part.after, part.better, order)
    if after < 0:
        raise ProofError(f"{where} shows a better row as one that is not")
    return after == 0


def _compared(part: PartProof, row: ShownRow, index: int, order: tuple[int, int, str]) -> int:
    """Return -1, 0 or 1 as a row is better than the user's, is it, or is not better. Check that it is in the part."""
    user = merkle.hash_user(row.user_id) if row.user_id is not None else row.user
    rest = row.rest
    if rest is None and row.reached_at_us is not None and user is not None:
        rest = merkle.hash_time(row.reached_at_us, user)
    if rest is None:
        raise ProofError(f"partition {part.partition} shows a row without its rest")
    try:
        root = merkle.root_from(merkle.hash_row(int(row.score), rest), index, part.rows, row.path)
    except ValueError as exc:
        raise ProofError(f"partition {part.partition}: {exc}") from exc
    if root != part.root:
        raise ProofError(f"partition {part.partition} shows a row that is not in its tree")
    for shown, own in zip((-int(row.score), row.reached_at_us, row.user_id), order, strict=True):
        if shown is None:
            raise ProofError(f"partition {part.partition} hides what decides the order")
        if shown != own:
            return -1 if shown < own else 1  # type: ignore[operator]
    return 0
