"""Typed clients of our contracts, generated from their ABI by `python -m contracts.clients.generate`.

`codec.py` and `contract.py` are what generated modules use; `panics.py` names the errors of the contracts. Nothing here
imports starknet-py, which takes half a second.
"""
