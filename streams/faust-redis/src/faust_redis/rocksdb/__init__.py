"""The RocksDB table store."""
