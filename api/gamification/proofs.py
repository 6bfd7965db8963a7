"""Proofs of ranks on sealed boards, for the user whose rank it is. `astratrade boards verify` checks them offline."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict
from typing import Final

from fastapi import APIRouter
from faust_redis.log import UnknownTopicError
from faust_redis.log.partitioner import partition_for

from api.config import ApiConfig
from api.gamification.left import KeptBoard, whole
from api.gamification.requested import Leaderboard
from api.gamification.seals import SealedParts, sealed_parts
from api.kit.context import Api, ApiDep
from api.kit.openapi import problems
from api.kit.parameters import OwnUser
from api.kit.problems import NOT_FOUND, Problem
from tables.boards import GLOBAL, Period, Standing
from tables.gamification import GAMIFICATION_BOARDS, GAMIFICATION_REWARDS, Rewards
from tables.rank_proof import GrantedReward, PartOfBoard, RankProof, prove
from tables.reader import TableReader

PAGE_ROWS: Final = 1_000
BOARDS_KEPT_MAX: Final = 8
"""Sealed boards whose rows a process keeps: a board of 100,000 users takes some 20 MB."""

router = APIRouter(prefix="/v1/leaderboards", responses=problems(401, 403, 404, 410, 422, 503))


class SealedBoard:
    """The rows of a sealed board by partition, and the places of its users."""

    def __init__(self, parts: dict[int, PartOfBoard]) -> None:
        self.parts = parts
        self.standings = {user_id: standing for _, rows in parts.values() for standing, user_id in rows}


class Proofs:
    """Reads sealed boards once, and proves ranks on them."""

    def __init__(self, tables: TableReader, config: ApiConfig) -> None:
        del config
        self._tables = tables
        self._boards: OrderedDict[tuple[str, str], SealedBoard] = OrderedDict()
        self._lock = asyncio.Lock()

    async def board(self, group: str, period: Period) -> SealedBoard | None:
        """Return a board that every partition has sealed, or None.

        Raises:
            Problem: 410 when its rows have left.
        """
        sealed = await sealed_parts(self._tables, group, period)
        if sealed is None:
            return None
        epoch = (await self._tables.position(GAMIFICATION_BOARDS.name)).epoch
        async with self._lock:
            known = self._boards.get((epoch, group))
            if known is None:
                parts = await whole(self._tables, period, self._parts(group, sealed))
                known = self._boards[(epoch, group)] = SealedBoard(parts)
                if len(self._boards) > BOARDS_KEPT_MAX:
                    self._boards.popitem(last=False)
        return known

    async def _parts(self, group: str, sealed: SealedParts) -> dict[int, PartOfBoard]:
        of_partition = sealed.of_partition
        rows: dict[int, list[tuple[Standing, str]]] = defaultdict(list)
        after, read = None, PAGE_ROWS
        while read == PAGE_ROWS:
            page = await self._tables.page(GAMIFICATION_BOARDS.name, group, after=after, limit=PAGE_ROWS)
            for one in page.members:
                partition = partition_for(one.member.encode(), len(of_partition))
                rows[of_partition[partition]].append((one.standing, one.member))
            read = len(page.members)
            after = page.members[-1].entry if page.members else None
        return {number: (part.root, rows[number]) for number, part in sealed.parts.items()}


@router.get("/{board}/users/{user_id}/proof", summary="Proof of a rank")
async def get_proof(api: ApiDep, requested: KeptBoard, user_id: OwnUser) -> RankProof:
    """Return the proof of a user's rank on a sealed board with the reward for it, for the user and for staff.

    `astratrade boards verify` checks it offline. Of the rows beside the user's rank it shows the scores; it shows the
    time only at equal scores, and the user only at equal times.
    """
    board = await api.part(Proofs).board(requested.group, requested.period)
    if board is None:
        raise Problem(NOT_FOUND, "this board is not sealed by every partition yet: it has no proofs")
    standing = board.standings.get(user_id)
    if standing is None:
        raise Problem(NOT_FOUND, f"{user_id!r} is not on this board")
    proof = prove(requested.group, user_id, standing, board.parts)
    return proof.model_copy(update={"reward": await _reward(api, user_id, requested)})


async def _reward(api: Api, user_id: str, requested: Leaderboard) -> GrantedReward | None:
    """Return the reward that a user was granted for a board."""
    try:
        _, row = await api.tables.get(GAMIFICATION_REWARDS.name, user_id, owner=user_id)
    except UnknownTopicError:
        return None
    reward_id = f"{requested.market or GLOBAL}:{requested.board}:{requested.period.text}"
    rewards = () if row is None else Rewards.load(row).rewards
    found = next((one for one in rewards if one.reward_id == reward_id), None)
    return None if found is None else GrantedReward(rank=found.rank, ss=found.ss, state=found.state)
