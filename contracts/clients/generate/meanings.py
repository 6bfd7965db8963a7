"""What the numbers of the contracts mean: the units of amounts, and which felts are hashes or texts.

A number is looked up by `Class.name` first, then by its name: that of the member, the argument, or the function that
returns it. A number without a meaning stops the generator.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

UNITS: Final[Mapping[str, tuple[str, ...]]] = {
    "units of the token": (
        "allowance", "amount", "balance_of", "claim", "claimable", "collect", "cost", "due", "exiting",
        "received_before", "release", "released", "staked", "supply", "surplus", "total_claimed", "total_exiting",
        "total_funded", "total_of", "total_received", "total_released", "total_settled", "total_spent",
        "total_staked", "total_supply", "total_surplus", "total_swept", "value", "waiting", "withdraw",
    ),
    "units of the asset paid, and of the collateral seized": ("liquidate",),
    "a price, and seconds since 1970": ("latest", "held"),
    "units of the asset": (
        "borrow_cap", "cash", "collateral_value", "debt", "debt_of", "min_debt", "paid", "redeem", "repay",
        "supplied_by", "supply_cap",
    ),
    "units of the collateral": ("collateral_of", "seized", "total_collateral"),
    "units of the asset, times 1e27": (
        "BadDebtRecorded.amount", "InterestAccrued.reserves", "from_reserves", "bad_debt", "reserves",
    ),
    "units of the asset that were owed at an index of one": ("scaled_debt", "scaled_debt_of"),
    "units of the asset for one unit of collateral, times 1e36": ("price",),
    "parts of one, times 1e27": ("rate", "InterestAccrued.index", "Market.index"),
    "shares, of which a unit of the asset bought 1e6 at first": (
        "LendingPool.supply", "LendingPool.withdraw", "shares", "shares_of",
    ),
    "units of the token, times 1e36": ("Stream.carry", "Stream.index", "Stream.released"),
    "units of the token for a million Cairo steps of gas": (
        "MaxPriceChanged.price", "Paymaster.max_price", "Paymaster.price",
    ),
    "gas in Cairo steps, each 100 of Starknet's L2 gas": ("gas", "gas_left"),
    "gas in Cairo steps a day": ("allowance_of",),
    "parts per million": ("ppm",),
    "seconds": ("elapsed_s",),
    "seconds since 1970": ("observed_at", "ready_at", "updated_at"),
    "points of experience": ("experience",),
    "a tier from 1 (Basic) to 5 (Diamond)": ("tier", "raise"),
    "a number of tokens": tuple(
        f"{contract}.{name}"
        for contract in ("GenesisNFT", "Reputation", "ERC721")
        for name in ("balance_of", "total_supply")
    ),
    "a count from 1": ("batch", "last_batch", "epoch", "mint", "sequence", "token_for", "token_id",
        "token_of", "token_of_request"),
    "digits after the point": ("decimals",),
}  # fmt: skip
TEXTS: Final = frozenset({"kind", "rarity", "role", "source"})
"""Felts that are short strings."""
HASHES: Final = frozenset({
    "announce", "batch_hash", "details", "hash", "id", "interface_id", "last_batch", "previous_hash", "request",
    "settle_batch",
})  # fmt: skip
"""Felts whose value means nothing."""
NUMBERS: Final = frozenset({"calldata", "data", "selector"})
"""Felts that stay numbers."""

_UNIT_OF: Final = {name: unit for unit, names in UNITS.items() for name in names}


class MeaningError(Exception):
    """A number has no meaning yet. Add one to `contracts/clients/generate/meanings.py`."""


def unit(contract: str, name: str) -> str:
    """Return the unit of a number.

    Raises:
        MeaningError: none is known.
    """
    found = _UNIT_OF.get(f"{contract}.{name}") or _UNIT_OF.get(name)
    if found is None:
        raise MeaningError(f"nothing says what unit {contract}.{name} has; add it to {__name__}")
    return found


def felt_codec(contract: str, name: str) -> str:
    """Return the codec of a felt.

    Raises:
        MeaningError: its meaning is not known.
    """
    for codec, names in (("TEXT", TEXTS), ("HEX", HASHES), ("FELT", NUMBERS)):
        if f"{contract}.{name}" in names or name in names:
            return codec
    raise MeaningError(f"nothing says whether {contract}.{name} is a text, a hash or a number; add it to {__name__}")
