"""NFT: eligibility, mints, the market. `domain` composes the rules; `agent` wires them to Faust."""
