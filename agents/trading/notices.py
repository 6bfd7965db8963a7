"""What trading tells users: rejected orders, liquidations, risk alerts, suspensions."""

from __future__ import annotations

from collections.abc import Iterable

from agents.notices import notice
from streams.events import AnyEvent
from streams.events.trading import RiskAlert, TradeLiquidated, TradeRejected, TradingSuspended


def with_notices(facts: Iterable[AnyEvent]) -> list[AnyEvent]:
    """Return facts, each followed by its notification if it has one."""
    told: list[AnyEvent] = []
    for fact in facts:
        told.append(fact)
        if (said := _notice(fact)) is not None:
            told.append(said)
    return told


def _notice(fact: AnyEvent) -> AnyEvent | None:
    data = fact.data
    if isinstance(data, TradeRejected):
        named = {"market": data.market, "trade_id": data.trade_id, "client_ref": data.client_ref}
        arguments = {name: value for name, value in named.items() if value is not None}
        return notice(fact, "order_rejected", f"order_rejected.{data.command}", reason=data.reason, **arguments)
    if isinstance(data, TradeLiquidated):
        arguments = {"market": data.market, "trade_id": data.trade_id, "pnl_usd": data.pnl_usd.text()}
        return notice(fact, "liquidation", **arguments)
    if isinstance(data, RiskAlert):
        arguments = {"trade_id": data.trade_id, "margin_usd": data.margin_usd.text()}
        return notice(fact, "risk_alert", f"risk_alert.{data.level}", **arguments)
    if isinstance(data, TradingSuspended):
        return notice(fact, "account_suspended", data.reason)
    return None
