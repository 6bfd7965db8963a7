"""Deliver events to agents: fetch by offset, decode, hand over, and track the events in flight."""
