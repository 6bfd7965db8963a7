"""How fast it is on this machine: what `astratrade bench` measures. Nothing of the product depends on it."""
