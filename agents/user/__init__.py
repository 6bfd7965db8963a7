"""User: projections of accounts. `domain` composes the rules; `agent` wires them to Faust."""
