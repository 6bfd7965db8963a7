"""Parameters that queries of several domains share."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import Depends, Header, Path, Query

from api.kit.audited import HEADER
from api.kit.callers import Caller
from api.kit.context import ApiDep
from streams.events.base import ID_PATTERN
from streams.topology import TableSpec

WAIT_MS_DEFAULT = 5_000
WAIT_MS_MAX = 30_000

UserPath = Annotated[str, Path(pattern=ID_PATTERN, description="a user's id", examples=["trader-2"])]


AuditReason = Annotated[
    str | None,
    Header(
        alias=HEADER, description="why a moderator or admin reads what belongs to another user; 8 to 200 characters"
    ),
]


async def own(user_id: UserPath, _caller: Caller, _reason: AuditReason = None) -> str:
    """Return the user whose private tables are read. `authorise` has allowed it to the caller, and kept the reason."""
    return user_id


OwnUser = Annotated[str, Depends(own)]


class Visible:
    """Waits for `?after=` before a table is read.

    Attributes:
        table: The table that the route answers from.
    """

    def __init__(self, table: TableSpec[Any]) -> None:
        self.table: Final = table

    async def __call__(
        self,
        api: ApiDep,
        after: Annotated[
            str | None,
            Query(description="the `position` of an accepted command: wait until its effect shows", max_length=2_048),
        ] = None,
        wait_ms: Annotated[int, Query(ge=0, le=WAIT_MS_MAX, description="how long to wait for `after`")] = (
            WAIT_MS_DEFAULT
        ),
    ) -> None:
        """Wait for at most `wait_ms`."""
        if after is not None:
            await api.waiter.wait(after, self.table.name, wait_ms)


def visible(table: TableSpec[Any], *, private: bool = False) -> Any:
    """Return a dependency that waits for `?after=` before the table is read.

    Where the table is private, the caller is authorised first: others learn nothing of positions.
    """
    wait = Visible(table)

    async def wait_if_allowed(_user_id: OwnUser, _waited: None = Depends(wait)) -> None:
        """Wait; FastAPI resolves the dependencies in this order."""

    return Depends(wait_if_allowed if private else wait)
