"""Invented event versions, for tests of the real ones."""

from __future__ import annotations

from typing import Any, Literal, cast

import msgspec

from streams.events import EventData
from streams.units import Usd


def define_v3(catalogue: dict[str, type[EventData]]) -> type[EventData]:
    """Define invented later versions of RiskAlert: version 2 names a share in ppm, version 3 drops the equity."""
    del catalogue["astra.trading.RiskAlert.v1"]

    def share(data: dict[str, Any]) -> dict[str, Any]:
        ppm = 1_000_000 * Usd.parse(data["margin_usd"]) // Usd.parse(data["equity_usd"])
        return {**data, "share_ppm": ppm}

    def without_equity(data: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in data.items() if name != "equity_usd"}

    made: Any = msgspec.defstruct(
        "RiskAlert",
        [("kind", Literal["margin"]), ("level", str), ("trade_id", str), ("margin_usd", Usd), ("share_ppm", int)],
        bases=(EventData,),
        namespace={"domain": "trading", "version": 3, "upcasters": {1: share, 2: without_equity}},
        frozen=True,
        kw_only=True,
    )
    return cast("type[EventData]", made)
