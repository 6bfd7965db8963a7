"""Fee totals, summed over the partitions."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from api.context import ApiDep
from api.openapi import problems
from api.problems import VALIDATION, Fault, Problem
from api.queries.parameters import visible
from api.queries.schemas import Fee
from api.queries.totals import FeeFilter, summed
from api.queries.users import PositionText
from tables.financial import ALL_DAYS, FINANCIAL_FEES, FeeTotal

NamePart = Annotated[str | None, Query(max_length=64)]
DAY_PATTERN = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

router = APIRouter(prefix="/v1", tags=["Fees"], responses=problems(410, 422, 503, 504))


class FeesAnswer(BaseModel):
    """Fee totals and the position they are true for."""

    position: PositionText
    fees: list[Fee]


async def fee_filter(
    day: Annotated[
        str, Query(description="a UTC day such as `2024-09-20`, `all` for all-time totals, `each` for every day")
    ] = ALL_DAYS,
    source: NamePart = None,
    asset: NamePart = None,
    beneficiary: NamePart = None,
) -> FeeFilter:
    """The filters of a request.

    Raises:
        Problem: 422 when the day is none.
    """
    if day not in {ALL_DAYS, "each"} and not _is_day(day):
        detail = f"expected a day like '2024-09-20', 'all' or 'each', got {day[:40]!r}"
        raise Problem(VALIDATION, detail, errors=[Fault(parameter="day", detail=detail)])
    return FeeFilter(None if day == "each" else day, source, asset, beneficiary)


Filter = Annotated[FeeFilter, Depends(fee_filter)]


def _is_day(text: str) -> bool:
    try:
        return DAY_PATTERN.fullmatch(text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False


@router.get("/fees", summary="Fee totals", dependencies=[visible(FINANCIAL_FEES.name)])
async def get_fees(api: ApiDep, wanted: Filter) -> FeesAnswer:
    """Fees accrued by source, asset, UTC day and beneficiary. The beneficiary `total` is the whole of each fee."""
    found = await api.tables.rows(FINANCIAL_FEES.name)
    parts: dict[str, list[FeeTotal]] = defaultdict(list)
    for row in found.rows:
        if wanted.takes(row.key):
            parts[row.key].append(FeeTotal.load(row.value))
    return FeesAnswer(position=str(found.position), fees=[summed(key, parts[key]) for key in sorted(parts)])
