"""Money, quantities and prices: exact, and text on the wire. Used by every room; imports nothing of ours.

USD is an integer of 1e-8 USD inside and a decimal string in JSON. A JSON number is refused: as a float it is inexact,
and as an integer nobody can tell dollars from 1e-8 dollars.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal
from typing import Annotated, Any, Final, Self

from pydantic import GetCoreSchemaHandler, PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

USD_DECIMALS: Final = 8
USD_UNIT: Final = 10**USD_DECIMALS
USD_WHOLE_DIGITS_MAX: Final = 12
DECIMALS_MAX: Final = 18
SCALE: Final = 10**DECIMALS_MAX
WHOLE_DIGITS_MAX: Final = 18
SUM_WHOLE_DIGITS_MAX: Final = 30
TEXT_CHARS_MAX: Final = 64
PPM: Final = 1_000_000

_EXACT: Final = Context(prec=120)

_USD = re.compile(rf"(-?(?:0|[1-9][0-9]{{0,{USD_WHOLE_DIGITS_MAX - 1}}}))(?:\.([0-9]{{1,{USD_DECIMALS}}}))?", re.ASCII)
_PLAIN = re.compile(rf"-?[0-9]{{1,{WHOLE_DIGITS_MAX}}}(?:\.[0-9]{{1,{DECIMALS_MAX}}})?", re.ASCII)
_SCIENTIFIC = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)


class Usd(int):
    """An amount in units of 1e-8 USD. Arithmetic gives plain integers: wrap a result that is an amount again."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a decimal string such as ``"1500.00"``.

        Raises:
            ValueError: when it is not plain decimal, has more than 8 decimals or more than 12 digits before the point.
        """
        match = _USD.fullmatch(text)
        if match is None:
            raise ValueError(
                f"expected a USD amount as a decimal string like '1500.00', with at most {USD_WHOLE_DIGITS_MAX} digits "
                f"and {USD_DECIMALS} decimals, got {text[:TEXT_CHARS_MAX]!r}"
            )
        whole, part = match.groups("")
        return cls(whole + part.ljust(USD_DECIMALS, "0"))

    @classmethod
    def of(cls, dollars: int) -> Self:
        """A whole number of dollars."""
        return cls(dollars * USD_UNIT)

    def text(self) -> str:
        """Plain decimal text with at least two decimals: ``1500.00``, ``0.12345678``."""
        whole, part = divmod(abs(self), USD_UNIT)
        sign = "-" if self < 0 else ""
        decimals = f"{part:08d}"
        return f"{sign}{whole}.{decimals[:2]}{decimals[2:].rstrip('0')}"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._validate,
            json_schema_input_schema=core_schema.str_schema(pattern=r"^-?\d+(\.\d{1,8})?$"),
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
        raise ValueError(f"expected a USD amount as a decimal string, got {type(value).__name__}")


def parse_decimal(text: str, whole_digits_max: int = WHOLE_DIGITS_MAX) -> Decimal:
    """Read an exact decimal; scientific notation such as ``1.00E-05`` is accepted.

    Raises:
        ValueError: when it is no decimal number, or needs more than 18 decimals, or more digits before the point.
    """
    if _PLAIN.fullmatch(text):
        return Decimal(text)
    if len(text) > TEXT_CHARS_MAX or not _SCIENTIFIC.fullmatch(text):
        raise ValueError(f"expected a decimal number as a string, got {text[:TEXT_CHARS_MAX]!r}")
    return bounded(Decimal(text), whole_digits_max)


def bounded(value: Decimal, whole_digits_max: int = WHOLE_DIGITS_MAX) -> Decimal:
    """The value itself, if it has at most 18 decimals and not too many digits before the point.

    Raises:
        ValueError: otherwise, and for NaN and infinities.
    """
    if not value.is_finite():
        raise ValueError(f"expected a finite number, got {value}")
    if value and value.adjusted() >= whole_digits_max:
        raise ValueError(f"expected a number below 10^{whole_digits_max}, got {value}")
    shifted = value.scaleb(DECIMALS_MAX, _EXACT)
    if shifted != shifted.to_integral_value(context=_EXACT):
        raise ValueError(f"expected at most {DECIMALS_MAX} decimals, got {value}")
    return value


def decimal_text(value: Decimal) -> str:
    """Plain decimal text without trailing zeros: ``0.00001``, ``3871.46``, ``0``."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def scaled(value: Decimal) -> int:
    """A bounded decimal as an exact integer of 1e-18."""
    return int(value.scaleb(DECIMALS_MAX, _EXACT))


def unscaled(value: int) -> Decimal:
    """The decimal that an integer of 1e-18 stands for."""
    return Decimal(value).scaleb(-DECIMALS_MAX, _EXACT)


def divide_half_up(numerator: int, denominator: int) -> int:
    """Quotient rounded to the nearest integer, a half away from zero; the denominator is above 0."""
    quotient, rest = divmod(abs(numerator), denominator)
    rounded = quotient + (2 * rest >= denominator)
    return -rounded if numerator < 0 else rounded


def _as_sum(value: Any) -> Decimal:
    if isinstance(value, str):
        return parse_decimal(value, SUM_WHOLE_DIGITS_MAX)
    if isinstance(value, Decimal):
        return bounded(value, SUM_WHOLE_DIGITS_MAX)
    raise ValueError(f"expected a decimal number as a string, got {type(value).__name__}")


def _as_positive(value: Any) -> Decimal:
    number = parse_decimal(value) if isinstance(value, str) else bounded(_as_sum(value))
    if number <= 0:
        raise ValueError(f"expected a number above 0, got {number}")
    return number


_AS_TEXT = PlainSerializer(decimal_text, return_type=str, when_used="json")
_SCHEMA = WithJsonSchema({"type": "string", "pattern": r"^-?\d+(\.\d{1,18})?$"})

Quantity = Annotated[Decimal, PlainValidator(_as_sum), _AS_TEXT, _SCHEMA]
"""An exact quantity of at most 18 decimals, or a sum of such; may be negative (a short position)."""

Price = Annotated[Decimal, PlainValidator(_as_positive), _AS_TEXT, _SCHEMA]
"""An exact price above 0, of at most 18 decimals and 18 digits before the point."""

Size = Annotated[Decimal, PlainValidator(_as_positive), _AS_TEXT, _SCHEMA]
"""An exact quantity above 0, of at most 18 decimals and 18 digits before the point."""
