"""Tests of `astratrade bench`, and the speed of the rules alone: `python -m tests.bench.rules_speed`."""
