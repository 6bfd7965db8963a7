"""Financial in the API: fee totals."""

from __future__ import annotations

from typing import Final

from api.financial import fees
from api.kit.domain import DomainApi

API: Final = DomainApi(routers=(fees.router, fees.feeds), feeds=(fees.FEES_FEED,))
