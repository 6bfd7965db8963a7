"""Trading: venues' fills, practice orders, positions, liquidation. `domain` composes the rules; `agent` wires them."""
