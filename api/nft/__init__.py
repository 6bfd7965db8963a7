"""NFT in the API: what users may mint."""

from __future__ import annotations

from typing import Final

from api.kit.domain import DomainApi
from api.kit.own_rows import OwnRows
from api.kit.projection import Projection
from tables.nft import NFT_COLLECTORS, Collector

COLLECTOR: Final = Projection(
    Collector,
    "Collector",
    "The genesis types that a user may mint.",
    key={"user_id": str},
    describe={"eligible": "each type, with the time from which on"},
)
COLLECTORS: Final = OwnRows(
    "collector", NFT_COLLECTORS, COLLECTOR, title="Collector", doc="The tokens that a user may mint."
)

API: Final = DomainApi(
    title="NFT",
    description="Eligibility for genesis tokens.",
    routers=COLLECTORS.routers,
    feeds=(COLLECTORS.feed,),
    permissions=COLLECTORS.permissions,
)
