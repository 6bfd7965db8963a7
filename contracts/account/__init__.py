"""An account on Starknet that sends transactions. `signer.py` has its key, `account.py` asks a node."""
