"""What clients see of constellations and battles, and the parameters of their routes."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import Path

from api.kit.context import Api
from api.kit.problems import NOT_FOUND, Problem
from api.kit.projection import Projection
from streams.events.base import ID_PATTERN
from streams.topology import TableSpec
from tables.social_constellations import Battle, Constellation, Engagement, Side

ConstellationPath = Annotated[
    str, Path(pattern=ID_PATTERN, description="a constellation's id", examples=["01931c2a-7b40-7c11-9c2e-5f6a7b8c9d0e"])
]
BattlePath = Annotated[
    str, Path(pattern=ID_PATTERN, description="a battle's id", examples=["01931c2b-0d10-7f3a-8a4e-1b2c3d4e5f60"])
]
MemberPath = Annotated[str, Path(pattern=ID_PATTERN, description="a member's id", examples=["trader-2"])]

ENGAGEMENT: Final = Projection(
    Engagement,
    "Engagement",
    "The battle or challenge that a constellation is in.",
    omit=("user_id", "confirmed"),
)
CONSTELLATION: Final = Projection(
    Constellation,
    "Constellation",
    "A constellation.",
    key={"constellation_id": str},
    omit=("owner", "battles", "dissolved_at"),
    nested=(ENGAGEMENT,),
    describe={
        "contributed": "stellar shards that members ever gave",
        "rating": "the battle rating",
        "created_at": "cut to the hour: it is the time at which the founder joined",
    },
    to_the_hour=("created_at",),
)
CONSTELLATION_ANSWER: Final = CONSTELLATION.answer("ConstellationAnswer", "A constellation. It is true for `position`.")
SIDE: Final = Projection(
    Side,
    "BattleSide",
    "One side of a battle: sums over its members.",
    omit=("closed",),
    rename={"score": "score"},
    describe={"score": "in points, as decimal text", "prize": "stellar shards of the side's members together"},
)
BATTLE: Final = Projection(
    Battle,
    "Battle",
    "A battle, from challenge to result.",
    key={"battle_id": str},
    omit=("user_id", "announced"),
    nested=(SIDE,),
    describe={
        "winner": "the winner's id once completed; null for a tie",
        "digest": "SHA-256 over the entries of a completed battle",
        "starts_at": "1970 until it has been accepted",
    },
)
BATTLE_ANSWER: Final = BATTLE.answer("BattleAnswer", "A battle. It is true for `position`.")
BATTLES_ANSWER: Final = BATTLE.list_answer(
    "BattlesAnswer", "The newest battles of a constellation, newest first.", "battles", constellation_id=str
)


async def stored(api: Api, table: TableSpec[Any], key: str, what: str) -> tuple[str, bytes]:
    """Return the position of a table and one row of it.

    Raises:
        Problem: 404 when there is no such row.
    """
    position, raw = await api.tables.get(table.name, key, owner=key)
    if raw is None:
        raise Problem(NOT_FOUND, f"there is no {what} {key!r} yet", position=str(position))
    return str(position), raw
