"""Financial in the API: fee totals."""

from __future__ import annotations

from typing import Final

from api.financial import fees
from api.kit.domain import DomainApi

API: Final = DomainApi(
    title="Financial",
    description="Fee totals and how they are split.",
    routers=(fees.router, fees.feeds),
    feeds=(fees.FEES_FEED,),
)
