"""Social: profiles. `domain` composes the rules; `agent` wires them to Faust."""
