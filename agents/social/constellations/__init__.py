"""Constellations: slots of users, names, and the constellations themselves, each in the partition of its key."""
