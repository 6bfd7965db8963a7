"""Keep table state equal to the log: stores, restoring, standbys, windows."""
