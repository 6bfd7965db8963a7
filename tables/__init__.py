"""What is remembered: table definitions, boards, the RocksDB store, the views. Depends on `streams` only."""
