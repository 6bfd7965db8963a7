"""Traces: what real processes send to a collector, compared with the log. `python -m tests.tracing` draws one trace."""
