"""Money, quantities and prices: exact integers in fixed units, decimal text in JSON. Imports no own module.

USD is an integer of 1e-8 USD, a quantity or price an integer of 1e-18. Parsing refuses a JSON number: a float is
inexact, and an integer could mean dollars or 1e-8 dollars.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from decimal import Context, Decimal
from typing import Annotated, Any, ClassVar, Final, Self

from pydantic import AfterValidator, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

USD_DECIMALS: Final = 8
USD_UNIT: Final = 10**USD_DECIMALS
USD_WHOLE_DIGITS_MAX: Final = 12
DECIMALS_MAX: Final = 18
SCALE: Final = 10**DECIMALS_MAX
WHOLE_DIGITS_MAX: Final = 18
WHOLE_LIMIT: Final = 10**WHOLE_DIGITS_MAX * SCALE
"""Upper bound of prices and sizes, exclusive, in 1e-18."""
SUM_WHOLE_DIGITS_MAX: Final = 30
TEXT_CHARS_MAX: Final = 64
PPM: Final = 1_000_000
U256_LIMIT: Final = 1 << 256
U256_DIGITS_MAX: Final = 78
TEXTS_MAX: Final = 4_096
"""Values of one kind whose text is cached."""
_USD_DECIMALS_MIN: Final = 2

_EXACT: Final = Context(prec=120)

_digits = int.__repr__
_SCIENTIFIC = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)


class FixedPoint(int):
    """An exact decimal as an integer of a fixed unit. JSON holds it as text. pydantic validates text from clients.

    Arithmetic gives plain integers of the same unit. Wrap a result again before you encode it.

    An event mostly repeats the amounts of the event that it follows from. So `parse` caches the text of a value if
    `text` would return the same, and `text` looks there first. Threads share the cache.
    """

    __slots__ = ()

    noun: ClassVar[str]
    pattern: ClassVar[str]
    _texts: ClassVar[dict[int, str]]

    @classmethod
    def __init_subclass__(cls) -> None:
        cls._texts = {}

    @classmethod
    @abstractmethod
    def parse(cls, text: str) -> Self:
        """Read decimal text.

        Raises:
            ValueError: when the text is no value of this kind.
        """

    @abstractmethod
    def text(self) -> str:
        """Return plain decimal text."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        text = core_schema.str_schema(pattern=cls.pattern)
        return core_schema.no_info_plain_validator_function(
            cls._validate,
            json_schema_input_schema=text,
            serialization=core_schema.plain_serializer_function_ser_schema(
                cls.text, return_schema=text, when_used="json"
            ),
        )

    @classmethod
    def _validate(cls, value: Any) -> Self:
        if isinstance(value, cls):
            return value
        if isinstance(value, str):
            return cls.parse(value)
        raise ValueError(f"expected {cls.noun} as a decimal string, got {type(value).__name__}")


class Usd(FixedPoint):
    """An amount in units of 1e-8 USD."""

    __slots__ = ()

    noun: ClassVar[str] = "a USD amount"
    pattern: ClassVar[str] = r"^-?\d+(\.\d{1,8})?$"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a decimal string such as ``"1500.00"``.

        Raises:
            ValueError: when the text is no plain decimal, has over 8 decimals or over 12 digits before the point.
        """
        whole, _, part = text.partition(".")
        decimals = len(part)
        if (
            whole.isdigit()
            and part.isdigit()
            and text.isascii()
            and len(whole) <= USD_WHOLE_DIGITS_MAX
            and decimals <= USD_DECIMALS
            and (whole[0] != "0" or whole == "0")
        ):
            value = cls(whole + part.ljust(USD_DECIMALS, "0"))
            if decimals == _USD_DECIMALS_MIN or (decimals > _USD_DECIMALS_MIN and part[-1] != "0"):
                texts = cls._texts
                if len(texts) >= TEXTS_MAX:
                    texts.clear()
                texts[value] = text
            return value
        return cls(cls._signed(text))

    @staticmethod
    def _signed(text: str) -> str:
        """Return the digits of an amount that may have a sign, or no point."""
        shifted = _shifted(text, USD_WHOLE_DIGITS_MAX, USD_DECIMALS)
        digits = text.removeprefix("-")
        if shifted is not None and (digits[0] != "0" or digits[1:2] in {"", "."}):
            return shifted
        raise ValueError(
            f"expected a USD amount as a decimal string like '1500.00', with at most {USD_WHOLE_DIGITS_MAX} digits "
            f"and {USD_DECIMALS} decimals, got {text[:TEXT_CHARS_MAX]!r}"
        )

    @classmethod
    def of(cls, dollars: int) -> Self:
        """Return the amount of a whole number of dollars."""
        return cls(dollars * USD_UNIT)

    def text(self) -> str:
        """Return plain decimal text with at least two decimals: ``1500.00``, ``0.12345678``."""
        known = self._texts.get(self)
        if known is not None:
            return known
        digits = _digits(self)
        if self < USD_UNIT:
            digits = digits.zfill(USD_DECIMALS + 1 if self >= 0 else USD_DECIMALS + 2)
        return f"{digits[:-8]}.{digits[-8:-6]}{digits[-6:].rstrip('0')}"


class Quantity(FixedPoint):
    """A quantity or a price in units of 1e-18; may be negative (a short position)."""

    __slots__ = ()

    noun: ClassVar[str] = "a decimal number"
    pattern: ClassVar[str] = r"^-?\d+(\.\d{1,18})?$"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an exact decimal; scientific notation such as ``1.00E-05`` is accepted.

        Raises:
            ValueError: when the text is no decimal number, or needs more than 18 decimals, or more than 30 digits
                before the point.
        """
        whole, _, part = text.partition(".")
        if (
            whole.isdigit()
            and part.isdigit()
            and text.isascii()
            and len(whole) <= WHOLE_DIGITS_MAX
            and len(part) <= DECIMALS_MAX
        ):
            value = cls(whole + part.ljust(DECIMALS_MAX, "0"))
            if part[-1] != "0" and (whole[0] != "0" or whole == "0"):
                texts = cls._texts
                if len(texts) >= TEXTS_MAX:
                    texts.clear()
                texts[value] = text
            return value
        shifted = _shifted(text, WHOLE_DIGITS_MAX, DECIMALS_MAX)
        return cls(_exactly(text) if shifted is None else shifted)

    @classmethod
    def of(cls, whole: int) -> Self:
        """Return the quantity of a whole number."""
        return cls(whole * SCALE)

    def text(self) -> str:
        """Return plain decimal text without trailing zeros: ``0.00001``, ``3871.46``, ``0``."""
        known = self._texts.get(self)
        if known is not None:
            return known
        digits = _digits(self)
        if self < SCALE:
            digits = digits.zfill(DECIMALS_MAX + 1 if self >= 0 else DECIMALS_MAX + 2)
        part = digits[-DECIMALS_MAX:].rstrip("0")
        return f"{digits[:-DECIMALS_MAX]}.{part}" if part else digits[:-DECIMALS_MAX]


TOKEN_UNIT: Final = 100
"""One unit of the settlement token (1e-6 USD) in units of the ledger (1e-8 USD)."""


class TokenUnits(FixedPoint):
    """An amount in a token's own smallest units, as contracts count it. JSON holds it as a whole number in text."""

    __slots__ = ()

    noun: ClassVar[str] = "an amount in a token's units"
    pattern: ClassVar[str] = r"^(0|[1-9]\d{0,77})$"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a whole number such as ``"1500000"``.

        Raises:
            ValueError: when the text is no whole number from 0 to 2^256 - 1 in its shortest form.
        """
        if len(text) <= U256_DIGITS_MAX and text.isascii() and text.isdigit() and (text[0] != "0" or text == "0"):
            value = cls(text)
            if value < U256_LIMIT:
                return value
        raise ValueError(f"expected a whole number below 2^256 as a string, got {text[:TEXT_CHARS_MAX]!r}")

    def text(self) -> str:
        """Return the number in decimal."""
        return _digits(self)


def _exactly(text: str) -> int:
    if len(text) > TEXT_CHARS_MAX or not _SCIENTIFIC.fullmatch(text):
        raise ValueError(f"expected a decimal number as a string, got {text[:TEXT_CHARS_MAX]!r}")
    value = Decimal(text)
    if value and value.adjusted() >= SUM_WHOLE_DIGITS_MAX:
        raise ValueError(f"expected a number below 10^{SUM_WHOLE_DIGITS_MAX}, got {value}")
    scaled = value.scaleb(DECIMALS_MAX, _EXACT)
    if scaled != scaled.to_integral_value(context=_EXACT):
        raise ValueError(f"expected at most {DECIMALS_MAX} decimals, got {value}")
    return int(scaled)


def divide_half_up(numerator: int, denominator: int) -> int:
    """Return the quotient rounded to the nearest integer, a half away from zero. The denominator is above 0."""
    if numerator < 0:
        return -((denominator - 2 * numerator) // (2 * denominator))
    return (denominator + 2 * numerator) // (2 * denominator)


def price_or_size(value: Quantity) -> Quantity:
    """Return the value if it can be a price or a size.

    Raises:
        ValueError: when the value is not above 0, or has more than 18 digits before the point.
    """
    if not 0 < value < WHOLE_LIMIT:
        raise ValueError(f"expected a number above 0 and below 10^{WHOLE_DIGITS_MAX}, got {value.text()}")
    return value


Price = Annotated[Quantity, AfterValidator(price_or_size)]
"""An exact price above 0, of at most 18 decimals and 18 digits before the point."""

Size = Annotated[Quantity, AfterValidator(price_or_size)]
"""An exact quantity above 0, of at most 18 decimals and 18 digits before the point."""


def _shifted(text: str, whole_digits_max: int, decimals: int) -> str | None:
    """Return the digits of a plain decimal, padded to so many decimals, without the point. None for other text."""
    whole, point, part = text.partition(".")
    digits = whole.removeprefix("-")
    if (
        digits.isdigit()
        and (part.isdigit() or not point)
        and text.isascii()
        and len(digits) <= whole_digits_max
        and len(part) <= decimals
    ):
        return whole + part.ljust(decimals, "0")
    return None
