"""Events as the log takes them: their bytes, and what finds their place."""

from __future__ import annotations

from typing import NamedTuple

import orjson

from api.ingress.models import Fill
from streams.events import AnyEvent, encode
from streams.events.trading import ReportFill
from streams.ids import fill_event_id
from streams.units import decimal_text

SOURCE = f"astratrade/{ReportFill.domain}"
TYPE = ReportFill.event_type()


class Entry(NamedTuple):
    """An event on its way to the log. `time_ms`: event time, Unix milliseconds."""

    id: str
    key: str
    value: bytes
    time_ms: int


def entry(event: AnyEvent) -> Entry:
    """Any event."""
    return Entry(event.id, event.partitionkey, encode(event), event.time.milliseconds())


def fill_entry(venue: str, fill: Fill) -> Entry:
    """The event that reports a venue's fill: the same bytes as by way of `ReportFill` and `Event`.

    Its fields were validated as a `Fill`; making two models of them again would be most of what a batch costs.
    """
    event_id = fill_event_id(venue, fill.fill_id, fill.executed_at)
    data = {
        "fill_id": fill.fill_id,
        "user_id": fill.user_id,
        "trade_id": fill.trade_id,
        "market": fill.market,
        "side": fill.side,
        "price": decimal_text(fill.price),
        "size": decimal_text(fill.size),
        "notional_usd": fill.notional_usd.text(),
        "fee_usd": "",
        "closed_pnl_usd": fill.closed_pnl_usd.text(),
        "closes": fill.closes,
        "taker": fill.taker,
        "venue": venue,
    }
    if fill.fee_usd is None:
        del data["fee_usd"]
    else:
        data["fee_usd"] = fill.fee_usd.text()
    envelope = {
        "specversion": "1.0",
        "id": event_id,
        "source": SOURCE,
        "type": TYPE,
        "subject": fill.trade_id,
        "time": fill.executed_at.text(),
        "partitionkey": fill.user_id,
        "correlationid": event_id,
        "data": data,
    }
    return Entry(event_id, fill.user_id, orjson.dumps(envelope), fill.executed_at.milliseconds())
