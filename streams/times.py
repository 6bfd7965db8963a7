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
_LAST_US: Final = 32_503_679_999_999_999


class Instant(int):
    """Microseconds since 1970-01-01T00:00:00Z, up to the end of the year 2999."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read RFC 3339 UTC such as ``2024-09-20T08:36:00Z``, with up to six decimals of a second.

        Raises:
            ValueError: when the text is no such time, has another offset than ``Z``, or lies outside 1970 to 2999.
        """
        if not _RFC3339.fullmatch(text):
            raise ValueError(f"expected a time like '2024-09-20T08:36:00Z' (UTC), got {text[:40]!r}")
        return cls.of(datetime.fromisoformat(text))

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
        text = (_EPOCH_NAIVE + self * _MICROSECOND).isoformat()
        return f"{text.rstrip('0') if '.' in text else text}Z"

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


def midnight(day: date) -> int:
    """Return the microseconds since 1970 at which a UTC day begins. Days before 1970 give a negative number."""
    return (day.toordinal() - _EPOCH.toordinal()) * DAY_US
