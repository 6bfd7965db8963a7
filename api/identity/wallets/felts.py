"""Numbers of Starknet as clients write them: field elements and addresses. Imports the standard library alone."""

from __future__ import annotations

import re
from typing import Final

PRIME: Final = 2**251 + 17 * 2**192 + 1
"""A field element (felt) is below this."""
CURVE_ORDER: Final = 0x800000000000010FFFFFFFFFFFFFFFFB781126DCAE7B2321E66A241ADC64D2F
"""The order of the Stark curve. The second half of a signature is below this."""
SIGNATURE_R_MAX: Final = 2**251
ADDRESSES_END: Final = 2**251 - 256
"""Addresses of contracts are below this."""
RESERVED_ADDRESSES: Final = 2
"""Addresses 0 and 1 belong to no contract."""
HEX_FELT: Final = r"^0x[0-9a-fA-F]{1,64}$"
CHAIN_ID: Final = r"^[A-Z][A-Z0-9_]{0,30}$"
"""A chain id is a short string of Starknet. One that begins with a letter cannot be mistaken for a number."""
_HEX: Final = re.compile(HEX_FELT, re.ASCII)


def felt(text: str) -> int:
    """Return the field element that a hexadecimal text names.

    Raises:
        ValueError: the text is not `0x` and 1 to 64 digits, or the number is too large.
    """
    if not _HEX.fullmatch(text):
        raise ValueError("expected 0x and 1 to 64 hexadecimal digits")
    number = int(text, 16)
    if number >= PRIME:
        raise ValueError("the number is not a field element of Starknet: it is too large")
    return number


def address(text: str) -> str:
    """Return an address in the one form in which it is stored: `0x` and 64 lower-case digits.

    Raises:
        ValueError: the text is no address of a contract.
    """
    number = felt(text)
    if not RESERVED_ADDRESSES <= number < ADDRESSES_END:
        raise ValueError("no contract of Starknet can have this address")
    return padded(number)


def public_key(text: str) -> str:
    """Return a public key in the form in which it is stored, as for addresses.

    Raises:
        ValueError: the text is no field element, or zero.
    """
    number = felt(text)
    if not number:
        raise ValueError("zero is no public key")
    return padded(number)


def padded(number: int) -> str:
    """Return `0x` and 64 digits."""
    return f"0x{number:064x}"


def short_string(text: str) -> int:
    """Return the field element of a short string: its ASCII bytes, the first one the highest."""
    return int.from_bytes(text.encode("ascii"), "big")
