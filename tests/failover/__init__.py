"""Fail-over of a replicated broker under load, with real servers and Sentinels: `python -m tests.failover`."""
