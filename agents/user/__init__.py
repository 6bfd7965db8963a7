"""User: projections of accounts, preferences, inboxes. `domain` composes the rules; `agent` wires them to Faust."""
