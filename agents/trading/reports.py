"""Reports of fills: their identity, the content that a repetition must equal, and their rejection."""

from __future__ import annotations

from operator import attrgetter
from typing import Final

from agents.processed import Verdict, content_of, number_of
from streams.events import AnyEvent, Event
from streams.events.trading import FillRejected, ReportFill
from streams.times import Instant
from tables.keys import SEPARATOR

FIELDS: Final = (
    "trade_id", "market", "side", "price", "size", "notional_usd", "fee_usd", "closed_pnl_usd", "closes", "taker",
)  # fmt: skip
"""The fields of a report besides the fill's identity (venue, user, fill id) and its time."""

NAMES: Final = ("executed_at", *FIELDS)

_values = attrgetter(*FIELDS)


def content(time: Instant, fill: ReportFill) -> bytes:
    """Return the fields that a repetition of a fill must equal, in the order of `NAMES`."""
    fee = fill.fee_usd
    return content_of((
        time,
        number_of(fill.trade_id),
        number_of(fill.market),
        fill.side == "buy",
        fill.price,
        fill.size,
        fill.notional_usd,
        -1 if fee is None else fee,
        fill.closed_pnl_usd,
        fill.closes,
        fill.taker,
    ))  # fmt: skip


def rejected(event: Event[ReportFill], verdict: Verdict) -> AnyEvent:
    """Return the FillRejected of a report. Differing reports of one fill give events with different ids."""
    fill = event.data
    fact = FillRejected(
        fill_id=fill.fill_id,
        venue=fill.venue,
        trade_id=fill.trade_id,
        reason="too_late" if verdict.kind == "too_late" else "conflicting_repetition",
        differing=tuple(NAMES[position] for position in verdict.differing),
    )
    content = (event.time, *_values(fill))
    return event.then(fact, subject=fill.trade_id, name=SEPARATOR.join(map(str, content)))
