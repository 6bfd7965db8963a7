"""The contracts that are indexed, as a setting names them. Imports the standard library alone."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

CLASSES: Final = ("FeeCollector", "FeeSplitter", "GenesisNFT", "Paymaster", "Reputation")
"""The classes whose events become facts."""
ADDRESSES_END: Final = 2**251 - 256
RESERVED_ADDRESSES: Final = 2
_HEX: Final = re.compile(r"0x[0-9a-fA-F]{1,64}", re.ASCII)


class Contract(NamedTuple):
    """One of our contracts: the name of its class, and its address as `0x` and 64 digits."""

    class_name: str
    address: str


def padded(number: int) -> str:
    """Return `0x` and 64 digits."""
    return f"0x{number:064x}"


def contracts_of(text: str) -> tuple[Contract, ...]:
    """Return the contracts of a list such as `FeeCollector:0x5b4…,FeeSplitter:0x360…@712000`.

    Raises:
        ValueError: an entry is not a class with facts and an address, or an address comes twice.
    """
    found = tuple(_contract(part.strip()) for part in text.split(",") if part.strip())
    if len({contract.address for contract in found}) < len(found):
        raise ValueError("an address comes twice")
    return found


def address_of(text: str) -> str:
    """Return an address as `0x` and 64 digits.

    Raises:
        ValueError: no contract can be there.
    """
    number = int(text, 16) if _HEX.fullmatch(text) else 0
    if not RESERVED_ADDRESSES <= number < ADDRESSES_END:
        raise ValueError(f"{text!r} is no address of a contract")
    return padded(number)


def first_blocks_of(text: str) -> dict[str, int]:
    """Return the first block to read of the contracts for which a list names it, as in `FeeSplitter:0x360…@712000`.

    Raises:
        ValueError: a first block is no number.
    """
    found = {}
    for part in (part.strip() for part in text.split(",") if "@" in part):
        number = part.partition("@")[2]
        if not number.isdecimal() or not number.isascii():
            raise ValueError(f"{number!r} is no number of a block")
        found[_contract(part).address] = int(number)
    return found


def _contract(text: str) -> Contract:
    class_name, _, rest = text.partition(":")
    address = rest.partition("@")[0]
    if class_name not in CLASSES:
        raise ValueError(f"{class_name!r} is not one of {', '.join(CLASSES)}")
    return Contract(class_name, address_of(address))
