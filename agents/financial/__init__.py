"""Financial: fees and their split. `domain` composes the rules; `agent` wires them to Faust."""
