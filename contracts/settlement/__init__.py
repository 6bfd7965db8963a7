"""The settlement: accrued fees of the log become batches, and each batch is settled on Starknet once.

Depends on the events, on the log and on the indexer's reader of a node. `batches.py` and `reconciliation.py` decide
without I/O; `store.py` writes to the log; `transactions.py` sends to a node; `settlement.py` connects them.
"""
