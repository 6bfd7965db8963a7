"""Windows of event time in the API: tables of which each partition has a part, read by range and followed by series."""
