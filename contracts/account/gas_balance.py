"""How many tokens an account has left to pay for gas."""

from __future__ import annotations

import math
import time
from typing import Final

from contracts.clients.contract import At, MissingContractError
from contracts.clients.shared.erc20 import ERC20Client

GAS_TOKEN: Final = "0x04718f5a0fc34cc1af16a1cdee98ffb20c31f5cd61d6ab07201858f4287c938d"  # noqa: S105 - an address
"""STRK, in which transactions pay for their gas, on every network."""
UNIT: Final = 10**18
"""Units of a token."""
EVERY_S: Final = 60.0


class GasBalance:
    """The balance of one account, which is asked for once a minute.

    Attributes:
        tokens: The tokens, in STRK; NaN while they are unknown.
    """

    def __init__(self, address: str) -> None:
        self.tokens = math.nan
        self._address = address
        self._asked_s = -math.inf

    async def look(self, at: At) -> None:
        """Ask for the balance at a block, unless this was done within the last minute.

        Raises:
            NodeError: the node gives no answer.
        """
        if time.monotonic() - self._asked_s < EVERY_S:
            return
        self._asked_s = time.monotonic()
        try:
            self.tokens = await ERC20Client(GAS_TOKEN).balance_of(at, self._address) / UNIT
        except MissingContractError:
            self.tokens = math.nan  # a chain of tests can lack it
