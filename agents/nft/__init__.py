"""NFT: eligibility. `domain` composes the rules; `agent` wires them to Faust."""
