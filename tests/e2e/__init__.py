"""End to end: real processes, real sockets, the whole pipeline, compared with the oracle. See `pipeline.py`."""
