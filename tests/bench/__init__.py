"""Tests of `python -m tests.bench`, and the speed of the rules alone: `python -m tests.bench.rules_speed`."""
