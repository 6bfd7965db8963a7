"""Trading: fills of venues, practice orders, positions, liquidation. `domain` is the whole of it; `agent` wires it."""
