"""The indexer: events of our contracts on Starknet become facts in the log, and reorganisations take facts back.

Depends on the events and on the log. `chain_state.py` decides without I/O; `node.py` and `blocks.py` read from a node;
`store.py` writes to the log; `indexer.py` connects them.
"""
