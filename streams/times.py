"""Instants: integer microseconds since 1970 in memory, RFC 3339 UTC with a ``Z`` in JSON. Imports no own module."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

SECOND_US: Final = 1_000_000
MINUTE_US: Final = 60 * SECOND_US
HOUR_US: Final = 60 * MINUTE_US
DAY_US: Final = 24 * HOUR_US
MILLISECOND_US: Final = 1_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_NAIVE = _EPOCH.replace(tzinfo=None)
_MICROSECOND = timedelta(microseconds=1)
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z", re.ASCII)
_DECIMALS_MAX: Final = 6
_LAST_US: Final = 32_503_679_999_999_999

_HOURS_CACHED: Final = 1_024
"""Hours whose text is cached in each direction. Events that follow one another mostly share an hour."""
_HOUR_END: Final = len("2024-09-20T08:")
_SECOND_END: Final = len("2024-09-20T08:36:00")
_SECOND_TEXTS: Final = tuple(f"{second // 60:02d}:{second % 60:02d}" for second in range(HOUR_US // SECOND_US))
"""The text of each second of an hour."""
_SECONDS_US: Final = {text: second * SECOND_US for second, text in enumerate(_SECOND_TEXTS)}
"""The microseconds since the hour by such a text."""


class Instant(int):
    """Microseconds since 1970-01-01T00:00:00Z, up to the end of the year 2999."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read RFC 3339 UTC such as ``2024-09-20T08:36:00Z``, with up to six decimals of a second.

        Raises:
            ValueError: when the text is no such time, has another offset than ``Z``, or lies outside 1970 to 2999.
        """
        try:
            whole = _hour_us(text[:_HOUR_END]) + _SECONDS_US[text[_HOUR_END:_SECOND_END]]
        except (KeyError, ValueError):
            return cls.of(_moment(text))
        rest = text[_SECOND_END:]
        return cls(whole) if rest == "Z" else cls(whole + _fraction_us(text, rest))

    @classmethod
    def of(cls, moment: datetime) -> Self:
        """Return the instant of an aware datetime.

        Raises:
            ValueError: when the datetime is naive or lies outside 1970 to 2999.
        """
        if moment.tzinfo is None:
            raise ValueError("expected a datetime with a time zone")
        return cls.checked((moment - _EPOCH) // _MICROSECOND)

    @classmethod
    def checked(cls, microseconds: int) -> Self:
        """Return the instant if it lies between 1970 and 2999.

        Raises:
            ValueError: otherwise.
        """
        if not 0 <= microseconds <= _LAST_US:
            raise ValueError(f"expected a time from 1970 to 2999, got {microseconds} microseconds")
        return cls(microseconds)

    def moment(self) -> datetime:
        """Return an aware datetime in UTC."""
        return _EPOCH + self * _MICROSECOND

    def day(self) -> date:
        """Return the UTC day of the instant."""
        return self.moment().date()

    def day_number(self) -> int:
        """Return whole days since 1970-01-01."""
        return self // DAY_US

    def milliseconds(self) -> int:
        """Return whole milliseconds since 1970."""
        return self // MILLISECOND_US

    @lru_cache(maxsize=4096)  # noqa: B019 - what follows from one event has its time; an instant holds nothing else
    def text(self) -> str:
        """Return RFC 3339 text with a ``Z``, with decimals of a second only when there are any."""
        seconds, part = divmod(self, SECOND_US)
        hours, second = divmod(seconds, HOUR_US // SECOND_US)
        text = _hour_text(hours) + _SECOND_TEXTS[second]
        return f"{text}.{part:06d}".rstrip("0") + "Z" if part else f"{text}Z"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._validate,
            json_schema_input_schema=core_schema.str_schema(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$"),
            serialization=core_schema.plain_serializer_function_ser_schema(
                cls.text, return_schema=core_schema.str_schema(), when_used="json"
            ),
        )

    @classmethod
    def _validate(cls, value: Any) -> Self:
        if isinstance(value, cls):
            return value
        if isinstance(value, str):
            return cls.parse(value)
        raise ValueError(f"expected a time as RFC 3339 text, got {type(value).__name__}")


@lru_cache(_HOURS_CACHED)
def _hour_us(text: str) -> int:
    """Return the microseconds since 1970 of an hour such as ``2024-09-20T08:``."""
    return Instant.of(_moment(f"{text}00:00Z"))


@lru_cache(_HOURS_CACHED)
def _hour_text(hours: int) -> str:
    """Return the text of an hour, such as ``2024-09-20T08:``, from the hours since 1970."""
    return (_EPOCH_NAIVE + timedelta(hours=hours)).isoformat()[:_HOUR_END]


def _fraction_us(text: str, rest: str) -> int:
    """Return the microseconds that the rest of a time means, such as ``.5Z``."""
    digits = rest[1:-1]
    if f".{digits}Z" == rest and digits.isdigit() and digits.isascii() and len(digits) <= _DECIMALS_MAX:
        return int(digits.ljust(_DECIMALS_MAX, "0"))
    raise _unreadable(text)


def _moment(text: str) -> datetime:
    if not _RFC3339.fullmatch(text):
        raise _unreadable(text)
    return datetime.fromisoformat(text)


def _unreadable(text: str) -> ValueError:
    return ValueError(f"expected a time like '2024-09-20T08:36:00Z' (UTC), got {text[:40]!r}")


def midnight(day: date) -> int:
    """Return the microseconds since 1970 at which a UTC day begins. Days before 1970 give a negative number."""
    return (day.toordinal() - _EPOCH.toordinal()) * DAY_US
