"""Net positions by user and market: signed quantity and realised pnl."""

from dataclasses import dataclass
from decimal import Decimal

from tests.oracle.fills import Fill


@dataclass
class Position:
    """A net position: `realised` in integers of 1e-8 USD; `quantity` above 0 when long."""

    quantity: Decimal = Decimal(0)
    realised: int = 0

    def apply(self, fill: Fill) -> None:
        self.quantity += fill.signed_size
        if fill.closes:
            self.realised += fill.pnl
