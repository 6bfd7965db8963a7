"""How each feed reads the records it follows: which row changed, who wants to know, how it is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from faust_redis.log import StoredRecord
from pydantic import JsonValue

from api.feeds.change import Reading
from api.queries import schemas
from streams.events import gamification, trading
from tables import gamification as gamification_rows
from tables import trading as trading_rows
from tables.keys import SEPARATOR

XP_TYPES = frozenset(
    model.event_type() for model in (gamification.XPGained, gamification.LevelUp, gamification.AchievementUnlocked)
)
TRADE_TYPES = frozenset({trading.TradeExecuted.event_type()})


def progress_row(key: str, value: bytes) -> JsonValue:
    """A row of `progress`."""
    return schemas.progress(key, gamification_rows.Progress.load(value)).model_dump(mode="json")


def position_row(_: str, value: bytes) -> JsonValue:
    """A row of `positions`."""
    return schemas.position(trading_rows.Position.load(value)).model_dump(mode="json")


def portfolio_row(_: str, value: bytes) -> JsonValue:
    """A row of `portfolio`."""
    return schemas.portfolio(trading_rows.Portfolio.load(value)).model_dump(mode="json")


def progress(_: int, record: StoredRecord) -> Reading | None:
    """Progress: one row a user."""
    return _user_row(record, progress_row)


def positions(_: int, record: StoredRecord) -> Reading | None:
    """Positions: one row a user, market and mode; the user's channel."""
    return _user_row(record, position_row)


def portfolio(_: int, record: StoredRecord) -> Reading | None:
    """Portfolios: one row a user."""
    return _user_row(record, portfolio_row)


def _user_row(record: StoredRecord, row: Any) -> Reading | None:
    if record.key is None:
        return None
    key, value = record.key.decode(), record.value
    user_id = key.partition(SEPARATOR)[0]
    return Reading(key, (user_id,), lambda: {"key": key, "deleted": True} if value is None else row(key, value))


def boards(_: int, record: StoredRecord) -> Reading | None:
    """Boards: a channel is a ranking group; what to tell is read from the ranking."""
    if record.key is None or record.value is None:
        return None
    try:
        groups = tuple(orjson.loads(record.value))
    except (orjson.JSONDecodeError, TypeError):
        return None  # not standings
    return Reading(record.key.decode(), groups, lambda: None)


def fees(_: int, record: StoredRecord) -> Reading | None:
    """Fees: a sum in one partition; what to tell is the sum over all of them."""
    if record.key is None:
        return None
    key = record.key.decode()
    return Reading(key, (key,), lambda: None)


def trades(_: int, record: StoredRecord) -> Reading | None:
    """The tape of fills; the channel is the market."""
    return _event(record, TRADE_TYPES, lambda event: event["data"]["market"])


def xp(_: int, record: StoredRecord) -> Reading | None:
    """What users earn; the channel is the user."""
    return _event(record, XP_TYPES, lambda event: event["partitionkey"])


def _event(record: StoredRecord, types: frozenset[str], channel_of: Callable[[dict[str, Any]], str]) -> Reading | None:
    try:
        event = orjson.loads(record.value or b"null")
        if event["type"] not in types:
            return None
        channel, told = str(channel_of(event)), _told(event)
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None  # not an event; the workers put such records into the dead letters
    return Reading(record.offset, (channel,), lambda: told)


def _told(event: dict[str, Any]) -> JsonValue:
    return {
        "event_id": event["id"],
        "type": event["type"].split(".")[2],
        "time": event["time"],
        "user_id": event["partitionkey"],
        **event["data"],
    }
