"""Financial: fees and their split. `domain` is the whole of it; `agent` wires it."""
