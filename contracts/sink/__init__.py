"""The sink for users: it mints their tokens and records their experience on the chain, as the log says.

`people.py` is what it knows, without I/O; `sink.py` takes the steps.
"""
