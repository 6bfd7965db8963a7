"""Bring events to agents: fetch by offset, decode, hand over, keep track of what agents work on."""
