"""Events to bytes and back. The catalogue of types is here, so that one look tells what may travel."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from streams.events import financial, gamification, market, trading
from streams.events.base import REASON_CHARS_MAX, EventData
from streams.events.envelope import AnyEvent, Event
from streams.wire import EVENT_ENCODER, WireError, decoder

EVENT_BYTES_MAX: Final = 64 * 1024

CATALOGUE: Final[dict[str, type[EventData]]] = {
    model.event_type(): model
    for model in (
        trading.OpenTrade,
        trading.CloseTrade,
        trading.ReportFill,
        trading.TradeExecuted,
        trading.TradeClosed,
        trading.TradeLiquidated,
        trading.TradeRejected,
        trading.RiskAlert,
        market.PriceUpdated,
        gamification.XPGained,
        gamification.LevelUp,
        gamification.StreakUpdated,
        gamification.AchievementUnlocked,
        gamification.LateEventRecorded,
        financial.FeeAccrued,
    )
}


_DECODERS: Final = {name: decoder(Event[model]) for name, model in CATALOGUE.items()}  # type: ignore[valid-type]
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)


class _Kind(msgspec.Struct):
    """Of an event, its type alone."""

    type: str


_KIND: Final = decoder(_Kind)


class UndecodableEventError(ValueError):
    """The bytes are not an event that is known here: no JSON, no envelope, an unknown type, or wrong data."""


def encode(event: AnyEvent) -> bytes:
    """CloudEvents JSON; absent attributes are left out."""
    return EVENT_ENCODER.encode(event)


def decode(raw: bytes | None) -> AnyEvent:
    """Read an event.

    Raises:
        UndecodableEventError: saying what was wrong.
    """
    if raw is None or len(raw) > EVENT_BYTES_MAX:
        raise UndecodableEventError(f"expected an event of at most {EVENT_BYTES_MAX} bytes")
    try:
        event: AnyEvent = _DECODERS[_KIND.decode(raw).type].decode(raw)
    except KeyError as error:
        raise UndecodableEventError(f"no event of a known type: {error}"[:REASON_CHARS_MAX]) from error
    except (WireError, UnicodeDecodeError) as error:
        raise UndecodableEventError(f"no event: {error}"[:REASON_CHARS_MAX]) from error
    if not _UUID.fullmatch(event.id):
        raise UndecodableEventError(f"expected a UUID as the id of an event, got {event.id!r}")
    return event
