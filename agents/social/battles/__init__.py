"""Battles: engagements of constellations, the battles themselves, and the entries of their members."""
