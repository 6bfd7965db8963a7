"""Tests of the contracts on a real Starknet node: `python -m tests.chain`."""
