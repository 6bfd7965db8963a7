"""`GET /v1/tables/{table}/row`: the rows under a key, now or as of a position of the table."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query
from faust_redis.log import UnknownTopicError
from pydantic import BaseModel, Field

from api.kit.audited import ASKED
from api.kit.callers import Caller
from api.kit.context import ApiDep
from api.kit.openapi import problems
from api.kit.parameters import AuditReason
from api.kit.past import RECORDS_MAX
from api.kit.problems import POSITION_GONE, Problem, invalid
from api.operators.lineage import RowKey, TablePath, table_of
from tables.history import HistoryError
from tables.inspection import row_text, rows_now, rows_then

router = APIRouter(prefix="/v1/tables", tags=["Stats"], responses=problems(401, 403, 404, 410, 422, 503))

INDENT: Final = 2


class RowAnswer(BaseModel):
    """The rows under a key: mostly one, and for some tables one in each of several partitions."""

    position: Annotated[str, Field(description="what the rows are true for; `at` takes it")]
    rows: Annotated[
        list[str],
        Field(
            description="JSON text: fields by name, amounts as integers of 1e-8 USD, times as microseconds since 1970. "
            "As text, because many readers of JSON round large integers"
        ),
    ]


@router.get("/{table}/row", summary="A row as it is stored")
async def get_row(
    api: ApiDep,
    _: Caller,
    table: TablePath,
    key: RowKey,
    at: Annotated[
        str | None, Query(description="a position of the table: show the row as it was there", pattern=ASKED["at"])
    ] = None,
    _reason: AuditReason = None,
) -> RowAnswer:
    """Return the rows of any table under a key, as stored; an empty list when there is none.

    For the staff; the audit log keeps who read it and why. At a position, one request reads at most 50,000 changes of
    all partitions together, and a process answers one such request, trace or `why` at a time.
    """
    spec = table_of(table)
    try:
        if at is None:
            position = str(await api.tables.position(table))
            values = await rows_now(api.tables, table, key)
        else:
            with api.searches.alone():
                position, values = at, await rows_then(api.tables, table, key, at, records_max=RECORDS_MAX)
    except UnknownTopicError:
        return RowAnswer(position=at or "", rows=[])
    except HistoryError as exc:
        raise Problem(POSITION_GONE, str(exc)) from exc
    except ValueError as exc:
        raise invalid("at", str(exc)) from exc
    return RowAnswer(position=position, rows=[row_text(spec, value, indent=INDENT) for value in values])
