"""Events to bytes and back. The catalogue of types is here, so that one look tells what may travel."""

from __future__ import annotations

from typing import Final

import orjson
from pydantic import ValidationError

from streams.events import financial, gamification, market, trading
from streams.events.base import EventData
from streams.events.envelope import AnyEvent, Event

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


class UndecodableEventError(ValueError):
    """The bytes are not an event that is known here: no JSON, no envelope, an unknown type, or wrong data."""


def encode(event: AnyEvent) -> bytes:
    """CloudEvents JSON; absent attributes are left out."""
    return event.__pydantic_serializer__.to_json(event, exclude_none=True)


def decode(raw: bytes | None) -> AnyEvent:
    """Read an event.

    Raises:
        UndecodableEventError: saying what was wrong.
    """
    if raw is None or len(raw) > EVENT_BYTES_MAX:
        raise UndecodableEventError(f"expected an event of at most {EVENT_BYTES_MAX} bytes")
    try:
        envelope = orjson.loads(raw)
        model = CATALOGUE[envelope["type"]]
        envelope["data"] = model.model_validate(envelope["data"])
        return Event.model_validate(envelope)
    except orjson.JSONDecodeError as error:
        raise UndecodableEventError(f"not JSON: {error}") from error
    except ValidationError as error:
        raise UndecodableEventError(_reasons(error)) from error
    except (KeyError, TypeError) as error:
        raise UndecodableEventError(f"no event of a known type: {error!r}"[:200]) from error


def _reasons(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return f"{error.title}: " + "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found)
